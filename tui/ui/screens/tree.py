"""F5: the whole conversation as a tree, with every version of every message."""

from typing import ClassVar, NamedTuple

from textual.binding import BindingType
from textual.content import Content
from textual.widgets.option_list import Option

from tui.conversation.conversation import Conversation
from tui.conversation.tree_rows import TreeRow, about, outline
from tui.terminal import safe_line
from tui.ui.bindings import bind
from tui.ui.screens.picker import Picker, matches, move_bindings
from tui.ui.widgets.transcript.message_list import MessageAction

_LENGTH = 160
"""Characters of a message that are shown and searched."""
_GLYPHS = {"user": "▌ ", "assistant": "▏ ", "system": "· "}


class TreePick(NamedTuple):
    """Turn that was chosen, and what for."""

    action: MessageAction
    turn: int


class TreeScreen(Picker[TreePick | None]):
    """Tree of all turns, a row each; the path on the screen is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "choose('go')", "Go there", id="tree.go", show=True, priority=True),
        bind("ctrl+b", "choose('fork')", "To a second side", id="tree.fork", show=True, priority=True),
        *move_bindings("tree"),
        bind("escape,f5", "dismiss", "Back", id="tree.back", show=True, key_display="esc"),
    ]

    placeholder = "Type to find a message"

    def __init__(self, conversation: Conversation) -> None:
        """Read the rows from a conversation; the screen does not follow its changes."""
        super().__init__()
        self._conversation = conversation
        self._rows = list(outline(conversation))
        self._texts = [safe_line(conversation.turns[row.turn].message.content[:_LENGTH]) for row in self._rows]
        self.heading = f"{len(self._rows)} messages; ▸ marks the open branch"

    def action_choose(self, action: MessageAction = "go") -> None:
        """Give the highlighted turn."""
        if self.highlighted is not None:
            self.dismiss(TreePick(action, int(self.highlighted)))

    def fill(self, typed: str) -> None:
        """Show the messages that contain every typed word, the last one on the path highlighted."""
        rows = zip(self._rows, self._texts, strict=True)
        found = [(row, text) for row, text in rows if matches(typed, text)]
        on_path = [index for index, (row, _) in enumerate(found) if row.here]
        options = [Option(self._line(row, text), id=str(row.turn)) for row, text in found]
        self.show_options(options, on_path[-1] if on_path else 0)

    def _line(self, row: TreeRow, text: str) -> Content:
        role = self._conversation.turns[row.turn].message.role
        details = safe_line(about(self._conversation, row))
        return Content.assemble(
            ("▸ " if row.here else "  ", "bold $accent"),
            (row.lead, "$foreground 70%"),
            (_GLYPHS[role], "$primary" if role == "user" else "$foreground 70%"),
            (text or "(nothing)", "bold" if row.here else ""),
            (f"  {details}" if details else "", "$text-muted"),
        )
