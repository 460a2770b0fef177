"""Ctrl+O: go on with a conversation that was kept."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.errors import StoreError
from tui.store.export import date
from tui.store.records import Summary
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer

Find = Callable[[str], Awaitable[tuple[Summary, ...]]]


class HistoryPicker(Dialog[int | None]):
    """The conversations, narrowed down by typing. Gives the number of the one chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # By priority, since Enter and the letters belong to the line that is typed in.
        Binding("enter", "take", "Go on with it", priority=True, id="history.open"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="history.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="history.previous"),
        Binding("escape", "dismiss", "Back", id="history.back"),
    ]

    DEFAULT_CSS = """
    HistoryPicker {
        align: center middle;
        & > Vertical {
            width: 90%;
            max-width: 110;
            height: auto;
            max-height: 90%;
            padding: 1 2 0 2;
            border: round $primary;
            border-title-color: $text-primary;
            background: $surface;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0; margin-bottom: 1; background: $surface; }
        & OptionList, & OptionList:focus {
            height: auto;
            max-height: 60vh;
            border: none;
            padding: 0;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            scrollbar-size-vertical: 1;
        }
        & .about { height: 2; margin: 1 0; color: $foreground 80%; }
        & .about.-broken { color: $text-warning; }
        & Footer { dock: none; background: $surface; }
    }
    """

    def __init__(self, find: Find) -> None:
        """`find` gives the conversations that have every word of a query in them; it may raise StoreError."""
        super().__init__()
        self._find = find
        self._entries: tuple[Summary, ...] = ()
        self._list = OptionList(markup=False)
        self._about = Static(classes="about", markup=False)

    def compose(self) -> ComposeResult:
        typed = Input(placeholder="Type words that were said")
        box = Vertical(typed, self._list, self._about, Footer())
        box.border_title = Content("History")
        yield box

    def on_mount(self) -> None:
        """Show the newest."""
        self.query_one(Input).focus()
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list down."""
        self._show(event.value)

    def action_take(self) -> None:
        """Go on with the one that is lit."""
        self._list.action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go on with it."""
        self.dismiss(self._entries[event.option_index].id)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say more about it."""
        entry = self._entries[event.option_index]
        about = entry.found or f"{entry.setting or 'default'} · begun {date(entry.began)}"
        self._about.update(Content(safe(" ".join(about.split()))))

    def action_move(self, step: int) -> None:
        """Light the next one, while the focus stays with the typing."""
        if step > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @work(exclusive=True)
    async def _show(self, typed: str) -> None:
        try:
            self._entries = await self._find(typed)
        except StoreError as error:
            self._entries = ()
            self._say(str(error), broken=True)
        else:
            nothing = (
                "" if self._entries else "Nothing was said like that." if typed.strip() else "Nothing is kept yet."
            )
            self._say(nothing)
        self._list.clear_options()
        self._list.add_options([Option(_line(entry)) for entry in self._entries])
        if self._entries:
            self._list.highlighted = 0

    def _say(self, text: str, *, broken: bool = False) -> None:
        self._about.update(Content(safe(text)))
        self._about.set_class(broken, "-broken")


def _line(entry: Summary) -> Content:
    count = f"{entry.messages:>4} ✎  "
    when = Content.styled(f"{date(entry.changed)}  {count}", "$foreground 75%")
    return when + Content.styled(safe_line(entry.title or "Untitled"), "bold")
