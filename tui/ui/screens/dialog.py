"""Base class of the dialogs: a frame over the chat with a title, the keys in its last line, and F1."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.widgets.footer import Footer
from tui.ui.widgets.too_small import LEAST, TooSmall

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """Modal screen that gives a result. A subclass yields the content of its frame, and may set a heading."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("f1", "app.help", "Help", tooltip="The keys that work here", show=True, id="dialog.help"),
    ]

    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (LEAST[0], "-fitting")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST[1], "-high-enough")]

    heading = ""
    """Title in the frame."""

    def __init__(self) -> None:
        super().__init__()
        self.error_line = Static(classes="error", markup=False)
        """Reason why the input cannot be taken; shown where `content` yields it."""

    def compose(self) -> ComposeResult:
        """Yield the content in a titled frame, with the keys below it."""
        frame = Vertical(*self.content(), Footer(), classes="frame")
        frame.border_title = Content(safe_line(self.heading)) if self.heading else ""
        yield frame

    def content(self) -> Iterable[Widget]:
        """Yield the widgets above the footer."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Cover the dialog while the terminal is too small for it."""
        self.mount(TooSmall())

    def show_error(self, reason: str) -> None:
        """Show why the input cannot be taken, or nothing."""
        self.error_line.update(Content(safe(reason)))
