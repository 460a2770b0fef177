"""Tokens of a reply as coloured text, with a cursor on one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ui.bindings import bind
from tui.ui.widgets.segments import segments
from tui.ui.widgets.tokens.heatmap import Heatmap
from tui.ui.widgets.tokens.token_lines import NOBODY, TokenLines, TokenRun, TokenSpan

MARGIN = 1
"""Cells on the left."""


class TokenField(Heatmap, ScrollView, can_focus=True):
    """Field of tokens, each coloured by its level; what a level means is for others to know."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("left,h", "step(-1)", "Token before", id="token.previous"),
        bind("right,l", "step(1)", "Token after", id="token.next"),
        bind("up,k", "lines(-1)", "Line up", id="token.above"),
        bind("down,j", "lines(1)", "Line down", id="token.below"),
        bind("pageup", "pages(-1)", "Page up", id="token.page-up"),
        bind("pagedown", "pages(1)", "Page down", id="token.page-down"),
        bind("home", "pick(0)", "First token", id="token.first"),
        bind("end", "pick(-1)", "Last token", id="token.last"),
    ]

    @dataclass
    class Picked(Message):
        """The cursor moved to a token."""

        place: int

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[TokenSpan] = []
        self._given: list[bool] = []
        self._lines = TokenLines(1)
        self._levels = bytearray()
        self.cut: set[int] = set()
        """Tokens that a stage would have cut."""
        self._column = 0
        """Column that the cursor keeps when it moves up and down."""
        self.picked = NOBODY
        """Token with the cursor."""
        self.following = True
        """True if the cursor stays on the newest token."""

    @property
    def count(self) -> int:
        """Number of tokens."""
        return len(self._given)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove all tokens."""
        self._spans, self._given = [], []
        self._levels, self.cut = bytearray(), set()
        self.picked, self.following = NOBODY, True
        self._lay_out()

    def add(self, spans: Sequence[TokenSpan], levels: Sequence[int]) -> None:
        """Add spans at the end, with a level for each token among them."""
        top = len(self._lines.lines) - 1
        for span in spans:
            self._spans.append(span)
            self._place(span)
        self._levels += bytes(levels)
        self.virtual_size = Size(self._lines.width, len(self._lines.lines))
        self.refresh_lines(max(0, top - 1), self.size.height + 2)
        if self.following and self.count:
            self.pick(self.count - 1)

    def colour(self, first: int, levels: Sequence[int], cut: Sequence[bool]) -> None:
        """Set the levels of tokens from `first` on, and which of them a stage would have cut."""
        self._levels[first : first + len(levels)] = bytes(levels)
        places = range(first, first + len(levels))
        self.cut.difference_update(places)
        self.cut.update(place for place, gone in zip(places, cut, strict=True) if gone)
        self.refresh()

    def pick(self, place: int, column: int | None = None) -> None:
        """Put the cursor on a token."""
        if not self.count:
            return
        place = max(0, min(place, self.count - 1))
        x, y = self._lines.where(place)
        self._column = x if column is None else column
        self.following = place == self.count - 1
        if place == self.picked:
            return
        before, self.picked = self.picked, place
        for token in {before, place} - {NOBODY}:
            self.refresh_lines(self._lines.first[token], self._lines.last(token) - self._lines.first[token] + 1)
        self.scroll_to_region(Region(0, y, 1, self._lines.last(place) - y + 1), animate=False, force=True)
        self.post_message(self.Picked(place))

    # --- keys and mouse ---------------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """Move the cursor by some tokens."""
        self.pick(self.picked + by)

    def action_pick(self, place: int) -> None:
        """Put the cursor on a token; negative indices count from the end."""
        self.pick(place if place >= 0 else self.count + place)

    def action_lines(self, by: int) -> None:
        """Move the cursor to the nearest line with a token, in the same column."""
        if self.picked == NOBODY:
            return
        y = self._lines.first[self.picked] + by
        while 0 <= y < len(self._lines.lines):
            if (place := self._lines.at(self._column, y)) != NOBODY:
                self.pick(place, self._column)
                return
            y += by

    def action_pages(self, by: int) -> None:
        """Move the cursor by pages."""
        if self.picked == NOBODY:
            return
        y = self._lines.first[self.picked] + by * max(1, self.size.height - 1)
        place = self._lines.at(self._column, max(0, min(y, len(self._lines.lines) - 1)))
        self.pick(place if place != NOBODY else self.count - 1 if by > 0 else 0, self._column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the cursor with the mouse; without the focus it stays where it was clicked."""
        if self.has_focus and event.button == 0 and (event.delta_x or event.delta_y):
            self._pick_at(event)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the token clicked."""
        self._pick_at(event)

    def _pick_at(self, event: events.MouseEvent) -> None:
        x, y = event.x - MARGIN + self.scroll_offset.x, event.y + self.scroll_offset.y
        if (place := self._lines.at(x, y)) != NOBODY:
            self.pick(place)

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Lay all tokens out for the new width."""
        if self.scrollable_content_region.width - 2 * MARGIN != self._lines.width:
            self._lay_out()

    def _lay_out(self) -> None:
        self._lines = TokenLines(self.scrollable_content_region.width - 2 * MARGIN)
        self._given = []
        for span in self._spans:
            self._place(span)
        self.virtual_size = Size(self._lines.width, len(self._lines.lines))
        self.refresh()
        if self.picked != NOBODY:
            _, y = self._lines.where(self.picked)
            self.scroll_to_region(Region(0, y, 1, 1), animate=False, force=True)

    def _place(self, span: TokenSpan) -> None:
        self._lines.add(span)
        if span.kind == "token":
            self._given.append(span.given)

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def render_line(self, y: int) -> Strip:
        """Return a row of the view."""
        y += self.scroll_offset.y
        width = self.scrollable_content_region.width
        drawn = [Segment(" " * MARGIN, self.colour_of())]
        for run in self._lines.lines[y] if y < len(self._lines.lines) else ():
            drawn += segments(run.text, self.colour_of(*self._names(run)))
        return Strip(drawn).adjust_cell_length(width, self.colour_of())

    def _names(self, run: TokenRun) -> tuple[str, ...]:
        if run.token == NOBODY:
            return ("mark" if run.kind == "mark" else "person",)
        names = [str(self._levels[run.token])]
        if self._given[run.token]:
            names.append("given")
        if run.token in self.cut:
            names.append("cut")
        if run.kind == "sign":
            names.append("sign")
        if run.token == self.picked:
            names.append("cursor")
        return tuple(names)
