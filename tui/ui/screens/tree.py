"""F5: the whole conversation as a tree, with every version of every message."""

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.conversation.conversation import Conversation
from tui.conversation.tree_rows import TreeRow, about, outline
from tui.terminal import safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer
from tui.ui.widgets.transcript.messages import Wish

_WORDS = 160
"""Characters of a message that are shown, and filtered by."""
_GLYPHS = {"user": "▌ ", "assistant": "▏ ", "system": "· "}


class TreePick(NamedTuple):
    """A turn chosen in the tree, and what is wanted with it."""

    wish: Wish
    turn: int


class TreeScreen(Dialog[TreePick | None]):
    """Every turn ever made, a row each, narrowed down by typing; the path being read is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take('go')", "Go there", priority=True, id="tree.go"),
        Binding("ctrl+b", "take('fork')", "To a second side", priority=True, id="tree.fork"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="tree.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="tree.previous"),
        Binding("escape,f5", "dismiss", "Back", key_display="esc", id="tree.back"),
    ]

    DEFAULT_CSS = """
    TreeScreen {
        align: center middle;
        & > Vertical {
            width: 94%;
            height: 90%;
            padding: 1 2 0 2;
            border: round $primary;
            border-title-color: $text-primary;
            background: $surface;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0; margin-bottom: 1; background: $surface; }
        & OptionList, & OptionList:focus {
            height: 1fr;
            border: none;
            padding: 0;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            scrollbar-size-vertical: 1;
        }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, conversation: Conversation) -> None:
        """The tree of a conversation."""
        super().__init__()
        self._conversation = conversation
        self._rows = list(outline(conversation))
        self._texts = [safe_line(conversation.turns[row.turn].message.content[:_WORDS]) for row in self._rows]
        self._list = OptionList(markup=False)

    def compose(self) -> ComposeResult:
        box = Vertical(Input(placeholder="Type to find a message"), self._list, Footer())
        box.border_title = Content(f"{len(self._rows)} messages, ▸ on the path being read")
        yield box

    def on_mount(self) -> None:
        """Show all of it, at the end of the path."""
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow it down."""
        self._fill(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to what was clicked."""
        event.stop()
        self.action_take("go")

    def action_move(self, step: int) -> None:
        """The next row, or the one before."""
        (self._list.action_cursor_down if step > 0 else self._list.action_cursor_up)()

    def action_take(self, wish: Wish) -> None:
        """Choose the row that the cursor is on."""
        if self._list.highlighted is not None:
            self.dismiss(TreePick(wish, int(self._list.get_option_at_index(self._list.highlighted).id or 0)))

    def _fill(self, typed: str) -> None:
        wanted = typed.lower().split()
        found = [
            (row, text)
            for row, text in zip(self._rows, self._texts, strict=True)
            if all(word in text.lower() for word in wanted)
        ]
        self._list.clear_options()
        self._list.add_options([Option(self._line(row, text), id=str(row.turn)) for row, text in found])
        places = [place for place, (row, _) in enumerate(found) if row.here]
        self._list.highlighted = places[-1] if places else 0 if found else None

    def _line(self, row: TreeRow, text: str) -> Content:
        role = self._conversation.turns[row.turn].message.role
        note = safe_line(about(self._conversation, row))
        return Content.assemble(
            ("▸ " if row.here else "  ", "bold $accent"),
            (row.lead, "$foreground 70%"),
            (_GLYPHS[role], "$primary" if role == "user" else "$foreground 70%"),
            (text or "(nothing)", "bold" if row.here else ""),
            (f"  {note}" if note else "", "$text-muted"),
        )
