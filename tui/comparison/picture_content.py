"""What a picture shows: replies to one question, each token by token, and where they part."""

from collections.abc import Iterable

from msgspec import Struct

from tui.comparison.divergence import Divergence, by_id, by_text
from tui.conversation.conversation import Conversation, Turn


class PictureReply(Struct, frozen=True):
    """A reply, and what it was written with."""

    title: str
    turn: Turn


class PictureContent(Struct, frozen=True):
    """A question with one reply to it, or with several beside each other."""

    question: str
    shown: tuple[PictureReply, ...]

    @property
    def forks(self) -> tuple[frozenset[int], ...]:
        """Of each reply the tokens at which it parts from another."""
        written = [each.turn.record for each in self.shown if each.turn.record]
        found: list[set[int]] = [set() for _ in self.shown]
        if len(written) == len(self.shown):
            key = by_id if len({each.model for each in written}) < 2 else by_text
            traces = [each.traces for each in written]
            for reply, token in Divergence(len(traces)).look(traces, key, range(len(traces))):
                found[reply].add(token)
        return tuple(map(frozenset, found))


def exhibit(replies: Iterable[tuple[str, Conversation, int]]) -> PictureContent:
    """Turns of conversations that are replies, each with a title; the question is that of the first."""
    question, shown = "", list[PictureReply]()
    for title, conversation, index in replies:
        question = question or _question(conversation, index)
        shown.append(PictureReply(title, conversation.turns[index]))
    return PictureContent(question, tuple(shown))


def _question(conversation: Conversation, index: int | None) -> str:
    while index is not None:
        turn = conversation.turns[index]
        if turn.message.role == "user":
            return turn.message.content
        index = turn.parent
    return ""
