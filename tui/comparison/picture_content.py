"""Content of an exported picture: replies to one question, token by token, with their divergences."""

from collections.abc import Iterable

from msgspec import Struct

from tui.comparison.divergence import Divergence, by_id, by_text
from tui.conversation.conversation import Conversation, Turn


class PictureReply(Struct, frozen=True):
    """Reply with a title that names its setting."""

    title: str
    turn: Turn


class PictureContent(Struct, frozen=True):
    """Question with one reply or several side by side."""

    question: str
    shown: tuple[PictureReply, ...]

    @property
    def forks(self) -> tuple[frozenset[int], ...]:
        """Indices of the tokens at which each reply diverges from another."""
        records = [each.turn.record for each in self.shown if each.turn.record]
        found: list[set[int]] = [set() for _ in self.shown]
        if len(records) == len(self.shown):
            key = by_id if len({each.model for each in records}) < 2 else by_text
            traces = [each.traces for each in records]
            for reply, token in Divergence(len(traces)).advance(traces, key, range(len(traces))):
                found[reply].add(token)
        return tuple(map(frozenset, found))


def collect_replies(replies: Iterable[tuple[str, Conversation, int]]) -> PictureContent:
    """Collect replies given as (title, conversation, turn index); the question is that of the first."""
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
