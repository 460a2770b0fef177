"""Question for the name of a new preset."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from tui.errors import PresetError
from tui.presets.preset_paths import own_path
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog


class NameAsker(Dialog[str | None]):
    """Line for a name that no preset in the user's folder has. The result is the name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "accept", "Go on", id="name.take", show=True, priority=True),
        bind("escape", "dismiss", "Back", id="name.back", show=True),
    ]

    def __init__(self, heading: str) -> None:
        """`heading` says what the name is for."""
        super().__init__()
        self.heading = heading

    def content(self) -> Iterable[Widget]:
        yield Input(placeholder="A name, such as my-preset")
        yield self.error_line

    def on_input_changed(self) -> None:
        """Clear the error, which was about another name."""
        self.show_error("")

    def action_accept(self) -> None:
        """Give the name, unless it is invalid or in use."""
        name = self.query_one(Input).value.strip()
        try:
            path = own_path(name)
            if path.exists():
                raise PresetError(f"There is a preset {name!r} of yours already; choose another name.")
        except PresetError as error:
            self.show_error(str(error))
        else:
            self.dismiss(name)
