"""The messages of a conversation, one under another, with a cursor that picks one of them."""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.conversation.conversation import Conversation, Turn, versions
from tui.ui.widgets.transcript.entry import Entry, ReplyEntry, TextEntry, VersionNumber
from tui.ui.widgets.transcript.reply_footer import footnote, marks
from tui.ui.widgets.transcript.scrollback import Scrollback

Wish = Literal["edit", "continue", "again", "fork", "go"]
"""What can be done with a message: word it anew, go on with it, have it answered anew, carry it over to another side,
and read on through it."""


class Messages(Scrollback):
    """A column of messages. It says what is wanted with one of them, and does nothing about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up",
            "pick(-1)",
            "Message",
            key_display="↑↓",
            tooltip="Pick a message; a long one scrolls first",
            id="message.above",
        ),
        Binding("down", "pick(1)", "Message below", show=False, id="message.below"),
        Binding(
            "left",
            "version(-1)",
            "Version",
            key_display="←→",
            tooltip="Other versions of the message",
            id="message.earlier-version",
        ),
        Binding("right", "version(1)", "Later version", show=False, id="message.later-version"),
        Binding(
            "e",
            "want('edit')",
            "Edit",
            tooltip="Word the message anew; a question is then answered anew",
            id="message.edit",
        ),
        Binding(
            "c",
            "want('continue')",
            "Continue",
            tooltip="Go on with a reply that was cut, or edited",
            id="message.continue",
        ),
        Binding("r", "want('again')", "Again", tooltip="Another answer to the question", id="message.again"),
        Binding(
            "b", "want('fork')", "Fork", tooltip="Carry the chat up to here over to a second side", id="message.fork"
        ),
        Binding("o", "unfold", "Thought", tooltip="Open the thought of the reply, or fold it", id="message.thought"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | up, down | Pick a message; one that is longer than the view scrolls first. |
    | left, right | Other versions of the message picked. |
    | e, c, r, b | Edit it, continue it, answer it anew, fork the chat up to it. |
    | o | Open or fold its thought. |
    """

    @dataclass
    class Wanted(Message):
        """Something is wanted with a message."""

        messages: "Messages | None"
        """Where; None for the side that is the active one."""
        wish: Wish
        turn: int
        """Index in the conversation."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._conversation = Conversation()
        self._picked: Entry | None = None
        self.versioned = True
        """Whether it is shown that messages have other versions, and one can go there."""

    @property
    def picked(self) -> int | None:
        """The turn that the cursor is on."""
        return self._picked.turn if self._picked else None

    def show(self, conversation: Conversation) -> None:
        """Show the path of a conversation in place of everything; what stays on it stays where it is on screen."""
        known = {entry.turn: entry for entry in self._stack.entries if entry.turn is not None}
        row = self._row(self._picked)
        place = self._stack.entries.index(self._picked) if self._picked and row is not None else -1
        entries = [known.get(index) or _entry(conversation, index) for index in conversation.indices]
        self._picked = None
        self.replace(entries)
        self.know(conversation)
        if 0 <= place < len(entries) and row is not None:
            self._pick(entries[place])
            self._put(entries[place], row)

    def know(self, conversation: Conversation) -> None:
        """Take in which turns the messages shown are: they are those of the conversation's path, in order."""
        self._conversation = conversation
        beside = Counter((turn.parent, turn.message.role) for turn in conversation.turns)
        said = (entry for entry in self._stack.entries if not entry.aside)
        for entry, index in zip(said, conversation.indices, strict=False):
            entry.turn = index
            turn = conversation.turns[index]
            if self.versioned and beside[turn.parent, turn.message.role] > 1:
                there = versions(conversation, index)
                if entry.put(VersionNumber(there.index(index), len(there))):
                    self.redraw(entry)

    # --- the cursor -------------------------------------------------------------------------------------------------

    def action_pick(self, step: int) -> None:
        """Pick the next message; where the one picked goes on past the view, scroll a line instead."""
        said = [entry for entry in self._stack.entries if entry.turn is not None]
        if not said:
            return
        if self._picked not in said:
            self._pick(said[-1])
        elif not self._goes_on(self._picked, step):
            self._pick(said[min(max(said.index(self._picked) + step, 0), len(said) - 1)])
        else:
            self.scroll_to(y=self.scroll_offset.y + step)
            return
        if self._picked:
            self._reveal(self._picked, step)

    def action_version(self, step: int) -> None:
        """Go to the version before or after."""
        entry = self._picked or self._last()
        if entry is None or entry.turn is None or not self.versioned:
            return
        self._pick(entry)
        there = versions(self._conversation, entry.turn)
        at = there.index(entry.turn) + step
        if 0 <= at < len(there):
            self.post_message(self.Wanted(self, "go", there[at]))

    def action_want(self, wish: Wish) -> None:
        """Say what is wanted with the message picked, or with the last."""
        entry = self._picked or self._last()
        if entry and entry.turn is not None:
            self.post_message(self.Wanted(self, wish, entry.turn))

    def action_unfold(self) -> None:
        """Open the thought of the reply picked, or of the last that has one, or fold it again."""
        if entry := self._thoughtful:
            entry.unfold()
            self.redraw(entry)

    @property
    def _thoughtful(self) -> ReplyEntry | None:
        """The reply whose thought is meant."""
        meant = [self._picked] if self._picked else reversed(self._stack.entries)
        return next((entry for entry in meant if isinstance(entry, ReplyEntry) and entry.thought), None)

    def on_click(self, event: events.Click) -> None:
        """Pick a message; on the arrows of its versions go to the next, on the line of its thought open that."""
        entries = self._stack.entries
        if event.chain == 1 and entries:
            y = self.scroll_offset.y + event.y
            place, number = self._stack.at(y)
            entry = entries[place]
            if isinstance(entry, ReplyEntry) and entry.unfolds_at(number):
                entry.unfold()
                self.redraw(entry)
                return
            if entry.turn is None or not 0 <= number < entry.height - 1:
                return
            self._pick(entry)
            if step := entry.turned_at(number, event.x):
                self.action_version(step)

    def _last(self) -> Entry | None:
        return next((entry for entry in reversed(self._stack.entries) if entry.turn is not None), None)

    def _pick(self, entry: Entry | None) -> None:
        for each, picked in ((self._picked, False), (entry, True)):
            if each in self._stack.entries and each is not None:
                each.picked = picked
                self.redraw(each)
        self._picked = entry
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done with the message picked is not offered."""
        if action == "unfold":
            return self._thoughtful is not None
        if action not in ("want", "version"):
            return True
        entry = self._picked or self._last()
        if entry is None or entry.turn is None:
            return False
        turn = self._conversation.turns[entry.turn]
        if action == "version":
            return len(versions(self._conversation, entry.turn)) > 1
        return parameters != ("continue",) or turn.message.role == "assistant"

    # --- where it is on screen --------------------------------------------------------------------------------------

    def _row(self, entry: Entry | None) -> int | None:
        """The row of the view that a message begins on, or would."""
        if entry not in self._stack.entries:
            return None
        return self._stack.tops[self._stack.entries.index(entry)] - self.scroll_offset.y

    def _put(self, entry: Entry, row: int) -> None:
        """Scroll so that a message begins on a row of the view."""
        self._following = False
        for _ in range(2):  # what comes into view above is laid out then, and may have another height than guessed
            self.scroll_to(y=self._stack.tops[self._stack.entries.index(entry)] - row)

    def _goes_on(self, entry: Entry, step: int) -> bool:
        row = self._row(entry)
        if row is None:
            return False
        return row < 0 if step < 0 else row + entry.height - 1 > self.size.height

    def _reveal(self, entry: Entry, step: int) -> None:
        """Scroll no further than it takes to see a message, or the end of it that one comes to first."""
        entry.lay_out(self._width)
        self.redraw(entry)
        row, room = self._row(entry) or 0, self.size.height
        if entry.height - 1 <= room:
            row = min(max(row, 0), room - entry.height + 1)
        else:
            row = room - entry.height + 1 if step < 0 else 0
        if row != self._row(entry):
            self._put(entry, row)


def _entry(conversation: Conversation, index: int) -> Entry:
    """A turn as it stands in the conversation."""
    turn: Turn = conversation.turns[index]
    said = turn.message
    if said.role != "assistant":
        entry: Entry = TextEntry(said.content, said.role)
    else:
        thought = turn.record.thought if turn.record else None
        entry = ReplyEntry(said.content, ending=turn.ending, note=footnote(turn), marks=marks(turn), thought=thought)
    entry.turn = index
    return entry
