"""Text as the segments that Textual paints."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style


def segments(text: str, style: Style) -> Iterator[Segment]:
    """Yield a text in one style, each wide character in its own segment, so that the mouse finds the right one."""
    if cell_len(text) == len(text):
        yield Segment(text, style)
        return
    start = 0
    for begin, end, width in split_graphemes(text)[0]:
        if width != 1:
            if begin > start:
                yield Segment(text[start:begin], style)
            yield Segment(text[begin:end], style)
            start = end
    if start < len(text):
        yield Segment(text[start:], style)


def selected(line: Sequence[Segment], start: int, end: int, style: Style) -> Iterator[Segment]:
    """Yield a line with its characters `start` to `end` in the style of a selection; `end` -1 is its end."""
    position = 0
    for text, plain, _ in line:
        size = len(text)
        low = min(max(start - position, 0), size)
        high = size if end < 0 else min(max(end - position, low), size)
        parts = ((text[:low], plain), (text[low:high], (plain or Style()) + style), (text[high:], plain))
        yield from (Segment(part, colours) for part, colours in parts if part)
        position += size
