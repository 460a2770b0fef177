"""A list or a text among the knobs, in a place to edit it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from tui.errors import KnobError
from tui.knobs.knob import Knob, Value
from tui.terminal import safe
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer


class KnobTextArea(TextArea):
    """A text that Enter sends off, as in the prompt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+s", "screen.take", "Take it", priority=True, id="editor.take"),
        Binding("ctrl+j,shift+enter", "line", "New line", priority=True, id="editor.newline"),
    ]

    def action_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class KnobEditor(Dialog[Value | None]):
    """Edits a list, an entry a line, or a text. Gives the value, or None when it is left as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back", priority=True, id="editor.back")]

    DEFAULT_CSS = """
    KnobEditor {
        align: center middle;
        & > Vertical {
            width: 90%;
            max-width: 90;
            height: auto;
            max-height: 94%;
            padding: 1 2 0 2;
            border: round $primary;
            background: $surface;
        }
        & Static { width: 1fr; height: auto; }
        & .name { text-style: bold; color: $text-primary; }
        & .how { color: $foreground 80%; margin-bottom: 1; }
        & TextArea, & TextArea:focus {
            height: auto;
            min-height: 4;
            max-height: 12;
            border: none;
            padding: 0 1;
            background: $background;
        }
        & .said { min-height: 1; color: $text-error; text-style: bold; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, knob: Knob, value: Value) -> None:
        """`value` is where the knob stands."""
        super().__init__()
        self._knob, self._shown = knob, safe(knob.write(value))
        self._text = KnobTextArea(self._shown, show_line_numbers=False, tab_behavior="indent")
        self._said = Static(classes="said", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._knob.name, classes="name", markup=False)
            yield Static(how(self._knob), classes="how", markup=False)
            yield self._text
            yield self._said
            yield Footer()

    def on_mount(self) -> None:
        """Begin at the end."""
        self._text.focus()
        self._text.move_cursor(self._text.document.end)

    def on_text_area_changed(self) -> None:
        """A change may mend what was wrong."""
        self._refuse("")

    def action_take(self) -> None:
        """Give what was written, if the knob takes it; what nobody touched stays, also what cannot be shown."""
        try:
            self.dismiss(None if self._text.text == self._shown else self._knob.read(self._text.text))
        except KnobError as error:
            self._refuse(str(error))

    def _refuse(self, reason: str) -> None:
        self._said.update(Content(safe(reason)))


def how(knob: Knob) -> str:
    """What the knob does, and how it is written."""
    if knob.kind is not tuple:
        return f"{knob.help} Empty is none."
    form = f", written like {knob.example}" if knob.example else ""
    return f"{knob.help} An entry a line{form}; a new line within one is \\n."
