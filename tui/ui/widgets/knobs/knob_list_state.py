"""State of the knob list: whose knobs, their values, and the cursor. No widget."""

from collections.abc import Mapping, Sequence

from tui.errors import KnobError
from tui.knobs.knob import Knob, Value
from tui.knobs.lint import conflict, idle, inert
from tui.knobs.table import CONSTRAINTS, KNOBS, THOUGHT_KNOBS, WHILE_THINKING, Knobs
from tui.ui.widgets.knobs.knob_lines import GapLine, HeadingLine, KnobLine, KnobLines, Line, OrderLine
from tui.ui.widgets.knobs.knob_row import HeadingRow, KnobRow, OrderRow

Row = KnobRow | HeadingRow | OrderRow


class KnobListState:
    """Knobs of one owner, the lines they are listed in, and the line with the cursor."""

    def __init__(self) -> None:
        self.lines = KnobLines()
        self.knobs, self.preset = Knobs(), Knobs()
        self.inert, self.idle, self.refused = inert(self.knobs), idle(self.knobs), dict[str, str]()
        self.cursor: Line = KnobLine(next(iter(KNOBS)))
        """The line with the cursor, even while the search hides it."""
        self.entry: str | None = None
        """Text typed so far as a new value for the knob with the cursor."""
        self.owner: object = None
        """Owner of the knobs."""
        self.thought = False
        """True if these are the knobs for the thought."""
        self.placed = self.lines.lay_out(self.knobs)
        """Lines from top to bottom."""
        self.hovered: Line | None = None
        """The line under the mouse."""

    @property
    def line(self) -> Line:
        """The line with the cursor; a blank line while the search finds nothing."""
        return self.cursor if self.placed else GapLine()

    @property
    def knob(self) -> Knob | None:
        """The knob with the cursor, or the one whose order it is in."""
        return KNOBS[self.line.name] if isinstance(self.line, KnobLine | OrderLine) else None

    @property
    def value(self) -> Value:
        """Value of the knob with the cursor, or the one typed if it parses."""
        assert self.knob
        value: Value = getattr(self.knobs, self.knob.name)
        try:
            return self.knob.parse(self.entry) if self.entry else value
        except KnobError:
            return value

    @property
    def typable(self) -> bool:
        """True if the cursor is on a knob whose value can be typed."""
        return slides(self.line)

    @property
    def full_name(self) -> str:
        """Name by which the knob with the cursor is turned in the set that is shown."""
        return named([self.knob.name], self.thought)[0] if self.knob else ""

    def show(self, owner: object, preset: Knobs, knobs: Knobs, refused: Mapping[str, str], thought: bool) -> bool:
        """Hold these knobs, and return True if that is a change."""
        clash = conflict(knobs)
        bound = (name for name in CONSTRAINTS if getattr(knobs, name) != KNOBS[name].default)
        new = owner, preset, knobs, (dict.fromkeys(bound, clash) if clash else {}) | dict(refused), thought
        if new[0] is self.owner and new[1:] == (self.preset, self.knobs, self.refused, self.thought):
            return False
        self.owner, self.preset, self.knobs, self.refused, self.thought = new
        self.inert, self.idle = inert(knobs), idle(knobs)
        self.lines.open_turned(knobs)
        return True

    def line_by(self, steps: int) -> Line:
        """Return the line some lines from the cursor, blank ones not counted."""
        lines = [line for line in self.placed if not isinstance(line, GapLine)]
        here = lines.index(self.line) if self.line in lines else 0
        return lines[min(max(here + steps, 0), len(lines) - 1)] if lines else self.line

    def found(self) -> Line | None:
        """Return the first line whose knob is called like the search, else the first knob; None to stay."""
        rows = [line for line in self.placed if isinstance(line, KnobLine)]
        wanted = self.lines.wanted
        called = [row for row in rows if wanted and wanted.lower().replace(" ", "_") in row.name]
        return (called or rows)[0] if rows and (wanted or self.cursor not in self.placed) else None

    def row(self, line: Line) -> Row | None:
        """Return the content of a line; None for a blank one."""
        match line:
            case HeadingLine(group):
                rows = self.lines.groups[group]
                turned = sum(getattr(self.knobs, row.name) != getattr(self.preset, row.name) for row in rows)
                note = "" if any(row.live for row in rows) else "loads anew"
                return HeadingRow(group, self.lines.is_open(group), turned, note)
            case KnobLine(name):
                value, preset = (getattr(knobs, name) for knobs in (self.knobs, self.preset))
                entry = self.entry if line == self.line else None
                reasons = self.inert.get(name, ""), self.refused.get(name, "")
                return KnobRow(KNOBS[name], value, preset, *reasons, entry, name in self.lines.opened)
            case OrderLine(name, entry):
                order = getattr(self.knobs, name)
                return OrderRow(entry, order.index(entry) + 1 if entry in order else 0, self.idle.get(entry, ""))
        return None


def slides(line: Line | None) -> bool:
    """Return True for the line of a knob with a slider."""
    return isinstance(line, KnobLine) and KNOBS[line.name].slides


def named(names: Sequence[str], thought: bool) -> tuple[str, ...]:
    """Return the names by which knobs of the set for the thought, or for the answer, are turned."""
    apart = THOUGHT_KNOBS if thought else ()
    return tuple(aside if (aside := WHILE_THINKING + name) in apart else name for name in names)
