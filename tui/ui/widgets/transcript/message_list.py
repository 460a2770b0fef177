"""Messages of a conversation in a transcript, with a cursor on one of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from textual.message import Message
from textual.widget import Widget

from tui.conversation.conversation import Conversation, Turn, versions
from tui.ui.widgets.transcript.entry import Entry, ReplyEntry, TextEntry, VersionNumber
from tui.ui.widgets.transcript.entry_stack import EntryStack
from tui.ui.widgets.transcript.reply_footer import footnote, marks
from tui.ui.widgets.transcript.viewport import Viewport

MessageAction = Literal["edit", "continue", "again", "fork", "go"]
"""Action on a message: edit it, continue it, answer it again, fork the chat up to it, and go to it as
another version."""


class MessageList:
    """Messages of a conversation's path. It posts actions on them, and runs none."""

    @dataclass
    class ActionRequested(Message):
        """The user wants an action on a message."""

        transcript: Widget | None
        """Transcript of the message; None for the active side."""
        action: MessageAction
        turn: int
        """Index in the conversation."""

    def __init__(self, widget: Widget, stack: EntryStack, viewport: Viewport) -> None:
        self._widget, self._stack, self._viewport = widget, stack, viewport
        self._conversation = Conversation()
        self.entry: Entry | None = None
        """Message with the cursor."""
        self.versioned = True
        """True if other versions of messages are shown and can be gone to."""

    @property
    def picked(self) -> int | None:
        """Index in the conversation of the message with the cursor."""
        return self.entry.turn if self.entry else None

    def show(self, conversation: Conversation) -> None:
        """Show the path of a conversation in place of all entries; a message that stays keeps its place on screen."""
        known = {entry.turn: entry for entry in self._stack.entries if entry.turn is not None}
        row = self._viewport.row(self.entry)
        index = self._stack.entries.index(self.entry) if self.entry and row is not None else -1
        entries = [known.get(index) or _entry(conversation, index) for index in conversation.indices]
        self.entry = None
        self._viewport.replace(entries)
        self.set_indices(conversation)
        if 0 <= index < len(entries) and row is not None:
            self.pick(entries[index])
            self._viewport.scroll_to_row(entries[index], row)

    def set_indices(self, conversation: Conversation) -> None:
        """Set the indices of the messages shown to those of the conversation's path, in order."""
        self._conversation = conversation
        beside = Counter((turn.parent, turn.message.role) for turn in conversation.turns)
        messages = (entry for entry in self._stack.entries if not entry.aside)
        for entry, index in zip(messages, conversation.indices, strict=False):
            entry.turn = index
            turn = conversation.turns[index]
            if self.versioned and beside[turn.parent, turn.message.role] > 1:
                all_of_it = versions(conversation, index)
                if entry.set_version(VersionNumber(all_of_it.index(index), len(all_of_it))):
                    self._viewport.redraw(entry)

    # --- the cursor -------------------------------------------------------------------------------------------------

    def pick(self, entry: Entry | None) -> None:
        """Put the cursor on a message, or on none."""
        for each, picked in ((self.entry, False), (entry, True)):
            if each in self._stack.entries and each is not None:
                each.picked = picked
                self._viewport.redraw(each)
        self.entry = entry
        self._widget.refresh_bindings()

    def pick_by(self, step: int) -> None:
        """Move the cursor to the next message; scroll by a line instead if the current one goes on past the view."""
        messages = [entry for entry in self._stack.entries if entry.turn is not None]
        if not messages:
            return
        if self.entry not in messages:
            self.pick(messages[-1])
        elif not self._goes_on(self.entry, step):
            self.pick(messages[min(max(messages.index(self.entry) + step, 0), len(messages) - 1)])
        else:
            self._widget.scroll_to(y=self._widget.scroll_offset.y + step)
            return
        if self.entry:
            self._viewport.reveal(self.entry, step)

    def go_to_version(self, step: int) -> None:
        """Post that the user wants the version before or after."""
        entry = self.entry or self._stack.last()
        if entry is None or entry.turn is None or not self.versioned:
            return
        self.pick(entry)
        all_of_it = versions(self._conversation, entry.turn)
        at = all_of_it.index(entry.turn) + step
        if 0 <= at < len(all_of_it):
            self._widget.post_message(self.ActionRequested(self._widget, "go", all_of_it[at]))

    def want(self, wish: MessageAction) -> None:
        """Post that the user wants an action on the message with the cursor, or on the last."""
        entry = self.entry or self._stack.last()
        if entry and entry.turn is not None:
            self._widget.post_message(self.ActionRequested(self._widget, wish, entry.turn))

    def unfold(self) -> None:
        """Open or fold the thought of the reply with the cursor, else of the last that has one."""
        if entry := self._thoughtful:
            entry.unfold()
            self._viewport.redraw(entry)

    @property
    def _thoughtful(self) -> ReplyEntry | None:
        entries = [self.entry] if self.entry else reversed(self._stack.entries)
        return next((entry for entry in entries if isinstance(entry, ReplyEntry) and entry.thought), None)

    def click(self, x: int, y: int) -> None:
        """Handle a click: move the cursor, turn the version at an arrow, open a thought at its line.

        `y` counts from the first line of the stack.
        """
        index, number = self._stack.at(y)
        entry = self._stack.entries[index]
        if isinstance(entry, ReplyEntry) and entry.unfolds_at(number):
            entry.unfold()
            self._viewport.redraw(entry)
            return
        if entry.turn is None or not 0 <= number < entry.height - 1:
            return
        self.pick(entry)
        if step := entry.turned_at(number, x):
            self.go_to_version(step)

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Return True if an action can be taken with the message picked."""
        if action == "unfold":
            return self._thoughtful is not None
        if action not in ("want", "version"):
            return True
        entry = self.entry or self._stack.last()
        if entry is None or entry.turn is None:
            return False
        turn = self._conversation.turns[entry.turn]
        if action == "version":
            return len(versions(self._conversation, entry.turn)) > 1
        return parameters != ("continue",) or turn.message.role == "assistant"

    def visit_fork(self, number: int) -> bool:
        """Go to where a reply differs from that of another side, 0 being the newest; return False if none does."""
        forks = [
            (entry, line) for entry in self._stack.entries if isinstance(entry, ReplyEntry) for line in entry.forks
        ]
        if not forks:
            return False
        entry, line = forks[-1 - number % len(forks)]
        self._viewport.scroll_to_row(entry, self._widget.size.height // 3 - line)
        return True

    def _goes_on(self, entry: Entry, step: int) -> bool:
        row = self._viewport.row(entry)
        if row is None:
            return False
        return row < 0 if step < 0 else row + entry.height - 1 > self._widget.size.height


def _entry(conversation: Conversation, index: int) -> Entry:
    """Return the entry of a turn."""
    turn: Turn = conversation.turns[index]
    message = turn.message
    if message.role != "assistant":
        entry: Entry = TextEntry(message.content, message.role)
    else:
        thought = turn.record.thought if turn.record else None
        entry = ReplyEntry(message.content, ending=turn.ending, note=footnote(turn), marks=marks(turn), thought=thought)
    entry.turn = index
    return entry
