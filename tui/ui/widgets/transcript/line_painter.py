"""Lines of a transcript as rows of the terminal; a row is drawn once, until its line changes."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal import safe
from tui.ui.markdown import Span, StyledLine, fold
from tui.ui.widgets.segments import segments, selected
from tui.ui.widgets.transcript.entry import MARGIN, MEASURE
from tui.ui.widgets.transcript.entry_stack import EntryStack

MOST_ROWS = 2_000
"""Drawn rows in the cache; beyond this many it is emptied."""


class DrawnLine(NamedTuple):
    """A line and its row."""

    line: StyledLine
    strip: Strip


class LinePainter:
    """Rows of a transcript, drawn with the styles `transcript--*` of its widget."""

    def __init__(self, widget: ScrollView, stack: EntryStack) -> None:
        self._widget, self._stack = widget, stack
        self._rows: dict[int, DrawnLine] = {}
        self._styles: dict[str, Style] = {}

    def clear(self) -> None:
        """Drop rows and styles, as a change of theme asks for."""
        self._styles.clear()
        self._rows.clear()

    @property
    def rows(self) -> Mapping[int, DrawnLine]:
        """Rows drawn so far by line; none while text is selected, as those are drawn without the selection."""
        return {} if self._widget.text_selection else self._rows

    def draw(self, y: int, width: int) -> Strip:
        """Return the row of line `y` of the stack, laid out for `width` cells."""
        widget = self._widget
        selection = widget.text_selection
        reach = selection.get_span(y) if selection else None
        if reach is None and (row := self._rows.get(y)):
            return row.strip
        line = self._stack.line(y)
        drawn = [segment for span in line.spans for segment in segments(span.text, self._style(span.style))]
        if reach:
            drawn = list(selected(drawn, *reach, widget.screen.get_component_rich_style("screen--selection")))
        strip = Strip(drawn)
        if line.fill:
            strip = strip.extend_cell_length(min(width - 1, MARGIN + MEASURE + 1), self._style(line.fill))
        strip = self._filtered(strip.apply_offsets(0, y))
        if reach is None and widget.scrollable_content_region.width == width:
            self._rows[y] = DrawnLine(line, strip)
        return strip

    def draw_centred(self, y: int, text: str) -> Strip:
        """Return row `y` of the view while a text in its middle is all there is."""
        lines = _centred(text, self._widget.scrollable_content_region.width)
        number = y - (self._widget.size.height - len(lines)) // 2
        text = lines[number] if 0 <= number < len(lines) else ""
        return self._filtered(Strip(segments(text, self._style("welcome"))))

    def refresh_from(self, y: int) -> None:
        """Draw the lines in view again that changed from line `y` on."""
        if not y or len(self._rows) > MOST_ROWS:
            self._rows.clear()
        top, rows = self._widget.scroll_offset.y, self._rows
        view = range(max(y, top), top + self._widget.size.height)
        same = {at: rows[at] for at in view if at in rows and rows[at].line == self._stack.line(at)}
        for at in [at for at in rows if at >= y]:
            del rows[at]
        rows |= same
        if changed := [at for at in view if at not in same]:
            self._widget.refresh_lines(changed[0], changed[-1] - changed[0] + 1)

    def _filtered(self, strip: Strip) -> Strip:
        """Return a row as wide as the widget, through the filters of the app such as NO_COLOR."""
        strip = strip.crop_extend(0, self._widget.outer_size.width, self._style(""))
        for each in self._widget.get_line_filters():
            strip = strip.apply_filter(each, self._widget.background_colors[1])
        return strip

    def _style(self, names: str) -> Style:
        style = self._styles.get(names)
        if style is None:
            classes = [f"transcript--{name}" for name in names.split()]
            style = self._styles[names] = self._widget.get_visual_style(*classes).rich_style
        return style


@lru_cache(maxsize=4)
def _centred(text: str, width: int) -> Sequence[str]:
    """Return a text folded for a width, each line in the middle."""
    lines = ["".join(span.text for span in line.spans) for line in fold([Span(safe(text))], max(1, width - 2))]
    before = " " * max(0, (width - max(map(cell_len, lines))) // 2)
    return [before + line for line in lines]
