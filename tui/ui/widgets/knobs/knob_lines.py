"""Lines of the knob list: headings that fold, knobs, and the stages of an order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from tui.knobs.knob import Knob
from tui.knobs.table import EVERYDAY, KNOBS, Knobs


@dataclass(frozen=True)
class HeadingLine:
    """Name of a group, above its knobs."""

    group: str


@dataclass(frozen=True)
class KnobLine:
    """Knob."""

    name: str


@dataclass(frozen=True)
class OrderLine:
    """Entry of an order, or one that is left out of it."""

    name: str
    """Name of the knob."""
    entry: str


@dataclass(frozen=True)
class GapLine:
    """Blank line."""


Line = HeadingLine | KnobLine | OrderLine | GapLine


class KnobLines:
    """Lines from top to bottom, filtered by the search."""

    def __init__(self) -> None:
        self.groups = {group: tuple(rows) for group, rows in groupby(KNOBS.values(), key=lambda row: row.group)}
        self.wanted = ""
        """Text of the search."""
        self.spacious = True
        """True if there is room for blank lines."""
        self.opened = set(EVERYDAY)
        """Open groups, and the orders whose entries are shown."""
        self._folded: set[str] = set()
        """Groups that the user folded: they stay folded."""

    def fold(self, name: str, folded: bool) -> None:
        """Fold or open a group or an order."""
        if folded:
            self.opened.discard(name)
            self._folded.add(name)
        else:
            self.opened.add(name)
            self._folded.discard(name)

    def open_turned(self, knobs: Knobs) -> None:
        """Open the groups that hold a knob away from its default, except those folded by the user."""
        groups = {KNOBS[name].group for name in knobs.differing(Knobs())}
        self.opened |= groups - self._folded

    def is_open(self, name: str) -> bool:
        """Return True if the content of a group or an order is shown."""
        return name in self.opened or (name in self.groups and bool(self.wanted))

    def lay_out(self, knobs: Knobs) -> tuple[Line, ...]:
        """Return all lines for some knobs."""
        lines: list[Line] = []
        for group, rows in self.groups.items():
            found = [row for row in rows if self._is_wanted(row)]
            if not found:
                continue
            if self.spacious and lines and not isinstance(lines[-1], HeadingLine):
                lines.append(GapLine())
            lines.append(HeadingLine(group))
            if self.is_open(group):
                for row in found:
                    lines.append(KnobLine(row.name))
                    lines += self._places(row, knobs)
        return tuple(lines)

    def _places(self, row: Knob, knobs: Knobs) -> Iterator[OrderLine]:
        if row.orders and self.is_open(row.name):
            order = getattr(knobs, row.name)
            yield from (OrderLine(row.name, entry) for entry in order)
            yield from (OrderLine(row.name, entry) for entry in row.choices if entry not in order)

    def _is_wanted(self, row: Knob) -> bool:
        words = f"{row.name} {row.name.replace('_', ' ')} {row.group} {row.help}".lower()
        return all(word in words for word in self.wanted.lower().split())


def move_entry(order: tuple[str, ...], entry: str, steps: int) -> tuple[str, ...]:
    """Move an entry of an order by some places, as far as it goes."""
    rest = [each for each in order if each != entry]
    at = min(max(order.index(entry) + steps, 0), len(rest))
    return (*rest[:at], entry, *rest[at:])


def switch_entry(order: tuple[str, ...], entry: str, entries: tuple[str, ...]) -> tuple[str, ...]:
    """Remove an entry from an order, or insert a missing one as near as can be to its place among `entries`."""
    if entry in order:
        return tuple(each for each in order if each != entry)
    before = set(entries[: entries.index(entry)])
    at = max((place + 1 for place, each in enumerate(order) if each in before), default=0)
    return (*order[:at], entry, *order[at:])
