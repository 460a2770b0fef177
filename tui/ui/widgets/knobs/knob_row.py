"""Rows of the knob list: a knob with its slider, the heading of a group, an entry of an order."""

from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.knobs.knob import Knob, Value
from tui.terminal import safe_line, truncate

_MARKS, _NAME, _VALUE, _UNIT = 2, 17, 6, 7
_LEAST_SLIDER = 5
_ROOM_FOR_UNITS, _ROOM_FOR_A_MARGIN = 41, 36


class RowPart(NamedTuple):
    """Piece of a row, and the name of its style."""

    text: str
    style: str


@dataclass(frozen=True)
class RowColumns:
    """Columns of a row, the same in every row."""

    across: int
    """Width of the row in cells."""

    @property
    def width(self) -> int:
        """Width in use: a margin separates it from the scrollbar if there is room."""
        return self.across - (self.across >= _ROOM_FOR_A_MARGIN)

    @property
    def unit(self) -> int:
        """Width of the unit; 0 if there is no room for one."""
        return _UNIT if self.across >= _ROOM_FOR_UNITS else 0

    @property
    def name(self) -> int:
        """Width of the name."""
        return max(min(_NAME, self._room - _LEAST_SLIDER), 0)

    @property
    def slider(self) -> range:
        """Columns of the slider."""
        return range(_MARKS + self.name + 1, _MARKS + max(self._room, self.name) + 1)

    @property
    def free(self) -> int:
        """Width after the name."""
        return max(self.width - self.slider.start, 0)

    @property
    def _room(self) -> int:
        """Width of name and slider."""
        return self.width - _MARKS - 1 - 1 - _VALUE - self.unit


@dataclass(frozen=True)
class KnobRow:
    """Knob with its value."""

    knob: Knob
    value: Value
    preset: Value
    inert: str = ""
    """Why it has no effect now, whatever its value."""
    refused: str = ""
    """Why the model or the engine refuses its value."""
    entry: str | None = None
    """Text typed as a new value; None while nothing is being typed."""
    open: bool = False
    """True if the entries of its order are shown below it."""

    @property
    def turned(self) -> bool:
        """True if it is away from the preset."""
        return self.value != self.preset

    def draw(self, columns: RowColumns) -> list[RowPart]:
        """Return the parts of the row after its first cell, which is the cursor's."""
        mark = RowPart("✗", "refusal") if self.refused else RowPart("•" if self.turned else " ", "mark")
        name = RowPart(f"{truncate(self.knob.name, columns.name):<{columns.name}} ", "inert" if self.inert else "name")
        if self.entry is not None:
            field = f"{safe_line(self.entry)}▏"
            field = field if cell_len(field) <= columns.free else "…" + field[-max(columns.free - 1, 0) :]
            return [mark, name, RowPart(set_cell_size(field, columns.free), "entry")]
        return [mark, name, *(self._slide(columns) if self.knob.slides else self._text(columns))]

    def _slide(self, columns: RowColumns) -> list[RowPart]:
        text = self.knob.show(self.value)
        # A long value lies over the slider's end, so that every slider keeps its place and its scale.
        room = max(len(columns.slider) - max(0, len(text) - _VALUE), 0)
        unit = self.knob.unit if columns.unit and self.value not in self.knob.words else ""
        return [
            *self._slider(len(columns.slider), room),
            RowPart(f" {text:>{_VALUE}}", self._value_style),
            RowPart(f" {unit:<{columns.unit - 1}}" if columns.unit else "", "unit"),
        ]

    def _slider(self, length: int, visible: int) -> list[RowPart]:
        handle = max(min(self._column(self.value, length), visible - 1), 0)
        preset = self._column(self.preset, length)
        if self.inert:  # hollow, and on a dotted track: not to be told by colour alone
            cells = [("┄", "inert")] * visible
            cells[handle : handle + 1] = [("○", "inert")]
        else:
            # What a log scale has below zero are words, and words have no zero: both are filled from the left end.
            zero = 0 if self.knob.scale == "log" or self.knob.choices else self._column(0, length)
            filled = range(min(zero, handle), max(zero, handle))
            cells = [("━", "filled") if column in filled else ("─", "track") for column in range(visible)]
            cells[handle : handle + 1] = [("●", "handle")]
        if self.turned and preset != handle and preset < visible:
            cells[preset] = ("◦", "mark")
        return [RowPart(glyph, style) for glyph, style in cells[:visible]]

    def _column(self, value: Value, length: int) -> int:
        return round(self.knob.share(value) * max(length - 1, 0))

    def _text(self, columns: RowColumns) -> list[RowPart]:
        """Return the part for a list or a text, cut to fit."""
        sign = "○ " if self.inert else ("▾ " if self.open else "▸ ") if self.knob.orders else ""
        text = sign + safe_line(summary(self.knob, self.value))
        if cell_len(text) > columns.free:
            text = set_cell_size(text, columns.free - 1).rstrip() + "…"
        return [RowPart(set_cell_size(text, columns.free), self._value_style)]

    @property
    def _value_style(self) -> str:
        return "inert" if self.inert else "turned" if self.turned else "value"


@dataclass(frozen=True)
class HeadingRow:
    """Name of a group, with a summary while it is folded."""

    group: str
    open: bool
    turned: int
    """Number of its knobs that are away from the preset."""
    note: str = ""

    def draw(self, columns: RowColumns) -> list[RowPart]:
        """Return the parts of the row after its first cell."""
        turned = f"{self.turned} •" if self.turned else ""
        name = f"{'▾' if self.open else '▸'} {self.group}"
        room = columns.width - 2 - len(name) - len(turned)
        note = f" · {self.note}" if self.note else ""
        note = note if len(note) <= room else ""
        return [RowPart(name, "heading"), RowPart(f"{note:<{max(room, 0)}} ", "unit"), RowPart(turned, "mark")]


@dataclass(frozen=True)
class OrderRow:
    """Entry of an order."""

    entry: str
    number: int
    """Its place, from 1; 0 if it is left out."""
    idle: str = ""
    """Why it has no effect now."""

    def draw(self, columns: RowColumns) -> list[RowPart]:
        """Return the parts of the row after its first cell."""
        number = f"{self.number:>3} " if self.number else "  – "
        dim = self.idle or not self.number
        state = "off" if not self.number else "○ idle" if self.idle else "● on"
        return [
            RowPart(f" {number}{truncate(self.entry, columns.name):<{columns.name}}", "inert" if dim else "name"),
            RowPart(f"{state:<{max(columns.width - columns.name - 6, 0)}}", "inert" if dim else "value"),
        ]


def summary(knob: Knob, value: Value) -> str:
    """Summarize a list or a text in a few words."""
    if knob.orders and isinstance(value, tuple):
        if value == knob.default:
            return "default"
        return f"{len(value)} of {len(knob.choices)} on" if len(value) < len(knob.choices) else "reordered"
    if isinstance(value, tuple) and len(value) > 1:
        return f"{len(value)} · " + " ".join(map(repr, value))
    return knob.show(value)
