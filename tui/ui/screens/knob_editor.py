"""Editor of a knob whose value is a list or a text."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from tui.errors import KnobError
from tui.knobs.knob import Knob, Value
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.safe_text_area import SafeTextArea


class KnobTextArea(SafeTextArea):
    """Text area in which Enter accepts the text, as in the prompt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter,ctrl+s", "screen.accept", "Accept", id="editor.take", show=True, priority=True),
        bind("ctrl+j,shift+enter", "line", "New line", id="editor.newline", show=True, priority=True),
    ]

    def action_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class KnobEditor(Dialog[Value | None]):
    """Editor of a list, an entry a line, or of a text. The result is the value, or None if it was not changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape", "dismiss", "Back", id="editor.back", show=True, priority=True),
    ]

    def __init__(self, knob: Knob, value: Value) -> None:
        """`value` is the one to edit."""
        super().__init__()
        self._knob = knob
        self._text = KnobTextArea(knob.write(value), show_line_numbers=False, tab_behavior="indent")
        self._first = self._text.text

    def content(self) -> Iterable[Widget]:
        """Yield the name of the knob, what it takes, and the input."""
        yield Static(self._knob.name, classes="name", markup=False)
        yield Static(instructions(self._knob), classes="how", markup=False)
        yield self._text
        yield self.error_line

    def on_mount(self) -> None:
        """Put the cursor at the end."""
        self._text.focus()
        self._text.move_cursor(self._text.document.end)

    def on_text_area_changed(self) -> None:
        """Clear the error, since the change may have removed it."""
        self.show_error("")

    def action_accept(self) -> None:
        """Give the value if the knob accepts it.

        An untouched text gives None, so that line ends which the text area has made newlines of stay in the value.
        """
        try:
            self.dismiss(None if self._text.text == self._first else self._knob.read(self._text.text))
        except KnobError as error:
            self.show_error(str(error))


def instructions(knob: Knob) -> str:
    """Return the help of a knob and the form of its value."""
    if knob.kind is not tuple:
        return f"{knob.help} Empty is none."
    form = f", written like {knob.example}" if knob.example else ""
    return f"{knob.help} An entry a line{form}; a new line within one is \\n."
