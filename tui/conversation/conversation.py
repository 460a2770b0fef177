"""A conversation as a value: a tree of turns of which one path is on screen. Every operation returns a new value."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tui.conversation.reply_record import ReplyRecord

Role = Literal["system", "user", "assistant"]
Ending = Literal["stop", "length", "stopped", "failed", "died", "interrupted"]
"""Why a reply ended: the model was done, a limit, the person, an error, the loss of the engine or of twiddle itself."""


class Message(Struct, frozen=True):
    """Something said, and by whom."""

    role: Role
    content: str
    tokens: tuple[int, ...] = ()
    """The token ids that a model wrote for it, so that the next turn need not evaluate them again."""


class Turn(Struct, frozen=True, rename={"record": "written"}):  # the key in stored JSON
    """A message in its place in the tree."""

    message: Message
    parent: int | None
    """Index of the turn it answers."""
    ending: Ending | None = None
    """Set on replies."""
    edited: bool = False
    """Whether a person wrote it, or a part of it, in place of what was there."""
    record: ReplyRecord | None = None
    """Of a reply: how it came to be."""


class Conversation(Struct, frozen=True):
    """All turns ever made, and which one is the last of the path being read."""

    turns: tuple[Turn, ...] = ()
    tip: int | None = None

    @property
    def indices(self) -> tuple[int, ...]:
        """Indices of the turns from the first to the tip."""
        found: list[int] = []
        index = self.tip
        while index is not None:
            found.append(index)
            index = self.turns[index].parent
        return tuple(reversed(found))

    @property
    def path(self) -> tuple[Turn, ...]:
        """The turns from the first to the tip."""
        return tuple(self.turns[index] for index in self.indices)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages on the path, as a model is shown them; a reply that came to nothing goes with its question."""
        shown: list[Message] = []
        for turn in self.path:
            if turn.message.role == "assistant" and not turn.message.content:
                if shown and shown[-1].role == "user":
                    shown.pop()
                continue
            shown.append(turn.message)
        return tuple(shown)


def ask(conversation: Conversation, text: str) -> Conversation:
    """The conversation with a question added after its tip."""
    return _add(conversation, Turn(Message("user", text), conversation.tip))


def answer(
    conversation: Conversation,
    text: str,
    ending: Ending,
    tokens: tuple[int, ...] = (),
    written: ReplyRecord | None = None,
) -> Conversation:
    """The conversation with a reply added after its tip."""
    message = Message("assistant", text, tokens)
    return _add(conversation, Turn(message, conversation.tip, ending, record=written))


def edit(conversation: Conversation, index: int, text: str) -> Conversation:
    """The conversation with another wording of a turn beside it, as its tip: what followed is not on this path."""
    turn = conversation.turns[index]
    message = Message(turn.message.role, text)
    return _add(conversation, replace(turn, message=message, edited=True, record=None))


def versions(conversation: Conversation, index: int) -> tuple[int, ...]:
    """Indices of all turns that stand where this one does, itself included, the oldest first."""
    parent, role = conversation.turns[index].parent, conversation.turns[index].message.role
    alike = (turn.parent == parent and turn.message.role == role for turn in conversation.turns)
    return tuple(place for place, is_version in enumerate(alike) if is_version)


def go(conversation: Conversation, index: int) -> Conversation:
    """The conversation with its path through a turn, and on along the newest turns after it."""
    newest = {turn.parent: place for place, turn in enumerate(conversation.turns)}
    while index in newest:
        index = newest[index]
    return replace(conversation, tip=index)


def until(conversation: Conversation, index: int | None) -> Conversation:
    """The conversation with its path ending at a turn, or before the first."""
    return replace(conversation, tip=index)


def last_reply(conversation: Conversation) -> int | None:
    """The place of the last reply on the path."""
    turns = conversation.turns
    return next((place for place in reversed(conversation.indices) if turns[place].message.role == "assistant"), None)


def recalled(conversation: Conversation, index: int, written: ReplyRecord) -> Conversation:
    """The conversation with how the tokens of a reply were chosen, which was not at hand."""
    turns = list(conversation.turns)
    turns[index] = replace(turns[index], record=written)
    return replace(conversation, turns=tuple(turns))


def join(conversation: Conversation, other: Conversation) -> Conversation:
    """The conversation with the turns of another that begins like it beside its own, as versions; its path stays."""
    turns = list(conversation.turns)
    there: dict[tuple[int | None, str], list[int]] = {}
    for place, turn in enumerate(turns):
        there.setdefault((turn.parent, turn.message.content), []).append(place)
    places: list[int] = []
    for turn in other.turns:
        moved = replace(turn, parent=places[turn.parent] if turn.parent is not None else None)
        same = there.get((moved.parent, moved.message.content), [])
        place = next((each for each in same if turns[each] == moved), len(turns))
        if place < len(turns):
            same.remove(place)  # of two that are alike there, two are here
        else:
            turns.append(moved)
        places.append(place)
    return Conversation(tuple(turns), conversation.tip)


def _add(conversation: Conversation, turn: Turn) -> Conversation:
    return Conversation((*conversation.turns, turn), len(conversation.turns))
