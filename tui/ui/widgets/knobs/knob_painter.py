"""The rows of the knob list as strips; a row is drawn again only when its content or the cursor changed."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.widgets.knobs.knob_lines import Line
from tui.ui.widgets.knobs.knob_list_state import KnobListState, Row
from tui.ui.widgets.knobs.knob_row import RowColumns

Content = tuple[Row | None, tuple[str, ...]]
"""Content of a line, and the styles of the cursor or the mouse on it."""


class KnobPainter:
    """Rows drawn so far by line, with the styles `knob-list--*` of the list."""

    def __init__(self, widget: Widget, state: KnobListState) -> None:
        self._widget, self._state = widget, state
        self._styles: dict[tuple[str, ...], Style] = {}
        self.drawn: dict[int, tuple[Content, Strip]] = {}

    @property
    def columns(self) -> RowColumns:
        """Columns of every row."""
        return RowColumns(self._widget.scrollable_content_region.width)

    def content(self, line: Line) -> Content:
        """Return the content of a line as things are."""
        if self._widget.has_focus and line == self._state.line:
            return self._state.row(line), ("cursor",)
        return self._state.row(line), ("hover",) if line == self._state.hovered else ()

    def draw(self, y: int, content: Content) -> Strip:
        """Return the row of line `y`."""
        if y not in self.drawn:
            row, states = content
            columns = self.columns
            bar = Segment("▌" if "cursor" in states else " ", self.style(*states, "mark"))
            parts = row.draw(columns) if row else []
            strip = Strip([bar, *(Segment(part.text, self.style(*states, part.style)) for part in parts)])
            self.drawn[y] = content, strip.crop_extend(0, columns.across, self.style(*states))
        return self.drawn[y][1]

    def style(self, *names: str) -> Style:
        """Return the style of some component classes together."""
        found = self._styles.get(names)
        if found is None:
            classes = [f"knob-list--{name}" for name in names]
            found = self._styles[names] = self._widget.get_visual_style(*classes).rich_style
        return found

    def clear(self) -> None:
        """Drop rows and styles: the theme or the focus may have changed."""
        self._styles.clear()
        self.drawn.clear()
