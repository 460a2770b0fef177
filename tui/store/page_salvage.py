"""Rows of a damaged SQLite file, read from its leaf pages one by one without the b-tree above them.

Format of pages, cells and records: https://www.sqlite.org/fileformat2.html. A row's table is guessed from its shape.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

Cell = None | int | float | str | bytes
Row = tuple[Cell, ...]

_TABLE_LEAF = 0x0D
_LONGEST = 2**30
_WHOLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by serial type."""

SHAPES = {
    "conversation": "nsssnnni",
    "model": "nsnns",
    "turn": "nnissjnn",
    "reply": "nissbj",
    "trace": "nnb",
    "seat": "nnnsjsi",
}
"""Column types of each table: s text, n number, b bytes, i integer or NULL, j text or NULL."""

_ALLOWED: dict[str, tuple[type, ...]] = {
    "s": (str,), "n": (int, float), "b": (bytes,), "i": (type(None), int), "j": (type(None), str),
}  # fmt: skip


class _Pages:
    """Pages of a file, numbered from 1."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        head = file.read(100).ljust(100, b"\0")
        (size,) = struct.unpack(">H", head[16:18])
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else 4096
        self.usable = self.size - (head[20] if head[20] < 64 else 0)
        self.count = length // self.size
        self._file = file

    def page(self, number: int) -> bytes:
        if not 1 <= number <= self.count:
            raise IndexError
        self._file.seek((number - 1) * self.size)
        return self._file.read(self.size)


def salvaged_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield every row with the shape of one of our tables, with the table's name."""
    with path.open("rb") as file:
        pages = _Pages(file, path.stat().st_size)
        for number in range(1, pages.count + 1):
            position, start = pages.page(number), 100 if number == 1 else 0
            if position[start] != _TABLE_LEAF:
                continue
            (count,) = struct.unpack_from(">H", position, start + 3)
            for place in struct.unpack_from(f">{min(count, (pages.size - start - 8) // 2)}H", position, start + 8):
                with suppress(IndexError, struct.error, UnicodeDecodeError):
                    row = _row(pages, position, place)
                    if table := _table(row):
                        yield table, row


def _row(pages: _Pages, position: bytes, place: int) -> Row:
    """Read the cell at an offset of a leaf page; its rowid becomes the first column. Raises IndexError."""
    length, place = _varint(position, place)
    number, place = _varint(position, place)
    if not 0 < length < min(_LONGEST, pages.count * pages.size):
        raise IndexError
    payload = _payload(pages, position, place, length)
    head, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < head:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    cells: list[Cell] = []
    for kind in kinds:
        cell, place = _cell(payload, place, kind)
        cells.append(cell)
    if place != length or not cells or cells[0] is not None:
        raise IndexError
    return (number, *cells[1:])


def _payload(pages: _Pages, position: bytes, place: int, length: int) -> bytes:
    """Return the payload of a cell, including its overflow pages."""
    usable = pages.usable
    if length <= usable - 35:
        return position[place : place + length]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (length - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    parts = [position[place : place + local]]
    (following,) = struct.unpack_from(">I", position, place + local)
    left = length - local
    while left > 0:
        more = pages.page(following)
        (following,) = struct.unpack_from(">I", more)
        parts.append(more[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
    return b"".join(parts)


def _cell(payload: bytes, place: int, kind: int) -> tuple[Cell, int]:
    if kind == 0:
        return None, place
    if kind in (8, 9):
        return kind - 8, place
    if kind == 7:
        return struct.unpack_from(">d", payload, place)[0], place + 8
    if kind in _WHOLE:
        end = place + _WHOLE[kind]
        return int.from_bytes(payload[place:end], "big", signed=True), end
    end = place + (kind - 12) // 2
    if kind < 12 or end > len(payload):
        raise IndexError
    return payload[place:end].decode() if kind % 2 else payload[place:end], end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[place + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + index + 1
    return value << 8 | data[place + 8], place + 9


def _table(row: Row) -> str | None:
    for table, shape in SHAPES.items():
        if len(row) == len(shape) and all(
            isinstance(cell, _ALLOWED[kind]) for cell, kind in zip(row, shape, strict=True)
        ):
            return table
    return None
