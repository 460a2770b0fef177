"""The panes beside each other, or above each other where there is no room beside."""

from textual.containers import Container
from textual.events import Resize

from tui.ui.widgets.pane import Pane
from tui.ui.widgets.transcript.transcript import Transcript

MOST = 4
"""More replies at once nobody reads."""

_WIDE, _HIGH = 36, 7
"""Cells that a pane needs: for a few words a line, and for its title, its figures and some lines between."""


class Panes(Container):
    """A grid of panes, as many in a row as can be read."""

    DEFAULT_CSS = """
    Panes {
        width: 1fr;
        height: 1fr;
        layout: grid;
        grid-size: 1;
    }
    """

    def __init__(self, panes: list[Pane]) -> None:
        """`panes` are in the order of the columns; call `spread` after each change."""
        super().__init__(*panes)
        self.panes = panes
        self.level = True
        """True if all are scrolled together, so that the same question stays level."""

    def lacking(self, count: int) -> str:
        """What so many panes need and do not have, such as `80 columns and 30 lines`; empty if they fit."""
        width, height = self.size
        columns = self._columns(count)
        rows = -(-count // columns)
        wide, high = columns * _WIDE, rows * _HIGH
        if wide <= width and high <= height:
            return ""
        screen = self.app.size
        return f"{max(wide - width, 0) + screen.width} columns and {max(high - height, 0) + screen.height} lines"

    def spread(self) -> None:
        """Give each pane its place."""
        count = len(self.panes)
        columns = self._columns(count)
        self.styles.grid_size_columns = columns
        for place, pane in enumerate(self.panes):
            # The last one takes what is left of its row.
            pane.styles.column_span = columns - place % columns if place == count - 1 else 1

    def on_transcript_scrolled(self, event: Transcript.Scrolled) -> None:
        """Take the others along."""
        source = next((pane.transcript for pane in self.panes if pane.transcript is event.transcript), None)
        if source is None or not self.level:
            return
        spot = source.viewport.spot
        for pane in self.panes:
            if pane.transcript is source:
                continue
            if source.viewport.following:
                pane.transcript.viewport.follow()
            else:
                pane.transcript.viewport.go_to(*spot)

    def on_mount(self) -> None:
        """Arrange those that are there."""
        self.spread()

    def on_resize(self, event: Resize) -> None:
        """Arrange them for the new size."""
        self.spread()

    def _columns(self, count: int) -> int:
        fitting = max(1, self.size.width // _WIDE)
        # Two and two rather than three and one.
        return min(fitting, count) if count != MOST or fitting >= MOST else min(fitting, 2)
