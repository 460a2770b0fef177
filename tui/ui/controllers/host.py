"""Columns of the chat screen, and the part of the screen that its controllers may use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from textual.app import App
from textual.message import Message

from tui.errors import TwiddleError
from tui.session.side import Side
from tui.terminal import safe
from tui.ui.widgets.pane import Pane


@dataclass(eq=False)
class Column:
    """A side and the pane that shows it."""

    side: Side
    pane: Pane


def pane_of(columns: Sequence[Column], side: Side) -> Pane:
    """Return the pane that shows a side."""
    return next(column.pane for column in columns if column.side is side)


class ChatHost(Protocol):
    """The chat screen, as its controllers see it."""

    active: int
    """Index of the active column."""

    @property
    def app(self) -> App[Any]:
        """App that shows notices, opens dialogs and runs workers."""

    @property
    def side(self) -> Side:
        """Side that has the focus."""

    def apply_settings(self) -> None:
        """Load the models that the presets and knobs of the sides ask for."""

    def add_notice(self, text: str) -> None:
        """Show a text below the conversation."""

    def clear(self) -> None:
        """Start a new conversation on every side."""

    async def answer_again(self) -> None:
        """Request another version of the last reply."""

    async def action_run(self, line: str) -> None:
        """Run a command line, such as `/new`."""

    def post_message(self, message: Message) -> bool:
        """Post a Textual message to the screen."""

    def refresh_bindings(self) -> None:
        """Check anew which keys the footer shows."""

    def set_class(self, add: bool, *class_names: str) -> object:
        """Add or remove CSS classes."""


@contextmanager
def refusals(app: App[Any]) -> Iterator[None]:
    """Show a TwiddleError raised in this block as a notice, since nothing above a callback would."""
    try:
        yield
    except TwiddleError as error:
        app.notify(safe(str(error)), severity="error", markup=False)
