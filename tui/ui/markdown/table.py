"""Tables fitted to a width."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tui.ui.markdown.lines import Span, StyledLine, fold

LARGEST = 2_000
"""Cells of the table; a larger one is shown as plain source."""

_NARROWEST = 6
_RULE = Span(" │ ", "rule")


class Cell(NamedTuple):
    """Text and alignment of a cell."""

    spans: tuple[Span, ...]
    align: str = "left"


Row = Sequence[Cell]


def table(rows: Sequence[Row], width: int) -> list[StyledLine] | None:
    """Lay out a table, its first row as the head; return None if the width is too small for its columns."""
    columns = len(rows[0])
    room = width - len(_RULE.text) * (columns - 1)
    natural = [max(_breadth(row[column]) for row in rows) for column in range(columns)]
    widths = _fitted(natural, room)
    if widths is None:
        return None
    lines: list[StyledLine] = []
    folded = any(own > given for own, given in zip(natural, widths, strict=True))
    for number, row in enumerate(rows):
        if number == 1 or (number > 1 and folded):
            joint = "─┼─" if number == 1 else _RULE.text
            dash = "─" if number == 1 else " "
            lines.append(
                StyledLine((Span(joint.join(dash * size for size in widths), "rule", copied=False),), copied=False)
            )
        lines += _row(row, widths)
    return lines


def _breadth(cell: Cell) -> int:
    lines = "".join(span.text for span in cell.spans).split("\n")
    return max(1, *map(cell_len, lines))


def _fitted(natural: list[int], room: int) -> list[int] | None:
    """Return the width of each column: narrow ones keep theirs, the others share the rest."""
    if sum(natural) <= room:
        return natural
    widths = natural.copy()
    wide = sorted(range(len(natural)), key=natural.__getitem__)
    left = room
    for place, column in enumerate(wide):
        share = left // (len(wide) - place)
        widths[column] = min(natural[column], share)
        left -= widths[column]
    if any(given < min(own, _NARROWEST) for own, given in zip(natural, widths, strict=True)):
        return None
    return widths


def _row(row: Row, widths: Sequence[int]) -> Iterator[StyledLine]:
    cells = [fold(cell.spans, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, cells))):
        spans: list[Span] = []
        for column, (lines, width) in enumerate(zip(cells, widths, strict=True)):
            if column:
                spans.append(_RULE)
            line = lines[number] if number < len(lines) else StyledLine()
            spans += _aligned(line, width, row[column].align)
        yield StyledLine(tuple(spans))


def _aligned(line: StyledLine, width: int, align: str) -> Iterator[Span]:
    spare = max(0, width - cell_len(line.text))
    before = {"right": spare, "center": spare // 2}.get(align, 0)
    if before:
        yield Span(" " * before)
    yield from line.spans
    if spare > before:
        yield Span(" " * (spare - before))
