"""Stack of entries and the lines they take up, though most were never laid out."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from textual.geometry import Offset

from tui.ui.markdown import BLANK, Span, StyledLine
from tui.ui.widgets.transcript.entry import Entry


class EntryStack:
    """Entries one under another, and the lines they take up."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.tops = [1]
        """First line of each entry, and the end of the last; a blank line is above them all."""

    @property
    def height(self) -> int:
        """Number of lines."""
        return self.tops[-1]

    def update_tops(self, start: int = 0) -> None:
        """Compute the first lines of the entries after `start`."""
        heights = (entry.height for entry in self.entries[start:])
        self.tops[start:] = accumulate(heights, initial=self.tops[start])

    def top(self, entry: Entry) -> int:
        """Return the first line of an entry."""
        return self.tops[self.entries.index(entry)]

    def last(self) -> Entry | None:
        """Return the last entry that is a message of the conversation."""
        return next((entry for entry in reversed(self.entries) if entry.turn is not None), None)

    def text_between(self, start: Offset, end: Offset, width: int) -> str:
        """Return the text between two cells, without rails, marks and the folds of long lines."""
        text = ""
        for y, line in self.between(start.y, end.y, width):
            if line.copied:
                part = _copied(line.spans, start.x if y == start.y else 0, end.x if y == end.y else None)
                text += (line.glue if text else "") + part
        return text.strip("\n")

    def at(self, y: int) -> tuple[int, int]:
        """Return the index of the entry that has line `y`, and the line's number in it."""
        place = max(0, min(bisect_right(self.tops, y) - 1, len(self.entries) - 1))
        return place, y - self.tops[place]

    def line(self, y: int) -> StyledLine:
        """Return line `y`."""
        place, number = self.at(y)
        entry = self.entries[place]
        return entry.line(number) if entry.width and 0 <= number < entry.height else BLANK

    def unseen(self, top: int, bottom: int, width: int) -> int | None:
        """Return the index of the lowest entry between two lines that is not laid out for the width."""
        found = range(self.at(bottom)[0], self.at(top)[0] - 1, -1)
        return next((place for place in found if self.entries[place].width != width), None)

    def between(self, top: int, bottom: int, width: int) -> Iterator[tuple[int, StyledLine]]:
        """Yield the lines between two, with their numbers."""
        for place in range(self.at(top)[0], self.at(bottom)[0] + 1):
            entry, first = self.entries[place], self.tops[place]
            if entry.width != width:  # it was never in view, so neither end is in it
                entry.lay_out(width)
                yield from ((-1, entry.line(number)) for number in range(entry.height))
                continue
            for number in range(max(0, top - first), min(entry.height, bottom - first + 1)):
                yield first + number, entry.line(number)


def _copied(spans: Sequence[Span], start: int, end: int | None) -> str:
    """Return the characters of a line to copy between two cells."""
    text, position = "", 0
    for span in spans:
        stop = len(span.text) if end is None else max(0, end - position)
        if span.copied:
            text += span.text[max(0, start - position) : stop]
        position += len(span.text)
    return text.rstrip() if end is None else text
