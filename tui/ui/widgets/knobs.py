"""The knobs beside the chat, made from the table."""

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from tui.knob import Knob, Value
from tui.knobs import KNOBS, Knobs
from tui.terminal import safe_line
from tui.ui.widgets.knob_row import KnobRow

_LOW = 21
"""With fewer lines than this the headings stand close and the help is cut short."""


_HOW = "Tab to a knob, or click it. ← → turn it, Shift turns further, a number is taken as it is, r puts it back."


class KnobList(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The rows, which scroll where they do not fit; the arrow keys are theirs and not the scrollbar's."""

    DEFAULT_CSS = """
    KnobList {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 20%;
        scrollbar-background: $surface;
    }
    """


class KnobPanel(Vertical):
    """Every knob that acts on a reply being written, one a row, and the words on the focused one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Knob above", show=False, id="knob.above"),
        Binding("down", "move(1)", "Knob below", show=False, id="knob.below"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | up, down | Go to the knob above or below. |
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "knob-panel--range",
        "knob-panel--refusal",
    }
    """
    | Class | Description |
    | :- | :- |
    | `knob-panel--range` | What the focused knob accepts. |
    | `knob-panel--refusal` | Why a typed value was not taken. |
    """

    DEFAULT_CSS = """
    KnobPanel {
        width: 34;
        height: 1fr;
        background: $surface;

        & .knob-group {
            width: 1fr;
            height: 2;
            padding: 1 2 0 2;
            color: $text-muted;
            text-style: italic;
            &.-first { height: 1; padding: 0 2; }
        }
        & .knob-help {
            width: 1fr;
            height: 6;
            padding: 0 1 0 2;
            border-top: solid $foreground 20%;
            color: $foreground 80%;
        }
        &.-low .knob-group { height: 1; padding: 0 2; }
        &.-low .knob-help { height: 4; }

        & .knob-panel--range { color: $foreground 70%; }
        & .knob-panel--refusal { color: $text-error; text-style: bold; }
    }
    """

    # always_update: setting them back to what they were takes back a turn that the owner did not accept.
    knobs: reactive[Knobs] = reactive(Knobs(), always_update=True)
    """Where the knobs stand; their owner sets it."""

    preset: reactive[Knobs] = reactive(Knobs())
    """Where the preset has them."""

    @dataclass
    class Turned(Message):
        """A knob was turned; the row shows it already, but `knobs` is for their owner to set."""

        name: str
        value: Value
        owner: object = None

        def can_replace(self, message: Message) -> bool:
            """A newer value of the same knob makes this one needless."""
            return isinstance(message, KnobPanel.Turned) and (message.name, message.owner) == (self.name, self.owner)

    @dataclass
    class Refused(Message):
        """A typed value was not taken; the panel shows the sentence already."""

        sentence: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """A panel with every knob at its default."""
        super().__init__(id=id, classes=classes)
        self.rows = {name: KnobRow(knob) for name, knob in KNOBS.items() if knob.live and knob.slides}
        """The rows by knob, from top to bottom."""
        self._help = Static(_HOW, classes="knob-help", markup=False)

    def compose(self) -> ComposeResult:
        first = True
        with KnobList():
            for group, rows in groupby(self.rows.values(), key=lambda row: row.knob.group):
                yield Static(group, classes="knob-group -first" if first else "knob-group", markup=False)
                yield from rows
                first = False
        yield self._help

    def show(self, owner: object, preset: Knobs, knobs: Knobs) -> None:
        """Show where somebody's knobs stand; turns will say whose they were."""
        for row in self.rows.values():
            row.owner = owner
        self.preset, self.knobs = preset, knobs

    def watch_knobs(self, knobs: Knobs) -> None:
        for name, row in self.rows.items():
            row.value = getattr(knobs, name)

    def watch_preset(self, preset: Knobs) -> None:
        for name, row in self.rows.items():
            row.preset = getattr(preset, name)

    def on_resize(self, event: events.Resize) -> None:
        """Leave the room to the knobs when there is little of it."""
        self.set_class(event.size.height < _LOW, "-low")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the knob that has the focus."""
        if isinstance(event.widget, KnobRow):
            self._explain(event.widget.knob)

    def on_knob_row_turned(self, event: KnobRow.Turned) -> None:
        """Pass a turn on, in the panel's name."""
        event.stop()
        self._explain(KNOBS[event.name])
        self.post_message(self.Turned(event.name, event.value, event.owner))

    def on_knob_row_refused(self, event: KnobRow.Refused) -> None:
        """Say why a typed value was not taken."""
        event.stop()
        self._help.update(
            Content.styled(safe_line(event.sentence), self.get_visual_style("knob-panel--refusal")), layout=False
        )
        self.post_message(self.Refused(event.sentence))

    def action_move(self, step: int) -> None:
        """Focus the knob above or below."""
        rows = list(self.rows.values())
        here = next(index for index, row in enumerate(rows) if row.has_focus)
        rows[min(max(here + step, 0), len(rows) - 1)].focus()

    def _explain(self, knob: Knob) -> None:
        words = Content.assemble(knob.help, "  ", (knob.range, self.get_visual_style("knob-panel--range")))
        self._help.update(words, layout=False)
