"""The knobs, drawn a line each by one widget: a turn repaints the lines that changed, and no others cost anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.knobs.knob import Knob
from tui.knobs.lint import conflict, idle, inert
from tui.knobs.table import CONSTRAINTS, KNOBS, Knobs
from tui.ui.widgets.knobs.knob_lines import GapLine, HeadingLine, KnobLine, KnobLines, Line, OrderLine
from tui.ui.widgets.knobs.knob_row import HeadingRow, KnobRow, PlaceRow, RowColumns

Face = KnobRow | HeadingRow | PlaceRow | None
Look = tuple[Face, tuple[str, ...]]
"""What there is to draw of a line, and whether the cursor or the mouse is there."""


class KnobSheet(ScrollView, can_focus=True, inherit_bindings=False):
    """Every knob, a line each, in groups that fold; one line has the cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "knob-sheet--cursor",
        "knob-sheet--hover",
        "knob-sheet--heading",
        "knob-sheet--mark",
        "knob-sheet--refusal",
        "knob-sheet--name",
        "knob-sheet--filled",
        "knob-sheet--handle",
        "knob-sheet--track",
        "knob-sheet--value",
        "knob-sheet--turned",
        "knob-sheet--unit",
        "knob-sheet--inert",
        "knob-sheet--entry",
    }
    """
    | Class | Description |
    | :- | :- |
    | `knob-sheet--cursor` | The line with the cursor. |
    | `knob-sheet--hover` | The line under the mouse. |
    | `knob-sheet--heading` | The name of a group. |
    | `knob-sheet--mark` | The bar of the cursor, the dot of a turned knob, where the preset stands. |
    | `knob-sheet--refusal` | The sign of a knob that is not taken as it stands. |
    | `knob-sheet--name` | A knob's name. |
    | `knob-sheet--filled` | The slider from zero to its handle. |
    | `knob-sheet--handle` | The handle. |
    | `knob-sheet--track` | The rest of the slider. |
    | `knob-sheet--value` | A value while it is the preset's. |
    | `knob-sheet--turned` | A value while it is not. |
    | `knob-sheet--unit` | What a value counts. |
    | `knob-sheet--inert` | A knob or stage that does nothing now. |
    | `knob-sheet--entry` | A value being typed. |
    """

    DEFAULT_CSS = """
    KnobSheet {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 20%;
        scrollbar-background: $surface;
        background: $surface;
        color: $foreground;

        & .knob-sheet--heading { color: $text-muted; text-style: italic; }
        & .knob-sheet--mark { color: $accent; }
        & .knob-sheet--refusal { color: $text-error; text-style: bold; }
        & .knob-sheet--name { color: $foreground 92%; }
        & .knob-sheet--filled { color: $primary; }
        & .knob-sheet--handle { color: $primary; }
        & .knob-sheet--track { color: $foreground 25%; }
        & .knob-sheet--value { color: $foreground 92%; }
        & .knob-sheet--turned { color: $accent; text-style: bold; }
        & .knob-sheet--unit { color: $text-muted; }
        & .knob-sheet--inert { color: $text-muted; }
        & .knob-sheet--entry { color: $foreground; background: $primary 35%; text-style: underline; }
        & .knob-sheet--hover { background: $foreground 5%; }
        & .knob-sheet--cursor { background: $primary 20%; text-style: bold; }

        &:ansi {
            & .knob-sheet--track { color: $foreground; text-style: dim; }
            & .knob-sheet--unit { color: $foreground; text-style: dim; }
            & .knob-sheet--inert { color: $foreground; text-style: dim; }
            & .knob-sheet--hover { background: transparent; text-style: underline; }
            & .knob-sheet--cursor { background: transparent; text-style: bold underline; }
            & .knob-sheet--entry { background: transparent; }
        }
    }
    """

    @dataclass
    class Pointed(Message):
        """The cursor moved, or what it stands on changed."""

        def can_replace(self, message: Message) -> bool:
            """The newest says it all."""
            return isinstance(message, KnobSheet.Pointed)

    def __init__(self) -> None:
        """Every knob at its default, the cursor on the first."""
        super().__init__()
        self.lines = KnobLines()
        self.knobs, self.preset = Knobs(), Knobs()
        self.inert, self.idle, self.refused = inert(self.knobs), idle(self.knobs), dict[str, str]()
        self._line: Line = KnobLine(next(iter(KNOBS)))
        self.entry: str | None = None
        """What has been typed of a new value for the knob with the cursor."""
        self.owner: object = None
        """Whose knobs these are."""
        self._placed = self.lines.lay_out(self.knobs)
        self._drawn: dict[int, tuple[Look, Strip]] = {}
        self._styles: dict[tuple[str, ...], Style] = {}
        self.hovered: Line | None = None
        """What the mouse is over."""

    @property
    def line(self) -> Line:
        """Where the cursor is; a blank line while nothing is found."""
        return self._line if self._placed else GapLine()

    @property
    def knob(self) -> Knob | None:
        """The knob with the cursor, or whose order it is in."""
        return KNOBS[self.line.name] if isinstance(self.line, KnobLine | OrderLine) else None

    def show(self, owner: object, preset: Knobs, knobs: Knobs, refused: Mapping[str, str]) -> None:
        """Show somebody's knobs."""
        self.owner, self.preset, self.knobs = owner, preset, knobs
        self.inert, self.idle = inert(knobs), idle(knobs)
        clash = conflict(knobs)
        bound = (name for name in CONSTRAINTS if getattr(knobs, name) != KNOBS[name].default)
        self.refused = (dict.fromkeys(bound, clash) if clash else {}) | dict(refused)
        self.lines.open_turned(knobs)
        self.settle()
        self.repaint()

    # --- the cursor -------------------------------------------------------------------------------------------------

    def go(self, line: Line) -> None:
        """Put the cursor on a line, and bring it into view."""
        if line != self.line:
            self._line = line
            self.repaint()
            self.post_message(self.Pointed())
        if line in self._placed:
            y, height = self._placed.index(line), self.scrollable_content_region.height
            top = 0 if y <= 1 else y  # with the first knob, the heading above it
            if not self.scroll_offset.y <= y < self.scroll_offset.y + height or y <= 1:
                self.scroll_to(y=top if top < self.scroll_offset.y else y - height + 1, animate=False)

    def line_at(self, y: int) -> Line | None:
        """The line at a row of the view; None for a blank one."""
        y += self.scroll_offset.y
        line = self._placed[y] if 0 <= y < len(self._placed) else None
        return None if isinstance(line, GapLine) else line

    def go_by(self, steps: int) -> None:
        """Move the cursor by some lines, blank ones not counted."""
        lines = [line for line in self._placed if not isinstance(line, GapLine)]
        if lines:
            here = lines.index(self.line) if self.line in lines else 0
            self.go(lines[min(max(here + steps, 0), len(lines) - 1)])

    def find(self, wanted: str) -> None:
        """Narrow the list down to what is looked for, with the cursor on the first knob called like it."""
        self.lines.wanted = wanted
        self.settle()
        rows = [line for line in self._placed if isinstance(line, KnobLine)]
        called = [row for row in rows if wanted and wanted.lower().replace(" ", "_") in row.name]
        if rows and (wanted or self._line not in self._placed):
            self.go((called or rows)[0])

    def settle(self) -> None:
        """Work out which lines there are; the one with the cursor stays where it is on the screen."""
        placed = self.lines.lay_out(self.knobs)
        if placed == self._placed and self.virtual_size.height == len(placed):
            return
        before = self._placed.index(self._line) if self._line in self._placed else 0
        self._placed = placed
        self._drawn.clear()
        self.virtual_size = Size(self.scrollable_content_region.width, len(placed))
        if self._line not in placed and self.knob and (heading := HeadingLine(self.knob.group)) in placed:
            self.go(heading)
        elif self._line in placed and (shift := placed.index(self._line) - before):
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False)
        self.refresh()

    # --- drawing ----------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> RowColumns:
        """Where things stand in a row."""
        return RowColumns(self.scrollable_content_region.width)

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        y += self.scroll_offset.y
        width = self.scrollable_content_region.width
        if y >= len(self._placed):
            return Strip.blank(width, self._style())
        if y not in self._drawn:
            look = self._look(self._placed[y])
            self._drawn[y] = look, self._draw(*look)
        return self._drawn[y][1].crop_extend(0, width, self._style())

    def _look(self, line: Line) -> Look:
        if self.has_focus and line == self.line:
            return self._face(line), ("cursor",)
        return self._face(line), ("hover",) if line == self.hovered else ()

    def _face(self, line: Line) -> Face:
        match line:
            case HeadingLine(group):
                rows = self.lines.groups[group]
                turned = sum(getattr(self.knobs, row.name) != getattr(self.preset, row.name) for row in rows)
                note = "" if any(row.live for row in rows) else "loads anew"
                return HeadingRow(group, self.lines.is_open(group), turned, note)
            case KnobLine(name):
                value, preset = (getattr(knobs, name) for knobs in (self.knobs, self.preset))
                entry = self.entry if line == self.line else None
                said = self.inert.get(name, ""), self.refused.get(name, "")
                return KnobRow(KNOBS[name], value, preset, *said, entry, name in self.lines.opened)
            case OrderLine(name, entry):
                order = getattr(self.knobs, name)
                return PlaceRow(entry, order.index(entry) + 1 if entry in order else 0, self.idle.get(entry, ""))
        return None

    def _draw(self, face: Face, states: tuple[str, ...]) -> Strip:
        columns = self.columns
        bar = Segment("▌" if "cursor" in states else " ", self._style(*states, "mark"))
        parts = face.draw(columns) if face else []
        strip = Strip([bar, *(Segment(part.text, self._style(*states, part.style)) for part in parts)])
        return strip.crop_extend(0, columns.across, self._style(*states))

    def _style(self, *names: str) -> Style:
        found = self._styles.get(names)
        if found is None:
            classes = [f"knob-sheet--{name}" for name in names]
            found = self._styles[names] = self.get_visual_style(*classes).rich_style
        return found

    def repaint(self) -> None:
        """Draw again what looks otherwise than it did."""
        for y, (look, _) in list(self._drawn.items()):
            if look != self._look(self._placed[y]):
                del self._drawn[y]
                self.refresh_line(y)

    def notify_style_update(self) -> None:
        """The theme or the focus may have changed: colours are looked up again."""
        super().notify_style_update()
        self._styles.clear()
        self._drawn.clear()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._drawn.clear()
        self.settle()
        self.refresh()
