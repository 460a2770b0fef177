"""Grid of panes, beside or above each other as they fit."""

from textual.containers import Container
from textual.events import Resize

from tui.ui.widgets.pane import Pane
from tui.ui.widgets.transcript.transcript import Transcript

MOST = 4
"""Largest number of panes: nobody reads more replies at once."""

_WIDE, _HIGH = 36, 7
"""Smallest pane in cells: a few words per line; title, figures and some lines between."""


class Panes(Container):
    """Grid of panes, as many in a row as can be read."""

    def __init__(self, panes: list[Pane]) -> None:
        super().__init__(*panes)
        self.panes = panes
        self.level = True
        """True if all scroll together, so that the same question stays level."""

    def lacking(self, count: int) -> str:
        """Return the size that `count` panes need, such as `80 columns and 30 lines`; an empty string if they fit."""
        width, height = self.size
        columns = self._columns(count)
        rows = -(-count // columns)
        wide, high = columns * _WIDE, rows * _HIGH
        if wide <= width and high <= height:
            return ""
        screen = self.app.size
        return f"{max(wide - width, 0) + screen.width} columns and {max(high - height, 0) + screen.height} lines"

    def spread(self) -> None:
        """Arrange the panes; call it after each change of `panes`."""
        count = len(self.panes)
        columns = self._columns(count)
        self.styles.grid_size_columns = columns
        for place, pane in enumerate(self.panes):
            # The last one takes what is left of its row.
            pane.styles.column_span = columns - place % columns if place == count - 1 else 1

    def on_transcript_scrolled(self, event: Transcript.Scrolled) -> None:
        """Scroll the other panes too."""
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
        """Arrange the panes."""
        self.spread()

    def on_resize(self, event: Resize) -> None:
        """Arrange the panes for the new size."""
        self.spread()

    def _columns(self, count: int) -> int:
        fitting = max(1, self.size.width // _WIDE)
        # Two and two rather than three and one.
        return min(fitting, count) if count != MOST or fitting >= MOST else min(fitting, 2)
