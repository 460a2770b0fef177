"""Ctrl+O: choose a saved conversation."""

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.errors import StoreError
from tui.store.export import date
from tui.store.records import Summary
from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.screens.picker import Picker, move_bindings

Find = Callable[[str], Awaitable[tuple[Summary, ...]]]


class HistoryPicker(Picker[int | None]):
    """Saved conversations, the newest first. The result is the number of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "choose", "Open", id="history.open", show=True, priority=True),
        *move_bindings("history"),
        bind("escape", "dismiss", "Back", id="history.back", show=True),
    ]

    heading = "History"
    placeholder = "Type words to find in a conversation"

    def __init__(self, find: Find) -> None:
        """`find` returns the conversations that contain every word of a query; it may raise StoreError."""
        super().__init__()
        self._find = find
        self._entries: tuple[Summary, ...] = ()
        self._about = Static(classes="about", markup=False)

    def content(self) -> Iterable[Widget]:
        """Yield the list of conversations and the details of the highlighted one."""
        yield from super().content()
        yield self._about

    def action_choose(self) -> None:
        """Give the number of the highlighted conversation."""
        if self.highlighted is not None:
            self.dismiss(int(self.highlighted))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the text that was found in it, or its setting and date."""
        entry = self._entries[event.option_index]
        self._describe(entry.found or f"{entry.setting or 'default'} · begun {date(entry.began)}")

    def fill(self, typed: str) -> None:
        """Show the conversations that contain every typed word, once the store has found them."""
        self._search(typed)

    @work(exclusive=True)
    async def _search(self, typed: str) -> None:
        try:
            self._entries = await self._find(typed)
        except StoreError as error:
            self._entries = ()
            self._describe(str(error), broken=True)
        else:
            none = "No conversation contains these words." if typed.strip() else "No conversation is saved yet."
            self._describe("" if self._entries else none)
        self.show_options([Option(_line(entry), id=str(entry.id)) for entry in self._entries])

    def _describe(self, text: str, *, broken: bool = False) -> None:
        self._about.update(Content(safe(" ".join(text.split()))))
        self._about.set_class(broken, "-broken")


def _line(entry: Summary) -> Content:
    count = f"{entry.messages:>4} ✎  "
    when = Content.styled(f"{date(entry.changed)}  {count}", "$foreground 75%")
    return when + Content.styled(safe_line(entry.title or "Untitled"), "bold")
