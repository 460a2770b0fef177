"""A dialog over the chat."""

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.ui.screens.help import HelpScreen
from tui.ui.widgets.too_small import LEAST, TooSmall

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """What lies over the chat until it gives its result; F1 shows the keys that work in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", tooltip="The keys that work here", id="dialog.help")
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (LEAST[0], "-fitting")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST[1], "-high-enough")]

    DEFAULT_CSS = """
    Dialog { layers: base overlay; }
    """

    def on_mount(self) -> None:
        """There may be no room for it."""
        self.mount(TooSmall())

    def action_help(self) -> None:
        """Show which keys work here."""
        self.app.push_screen(HelpScreen())
