"""One knob, in one row: its name, a slider, its value."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.errors import KnobError
from tui.knob import Knob, Value
from tui.terminal import safe_line

_MARKS, _NAME, _VALUE = 2, 17, 6
_LEAST_SLIDER = 5
_STARTS_ENTRY = tuple("0123456789.-")


class KnobRow(Widget, can_focus=True):
    """A knob that turns by key, mouse or typing, and says so when it is away from the preset."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Less", show=False, id="knob.less"),
        Binding("right", "step(1)", "More", show=False, id="knob.more"),
        Binding("shift+left", "step(-1, True)", "Much less", show=False, id="knob.much-less"),
        Binding("shift+right", "step(1, True)", "Much more", show=False, id="knob.much-more"),
        Binding("home", "slide_to(0)", "Lowest", show=False, id="knob.lowest"),
        Binding("end", "slide_to(1)", "Highest", show=False, id="knob.highest"),
        Binding("enter", "type", "Type a value", show=False, id="knob.type"),
        Binding("r", "reset", "Reset", tooltip="Back to the preset's value", id="knob.reset"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | left, right | One step less or more. |
    | shift+left, shift+right | One coarse step less or more. |
    | home, end | The ends of the slider. |
    | enter, a digit, minus, dot | Type the exact value; enter accepts it, escape leaves it. |
    | r | Back to the preset's value. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "knob-row--mark",
        "knob-row--name",
        "knob-row--filled",
        "knob-row--handle",
        "knob-row--track",
        "knob-row--preset",
        "knob-row--value",
        "knob-row--turned",
        "knob-row--entry",
    }
    """
    | Class | Description |
    | :- | :- |
    | `knob-row--mark` | The bar of the focused row and the dot of a turned knob. |
    | `knob-row--name` | The knob's name. |
    | `knob-row--filled` | The slider from zero to its handle. |
    | `knob-row--handle` | The handle. |
    | `knob-row--track` | The rest of the slider. |
    | `knob-row--preset` | Where the preset stands, while the knob is away from it. |
    | `knob-row--value` | The value while it is the preset's. |
    | `knob-row--turned` | The value while it is not. |
    | `knob-row--entry` | A value being typed. |
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    KnobRow {
        height: 1;
        width: 1fr;
        padding-right: 1;
        color: $foreground;
        pointer: pointer;

        & .knob-row--mark { color: $accent; }
        & .knob-row--name { color: $foreground 85%; }
        & .knob-row--filled { color: $primary; }
        & .knob-row--handle { color: $primary; }
        & .knob-row--track { color: $foreground 25%; }
        & .knob-row--preset { color: $accent; }
        & .knob-row--value { color: $foreground 85%; }
        & .knob-row--turned { color: $accent; text-style: bold; }
        & .knob-row--entry { color: $foreground; background: $primary 35%; text-style: underline; }

        &:hover { background: $foreground 5%; }
        &:focus {
            background: $primary 18%;
            & .knob-row--name { color: $foreground; text-style: bold; }
            & .knob-row--value { color: $foreground; text-style: bold; }
            & .knob-row--handle { color: $foreground; }
        }
        &:ansi {
            & .knob-row--track { color: $foreground; text-style: dim; }
            & .knob-row--entry { background: transparent; text-style: reverse; }
            &:hover { background: transparent; text-style: underline; }
            &:focus { background: transparent; }
            &:focus .knob-row--name { text-style: bold reverse; }
        }
    }
    """

    value: reactive[Value] = reactive[Value](0)
    """Where the knob stands."""

    preset: reactive[Value] = reactive[Value](0)
    """Where the preset has it."""

    entry: reactive[str | None] = reactive[str | None](None)
    """What has been typed of a new value; None while nothing is being typed."""

    @dataclass
    class Turned(Message):
        """The knob was turned."""

        name: str
        value: Value
        owner: object

    @dataclass
    class Refused(Message):
        """A typed value cannot be taken."""

        sentence: str

    def __init__(self, knob: Knob) -> None:
        """A row for one knob of the table, at its default."""
        super().__init__(id=knob.name.replace("_", "-"))
        self.knob = knob
        self.owner: object = None
        """Whose knob it is. It goes along with a turn, since the row may be another's when the turn arrives."""
        self.set_reactive(KnobRow.value, knob.default)
        self.set_reactive(KnobRow.preset, knob.default)

    @property
    def slider(self) -> range:
        """The columns that the slider takes."""
        room = self.content_size.width - _MARKS - 1 - 1 - _VALUE
        name = min(_NAME, room - _LEAST_SLIDER)
        return range(_MARKS + name + 1, _MARKS + max(room, name) + 1)

    def turn(self, value: Value) -> None:
        """Show a new value at once and announce it."""
        if value != self.value:
            self.value = value
            self.post_message(self.Turned(self.knob.name, value, self.owner))

    # --- drawing

    def render(self) -> Content:
        style = self.get_visual_style
        turned = self.value != self.preset
        name_width = self.slider.start - _MARKS - 1
        head = (
            ("▌" if self.has_focus else " ", style("knob-row--mark")),
            ("•" if turned else " ", style("knob-row--mark")),
            (f"{_shortened(self.knob.name, name_width):<{name_width}} ", style("knob-row--name")),
        )
        if self.entry is not None:
            room = self.content_size.width - self.slider.start
            field = f"{safe_line(self.entry)}▏"[-room:]
            return Content.assemble(*head, (f"{field:<{room}}", style("knob-row--entry")))
        text = self.knob.show(self.value)
        # A long value lies over the slider's end, so that every slider keeps its place and its scale.
        visible = len(self.slider) - max(0, len(text) - _VALUE)
        return Content.assemble(
            *head,
            self._draw_slider(visible),
            (f" {text:>{_VALUE}}", style("knob-row--turned" if turned else "knob-row--value")),
        )

    def _draw_slider(self, visible: int) -> Content:
        style = self.get_visual_style
        handle = min(self._column(self.value), visible - 1)
        preset = self._column(self.preset)
        # What a log scale has below zero are words, and words have no zero: both are filled from the left end.
        zero = 0 if self.knob.scale == "log" or self.knob.choices else self._column(0)
        filled = range(min(zero, handle), max(zero, handle))
        cells = [("━", "filled") if column in filled else ("─", "track") for column in range(visible)]
        cells[handle] = ("●", "handle")
        if self.value != self.preset and preset != handle and preset < visible:
            cells[preset] = ("◦", "preset")
        return Content.assemble(*((glyph, style(f"knob-row--{part}")) for glyph, part in cells))

    def _column(self, value: Value) -> int:
        return round(self.knob.share(value) * (len(self.slider) - 1))

    # --- keys

    def action_step(self, steps: int, coarse: bool = False) -> None:
        """Turn by steps."""
        self.turn(self.knob.move(self.value, steps, coarse=coarse))

    def action_slide_to(self, share: float) -> None:
        """Turn to a share of the slider."""
        self.turn(self.knob.at(share))

    def action_reset(self) -> None:
        """Go back to the preset's value."""
        self.turn(self.preset)

    def action_type(self) -> None:
        """Begin to type the exact value."""
        self.entry = ""

    def on_key(self, event: events.Key) -> None:
        """Type into the entry while there is one; a digit, minus or dot begins it."""
        if self.entry is None:
            if event.character not in _STARTS_ENTRY:
                return
            self.entry = event.character
        elif event.key == "enter":
            self._accept()
        elif event.key == "escape":
            self.entry = None
        elif event.key == "backspace":
            self.entry = self.entry[:-1]
        elif event.is_printable and event.character:
            self.entry += event.character
        elif event.key not in ("left", "right", "home", "end"):
            return
        event.stop()
        event.prevent_default()

    def on_blur(self) -> None:
        """Take what was typed when the person moves on."""
        if self.entry is not None:
            self._accept()
            self.entry = None

    def _accept(self) -> None:
        typed = (self.entry or "").strip()
        try:
            value = self.knob.parse(typed) if typed else self.value
        except KnobError as error:
            self.post_message(self.Refused(str(error)))
        else:
            self.entry = None
            self.turn(value)

    # --- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the slider."""
        if event.button == 1 and event.x in self.slider:
            self.entry = None
            self.capture_mouse()
            self._drag_to(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the handle."""
        if self.app.mouse_captured is self:
            self._drag_to(event.x)

    def on_mouse_up(self) -> None:
        """Let go."""
        self.release_mouse()

    def _drag_to(self, column: int) -> None:
        self.turn(self.knob.at((column - self.slider.start) / (len(self.slider) - 1)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """One step more."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """One step less."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        event.stop()
        event.prevent_default()
        self.action_step(steps)


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: max(width - 1, 0)] + "…"
