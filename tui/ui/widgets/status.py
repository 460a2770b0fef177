"""Status line: engine, model, preset, speed and context."""

from typing import Literal

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.terminal import safe_line, truncate

State = Literal["loading", "ready", "writing", "failed", "lost", "silent"]

_GAP = 2
_GAUGE = 8
_LONGEST_NAME = 28
_NEARLY_FULL = 0.9
_WORDS: dict[State, str] = {
    "loading": "◌ loading",
    "ready": "● ready",
    "writing": "▶ writing",
    "failed": "✗ no model",
    "lost": "✗ engine lost",
    "silent": "✗ no answer",
}
_STYLES = "loading ready writing failed lost silent preset label gauge track full unsaved"


class Status(Widget):
    """Status line; if it is short, the least important parts go first."""

    COMPONENT_CLASSES = {f"status--{name}" for name in _STYLES.split()}

    ALLOW_SELECT = False

    state: reactive[State] = reactive[State]("loading")
    """State of the engine."""

    progress: reactive[float] = reactive(0.0)
    """Progress of loading, 0 to 1."""

    model: reactive[str] = reactive("")
    """Name of the model in its file."""

    place: reactive[str] = reactive("")
    """Device of the layers, such as `cpu` or `gpu 31/31`."""

    preset: reactive[str] = reactive("")
    """Name of the preset."""

    turned: reactive[bool] = reactive(False)
    """True if knobs differ from the preset."""

    rate: reactive[float | None] = reactive[float | None](None)
    """Tokens per second."""

    ttft_ms: reactive[float | None] = reactive[float | None](None)
    """Milliseconds to the first token."""

    used: reactive[int] = reactive(0)
    """Context tokens in use."""

    context: reactive[int] = reactive(0)
    """Context length in tokens; 0 while unknown."""

    unsaved: reactive[bool] = reactive(False)
    """True if something said is not saved yet."""

    def watch_state(self) -> None:
        """Refresh the footer, whose actions depend on the state."""
        self.refresh_bindings()

    def render(self) -> Content:
        """Return the parts that fit."""
        # The number says how dispensable a part is; the order is that of the line.
        parts = [
            (0, self._state()),
            (0, self._styled("⚠ not saved", "unsaved") if self.unsaved else Content()),
            (1, self._preset()),
            (5, self._model()),
            (7, self._styled(self.place, "label")),
            (2, self._rate()),
            (6, self._ttft()),
            (3, self._context_used()),
            (4, self._gauge()),
        ]
        parts = [part for part in parts if part[1]]
        while len(parts) > 1 and sum(part.cell_length + _GAP for _, part in parts) - _GAP > self.content_size.width:
            parts.remove(max(parts, key=lambda part: part[0]))
        return Content(" " * _GAP).join(part for _, part in parts)

    def _state(self) -> Content:
        words = self._styled(_WORDS[self.state], self.state)
        if self.state != "loading":
            return words
        return Content.assemble(words, " ", self._bar(self.progress, "loading"), f" {self.progress:.0%}")

    def _preset(self) -> Content:
        return self._styled(_short(self.preset) + ("*" if self.turned else ""), "preset")

    def _model(self) -> Content:
        return self._styled(_short(self.model), "label")

    def _rate(self) -> Content:
        if self.rate is None:
            return Content()
        return Content.assemble(f"{self.rate:.0f}", self._styled(" tok/s", "label"))

    def _ttft(self) -> Content:
        if self.ttft_ms is None:
            return Content()
        figure, unit = (f"{self.ttft_ms:.0f}", " ms") if self.ttft_ms < 1000 else (f"{self.ttft_ms / 1000:.1f}", " s")
        return Content.assemble(self._styled("first ", "label"), figure, self._styled(unit, "label"))

    def _context_used(self) -> Content:
        if not self.context:
            return Content()
        size = self._styled(f"/{self.context}", "full" if self._nearly_full else "label")
        return Content.assemble(self._styled("context ", "label"), str(self.used), size)

    def _gauge(self) -> Content:
        if not self.context:
            return Content()
        return self._bar(self.used / self.context, "full" if self._nearly_full else "gauge")

    @property
    def _nearly_full(self) -> bool:
        return self.used >= _NEARLY_FULL * self.context

    def _bar(self, share: float, part: str) -> Content:
        halves = round(min(max(share, 0.0), 1.0) * _GAUGE * 2)
        filled = "━" * (halves // 2) + "╾" * (halves % 2)
        return Content.assemble(self._styled(filled, part), self._styled("─" * (_GAUGE - len(filled)), "track"))

    def _styled(self, text: str, part: str) -> Content:
        return Content.styled(text, self.get_visual_style(f"status--{part}"))


def _short(name: str) -> str:
    return truncate(safe_line(name), _LONGEST_NAME)
