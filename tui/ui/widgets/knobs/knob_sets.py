"""Tabs of the knobs for the answer and those for the thought."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

_NAMES = ("answer", "thinking")


class KnobSets(Widget):
    """Line with both names; hidden for a model that does not think."""

    COMPONENT_CLASSES = {"knob-sets--shown", "knob-sets--other", "knob-sets--hint"}

    thinks: reactive[bool] = reactive(False, toggle_class="-thinks")
    """True if there are two sets."""

    thought: reactive[bool] = reactive(False)
    """True if the set for the thought is shown."""

    @dataclass
    class Picked(Message):
        """A set was clicked."""

        thought: bool

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        width, hint = self.content_size.width, "t switches "
        answer, thinking = (f"{'▸' if shown else ' '} {name}" for name, shown in zip(_NAMES, self._shown, strict=True))
        left = [
            Segment("  ", self._style("hint")),
            Segment(answer, self._style("other" if self.thought else "shown")),
            Segment(" │", self._style("hint")),
            Segment(thinking, self._style("shown" if self.thought else "other")),
        ]
        start = Strip(left).crop_extend(0, max(width - len(hint), 0), self._style("hint"))
        return Strip([*start, Segment(hint, self._style("hint"))]).crop_extend(0, width, self._style("hint"))

    def on_click(self, event: events.Click) -> None:
        """Choose the set under the mouse."""
        self.post_message(self.Picked(event.x >= 2 + len("▸ answer") + 1))

    @property
    def _shown(self) -> tuple[bool, bool]:
        return not self.thought, self.thought

    def _style(self, kind: str) -> Style:
        return self.get_visual_style(f"knob-sets--{kind}").rich_style
