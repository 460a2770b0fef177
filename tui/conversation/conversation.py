"""Conversation: an immutable tree of turns with one path on screen. Every operation returns a new value."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tui.conversation.reply_record import ReplyRecord

Role = Literal["system", "user", "assistant"]
Ending = Literal["stop", "length", "stopped", "failed", "died", "interrupted"]
"""Reason why a reply ended: the model stopped, a limit, the person, an error, death of the engine or of twiddle."""


class Message(Struct, frozen=True):
    """Text with its role."""

    role: Role
    content: str
    tokens: tuple[int, ...] = ()
    """Token ids that the model generated for it, so that the next prompt can reuse them in the KV cache."""


class Turn(Struct, frozen=True, rename={"record": "written"}):  # the key in stored JSON
    """Message in the tree of a conversation."""

    message: Message
    parent: int | None
    """Index of the turn before it; None for a first turn."""
    ending: Ending | None = None
    """Reason why the reply ended; None for other turns."""
    edited: bool = False
    """True if a person edited the text."""
    record: ReplyRecord | None = None
    """Record of a generated reply."""


class Conversation(Struct, frozen=True):
    """Turns, and the index of the last turn on the current path."""

    turns: tuple[Turn, ...] = ()
    tip: int | None = None

    @property
    def indices(self) -> tuple[int, ...]:
        """Indices of the turns on the path, from the first to the tip."""
        found: list[int] = []
        index = self.tip
        while index is not None:
            found.append(index)
            index = self.turns[index].parent
        return tuple(reversed(found))

    @property
    def path(self) -> tuple[Turn, ...]:
        """Turns on the path, from the first to the tip."""
        return tuple(self.turns[index] for index in self.indices)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Messages on the path for the prompt; an empty reply is left out together with its question."""
        shown: list[Message] = []
        for turn in self.path:
            if turn.message.role == "assistant" and not turn.message.content:
                if shown and shown[-1].role == "user":
                    shown.pop()
                continue
            shown.append(turn.message)
        return tuple(shown)


def ask(conversation: Conversation, text: str) -> Conversation:
    """Add a question after the tip."""
    return _add(conversation, Turn(Message("user", text), conversation.tip))


def answer(
    conversation: Conversation,
    text: str,
    ending: Ending,
    tokens: tuple[int, ...] = (),
    record: ReplyRecord | None = None,
) -> Conversation:
    """Add a reply after the tip."""
    message = Message("assistant", text, tokens)
    return _add(conversation, Turn(message, conversation.tip, ending, record=record))


def edit(conversation: Conversation, index: int, text: str) -> Conversation:
    """Add an edited version beside a turn and make it the tip; the turns that followed stay on the old path."""
    turn = conversation.turns[index]
    message = Message(turn.message.role, text)
    return _add(conversation, replace(turn, message=message, edited=True, record=None))


def versions(conversation: Conversation, index: int) -> tuple[int, ...]:
    """Return the indices of all versions of a turn, itself included, oldest first."""
    parent, role = conversation.turns[index].parent, conversation.turns[index].message.role
    alike = (turn.parent == parent and turn.message.role == role for turn in conversation.turns)
    return tuple(number for number, is_version in enumerate(alike) if is_version)


def go(conversation: Conversation, index: int) -> Conversation:
    """Move the path through a turn, and on along the newest turn after each."""
    newest = {turn.parent: number for number, turn in enumerate(conversation.turns)}
    while index in newest:
        index = newest[index]
    return replace(conversation, tip=index)


def until(conversation: Conversation, index: int | None) -> Conversation:
    """End the path at a turn, or before the first if None."""
    return replace(conversation, tip=index)


def last_reply(conversation: Conversation) -> int | None:
    """Return the index of the last reply on the path."""
    turns = conversation.turns
    return next((each for each in reversed(conversation.indices) if turns[each].message.role == "assistant"), None)


def with_record(conversation: Conversation, index: int, record: ReplyRecord) -> Conversation:
    """Set the record of a reply whose traces were loaded later."""
    turns = list(conversation.turns)
    turns[index] = replace(turns[index], record=record)
    return replace(conversation, turns=tuple(turns))


def join(conversation: Conversation, other: Conversation) -> Conversation:
    """Merge the turns of another conversation into this one, equal turns once; the path stays."""
    turns = list(conversation.turns)
    existing: dict[tuple[int | None, str], list[int]] = {}
    for index, turn in enumerate(turns):
        existing.setdefault((turn.parent, turn.message.content), []).append(index)
    new_indices: list[int] = []
    for turn in other.turns:
        moved = replace(turn, parent=new_indices[turn.parent] if turn.parent is not None else None)
        same = existing.get((moved.parent, moved.message.content), [])
        index = next((each for each in same if turns[each] == moved), len(turns))
        if index < len(turns):
            same.remove(index)  # each turn matches once, so that two equal turns stay two
        else:
            turns.append(moved)
        new_indices.append(index)
    return Conversation(tuple(turns), conversation.tip)


def _add(conversation: Conversation, turn: Turn) -> Conversation:
    return Conversation((*conversation.turns, turn), len(conversation.turns))
