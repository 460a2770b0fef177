"""Candidates for one token: their probabilities before and after the sampler stages, and what each stage cut."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.terminal import safe_line
from tui.ui.bindings import bind

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NUMBER = 4
_STAGE = 12
_COUNT = 6
_ROOM_FOR_LABELS = 9
_ROOM_FOR_TWO_LINES = 6
_ROOM_FOR_CANDIDATES = 5
_BLANKS = {"\n": "↵", "\t": "⇥", "\xa0": "⍽"}
_STYLES = "heading label number token chosen cut bar gain loss cursor"


class Candidates(Widget, can_focus=True):
    """Likeliest tokens, one per row, with their probabilities before and after the knobs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up,k", "move(-1)", "Candidate", id="candidate.above", show=True, key_display="↑↓",
             tooltip="Go through the candidates"),
        bind("down,j", "move(1)", "Candidate below", id="candidate.below"),
        bind("home", "move(-99)", "First candidate", id="candidate.first"),
        bind("end", "move(99)", "Last candidate", id="candidate.last"),
        bind("enter", "choose", "Branch here", id="candidate.choose", show=True,
             tooltip="Branch: generate the rest of the reply after this token"),
        bind("escape", "leave", "Back", id="candidate.back", show=True, tooltip="Back to the tokens"),
    ]  # fmt: skip

    COMPONENT_CLASSES = {f"candidates--{name}" for name in _STYLES.split()}

    ALLOW_SELECT = False

    trace: reactive[TokenTrace | None] = reactive[TokenTrace | None](None)
    """Trace of the token."""

    heading: reactive[str] = reactive("newest token")
    """Title of the view."""

    vocabulary: reactive[int] = reactive(0)
    """Size of the vocabulary; 0 while unknown."""

    cursor: reactive[int] = reactive(0)
    """Index of the candidate with the cursor, while the view has the focus."""

    @dataclass
    class Chosen(Message):
        """The user wants the reply to continue with this token."""

        candidate: Candidate

    class Left(Message):
        """The user wants to leave the view."""

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[Strip] = []
        self._drawn_for: tuple[object, ...] | None = None
        self._top = self._first = 0
        """Row of the first candidate, and its index among all."""
        self._rows: Sequence[Candidate] = ()

    def notify_style_update(self) -> None:
        """Draw anew: the theme may have changed."""
        super().notify_style_update()
        self._drawn_for = None

    def render_line(self, y: int) -> Strip:
        """Return a row of the view; all are drawn when the first is asked for."""
        now = (self.trace, self.heading, self.content_size, self.vocabulary, self.has_focus, self.cursor)
        if self._drawn_for != now:
            self._strips = self._draw(*self.content_size)
            self._drawn_for = now
        return self._strips[y] if y < len(self._strips) else self._line(self.content_size.width)

    def _draw(self, width: int, height: int) -> list[Strip]:
        trace = self.trace
        if trace is None:
            return [
                self._line(width, (self.heading, "heading")),
                self._line(width, ("The odds of each token show here.", "label")),
            ]
        head = [self._heading(trace, width), self._entropy(trace, width)]
        if height >= _ROOM_FOR_LABELS:
            head.append(self._labels(width))
        foot = self._waterfall(trace, width, height - len(head))
        room = max(height - len(head) - len(foot), 0)
        rows, first = self._window(trace, room)
        self._top, self._first, self._rows = len(head), first, rows
        scale = max((max(row.p, row.p_raw) for row in rows), default=0) or 1
        body = [
            self._row(row, row.id == trace.id, scale, width, pointed=self.has_focus and first + place == self.cursor)
            for place, row in enumerate(rows)
        ]
        return [*head, *body, *[self._line(width)] * (room - len(body)), *foot]

    def _window(self, trace: TokenTrace, room: int) -> tuple[list[Candidate], int]:
        """Return the candidates shown, and the index of the first: they include the cursor, else the chosen token."""
        if not self.has_focus:
            return _shown(trace, room), 0
        first = max(0, min(self.cursor, len(trace.candidates) - 1) - room + 1)
        return list(trace.candidates[first : first + room]), first

    def _heading(self, trace: TokenTrace, width: int) -> Strip:
        chosen = trace.id >= 0
        rank = f"rank {trace.rank + 1}" if chosen else ""
        token = set_cell_size(f"  {visible(trace.text)}", max(width - len(self.heading) - len(rank), 0))
        return self._line(
            width, (self.heading, "heading"), (token if chosen else " " * len(token), "chosen"), (rank, "number")
        )

    def _entropy(self, trace: TokenTrace, width: int) -> Strip:
        return self._line(
            width,
            ("entropy ", "label"),
            (f"{trace.entropy_raw:.2f}", "number"),
            (" → ", "label"),
            (f"{trace.entropy:.2f}", "number"),
            (" bits", "label"),
        )

    def _labels(self, width: int) -> Strip:
        before = 2 + _token_width(width) + 1 + _NUMBER
        return self._line(width, (f"{'before %':>{before}}{'after %':>{width - before}}", "label"))

    def _row(self, candidate: Candidate, chosen: bool, scale: float, width: int, *, pointed: bool) -> Strip:
        """Return `▶ token before [bar] after`; the name of the stage that cut it lies over the end of the bar."""
        kind = "chosen" if chosen else "cut" if candidate.cut else "token"
        token_width = _token_width(width)
        room = max(width - 2 - token_width - 1 - _NUMBER - 1, 0)
        bar = max(room - 1 - _NUMBER, 0)
        end = f" {percent(candidate.p):>{_NUMBER}}"
        if candidate.cut:
            end = f" cut by {safe_line(candidate.cut)}"
            end = end if len(end) <= room else safe_line(candidate.cut)[:room]
        cells = [
            Segment("▶ " if chosen else "› " if pointed else "  ", self._style("cursor" if pointed else kind)),
            Segment(set_cell_size(visible(candidate.text), token_width), self._style("cursor" if pointed else kind)),
            Segment(f" {percent(candidate.p_raw):>{_NUMBER}} ", self._style("cut" if kind == "cut" else "number")),
            *self._bar(candidate.p_raw / scale, candidate.p / scale, bar, room - len(end)),
            Segment(end, self._style("number" if kind == "token" else kind)),
        ]
        return Strip(cells).adjust_cell_length(width, self._style("label"))

    def _bar(self, before: float, after: float, width: int, visible: int) -> Strip:
        """Return the bar: the smaller share in full, then the reach of the larger past it, in eighths of a cell."""
        low, high = sorted(_eighths(share, width) for share in (before, after))
        shared, past = self._style("bar"), self._style("gain" if after > before else "loss")
        runs = [Segment("█" * (low // 8), shared)]
        if high // 8 > low // 8:
            between = Segment(_EIGHTHS[low % 8], shared + Style(bgcolor=past.color)) if low % 8 else Segment("█", past)
            runs += [between, Segment("█" * (high // 8 - low // 8 - 1), past)]
        if high % 8:
            # Both ends in one cell, which has but two colours: the longer part gives it its own.
            mostly_shared = low > high // 8 * 8 and low % 8 >= high - low
            runs.append(Segment(_EIGHTHS[high % 8], shared if mostly_shared else past))
        return Strip(runs).adjust_cell_length(visible, shared)

    def _waterfall(self, trace: TokenTrace, width: int, room: int) -> list[Strip]:
        """Return a row per stage if they fit, else per stage that cut something, else all stages in a line or two."""
        before = [self.vocabulary or max((stage.survivors for stage in trace.stages), default=0)]
        before += [stage.survivors for stage in trace.stages]
        rows = list(zip(trace.stages, before, strict=False))
        acting = [row for row in rows if row[0].survivors < row[1]]
        for shown in (rows, acting):
            if shown and room >= len(shown) + 1 + _ROOM_FOR_CANDIDATES:
                title = self._line(width, ("left by each stage", "label"))
                return [title, *(self._step(stage, had, before[0], width) for stage, had in shown)]
        return self._brief(trace, width, 2 if room >= _ROOM_FOR_TWO_LINES else 1)

    def _step(self, stage: StageTrace, had: int, most: int, width: int) -> Strip:
        """Return `top_k        40 ██████░░░░`: candidates left by a stage, on a logarithmic scale."""
        kind = "token" if stage.survivors < had else "label"
        room = max(width - _STAGE - 1 - _COUNT - 1, 0)
        left, lost = (round(room * log(1 + count) / log(1 + most)) if most else 0 for count in (stage.survivors, had))
        cells = [
            Segment(set_cell_size(safe_line(stage.name), _STAGE), self._style(kind)),
            Segment(f" {stage.survivors:>{_COUNT}} ", self._style("number")),
            Segment("█" * left, self._style("bar")),
            Segment("░" * (lost - left), self._style("loss")),
        ]
        return Strip(cells).adjust_cell_length(width, self._style("label"))

    def _brief(self, trace: TokenTrace, width: int, most: int) -> list[Strip]:
        """Return `top_k 40 → top_p 12`: candidates left by each stage; the number is left out if nothing was cut."""
        lines, before = [""], None
        for index, stage in enumerate(trace.stages):
            name = safe_line(stage.name)
            step = name if stage.survivors == before else f"{name} {stage.survivors}"
            step = f" → {step}" if index else step
            before = stage.survivors
            if lines[-1] and len(lines[-1]) + len(step) > width:
                lines.append(step.lstrip())
            else:
                lines[-1] += step
        if len(lines) > most:
            lines[most - 1] += " …"
        return [self._line(width, (line, "label")) for line in lines[:most]]

    # --- what the person does ---------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        most = len(self.trace.candidates) - 1 if self.trace else 0
        self.cursor = max(0, min(self.cursor + by, most))

    def action_choose(self) -> None:
        """Post the candidate with the cursor."""
        if self.trace and self.trace.candidates:
            self.post_message(self.Chosen(self.trace.candidates[min(self.cursor, len(self.trace.candidates) - 1)]))

    def action_leave(self) -> None:
        """Post that the user wants to leave."""
        self.post_message(self.Left())

    def on_focus(self) -> None:
        """Put the cursor on the likeliest token that was not chosen."""
        candidates = self.trace.candidates if self.trace else ()
        others = (place for place, each in enumerate(candidates) if self.trace and each.id != self.trace.id)
        self.cursor = next(others, 0)
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Put the cursor on the candidate clicked; a double click chooses it."""
        offset = event.get_content_offset(self)
        if offset and 0 <= offset.y - self._top < len(self._rows):
            self.cursor = self._first + offset.y - self._top
            if event.chain == 2:
                self.action_choose()

    def _line(self, width: int, *parts: tuple[str, str]) -> Strip:
        """Return a row of (text, style) parts, padded with styled blanks, which NO_COLOR insists on."""
        segments = [Segment(safe_line(text), self._style(part)) for text, part in parts]
        return Strip(segments).adjust_cell_length(width, self._style("label"))

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"candidates--{part}")


def visible(text: str) -> str:
    """Return a token's text with symbols for blanks and control characters."""
    for blank, symbol in _BLANKS.items():
        text = text.replace(blank, symbol)
    text = "".join("␣" if unicodedata.category(char) == "Zs" else char for char in safe_line(text))
    if not text:
        return "∅"
    # A mark that combines needs something to stand on, or it would sit on the space before the token.
    return text if cell_len(text[0]) else f"◌{text}"


def percent(share: float) -> str:
    """Return a probability as a percentage of at most four characters."""
    number = 100 * share
    if number >= 99.95:
        return "100"
    if number >= 0.1:
        return f"{number:.1f}"
    return "0" if share == 0 else f"{number:.2f}".lstrip("0") if number >= 0.01 else "<.01"


def _shown(trace: TokenTrace, room: int) -> list[Candidate]:
    """Return as many candidates as fit, the chosen one always among them."""
    shown = list(trace.candidates[:room])
    chosen = next((candidate for candidate in trace.candidates if candidate.id == trace.id), None)
    if shown and chosen and chosen not in shown:
        shown[-1] = chosen
    return shown


def _token_width(width: int) -> int:
    return max(7, min(16, width // 4))


def _eighths(share: float, width: int) -> int:
    return max(round(share * width * 8), 1) if share > 0 else 0
