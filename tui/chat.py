"""A conversation as a value: a tree of turns of which one path is on screen. Every operation returns a new value."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Role = Literal["system", "user", "assistant"]
Ending = Literal["stop", "length", "stopped", "failed", "died"]
"""Why a reply ended: the model was done, a limit, the person, an error, or the loss of the engine."""


class Message(Struct, frozen=True):
    """Something said, and by whom."""

    role: Role
    content: str
    tokens: tuple[int, ...] = ()
    """The token ids that a model wrote for it, so that the next turn need not evaluate them again."""


class Turn(Struct, frozen=True):
    """A message in its place in the tree."""

    message: Message
    parent: int | None
    """Index of the turn it answers."""
    ending: Ending | None = None
    """Set on replies."""


class Conversation(Struct, frozen=True):
    """All turns ever made, and which one is the last of the path being read."""

    turns: tuple[Turn, ...] = ()
    tip: int | None = None

    @property
    def path(self) -> tuple[Turn, ...]:
        """The turns from the first to the tip."""
        found: list[Turn] = []
        index = self.tip
        while index is not None:
            turn = self.turns[index]
            found.append(turn)
            index = turn.parent
        return tuple(reversed(found))

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


def answer(conversation: Conversation, text: str, ending: Ending, tokens: tuple[int, ...] = ()) -> Conversation:
    """The conversation with a reply added after its tip."""
    return _add(conversation, Turn(Message("assistant", text, tokens), conversation.tip, ending))


def retract(conversation: Conversation) -> Conversation:
    """The conversation back at its last question, for another answer beside the one it has."""
    tip = conversation.tip
    while tip is not None and conversation.turns[tip].message.role != "user":
        tip = conversation.turns[tip].parent
    return replace(conversation, tip=tip)


def _add(conversation: Conversation, turn: Turn) -> Conversation:
    return Conversation((*conversation.turns, turn), len(conversation.turns))
