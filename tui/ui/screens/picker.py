"""Base class of the dialogs that choose from a list: typing narrows it down, Enter chooses."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog, Result


def move_bindings(place: str) -> list[Binding]:
    """Return the bindings of Up and Down in a picker, `place` being the first part of their ids.

    They have priority, since the focus stays with the typing.
    """
    return [
        bind("down", "move(1)", "Next", id=f"{place}.next", priority=True),
        bind("up", "move(-1)", "Previous", id=f"{place}.previous", priority=True),
    ]


class Picker(Dialog[Result]):
    """List under a line to type in. A subclass fills the list and chooses from it."""

    placeholder: ClassVar[str] = ""
    """Hint in the empty line."""

    def __init__(self) -> None:
        super().__init__()
        self.options = OptionList(markup=False)

    def content(self) -> Iterable[Widget]:
        """Yield the filter and the options."""
        yield Input(placeholder=self.placeholder)
        yield self.options

    def fill(self, typed: str) -> None:
        """Show the options that match the typed text."""
        raise NotImplementedError

    def action_choose(self) -> None:
        """Give the highlighted option as the result."""
        raise NotImplementedError

    @property
    def highlighted(self) -> str | None:
        """Id of the highlighted option."""
        index = self.options.highlighted
        return None if index is None else self.options.get_option_at_index(index).id

    def show_options(self, options: Sequence[Option], highlighted: int = 0) -> None:
        """Replace the options, and highlight one by its index."""
        self.options.clear_options()
        self.options.add_options(options)
        if options:
            self.options.highlighted = highlighted

    def on_mount(self) -> None:
        """Show all options."""
        self.query_one(Input).focus()
        self.fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list down."""
        self.fill(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose the clicked option."""
        event.stop()
        self.action_choose()

    def action_move(self, step: int) -> None:
        """Highlight the next option or the one before."""
        (self.options.action_cursor_down if step > 0 else self.options.action_cursor_up)()


def matches(typed: str, text: str) -> bool:
    """Return True if every typed word is in the text, in any case."""
    return all(word in text.lower() for word in typed.lower().split())
