"""Where replies that are written side by side part: the first token that they do not share."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from tui.conversation.trace import TokenTrace

Key = Callable[[TokenTrace], Hashable]
"""What makes two tokens the same: their ids in one model, their texts in two."""


class Divergence:
    """Some replies, and how far they agree. Those that go on together may part from each other later."""

    def __init__(self, count: int) -> None:
        self._together = [(tuple(range(count)), 0)]

    def look(
        self, replies: Sequence[Sequence[TokenTrace]], key: Key, complete: Collection[int] = ()
    ) -> Iterator[tuple[int, int]]:
        """Which reply parts from another, and at which token, as far as that was not known before.

        The replies may have grown; those that are complete have all their tokens.
        """
        waiting, self._together = self._together, []
        while waiting:
            members, index = waiting.pop()
            members = tuple(each for each in members if each not in complete or index < len(replies[each]))
            if len(members) < 2:
                continue
            if any(index >= len(replies[each]) for each in members):
                self._together.append((members, index))
                continue
            alike: dict[Hashable, list[int]] = {}
            for each in members:
                alike.setdefault(key(replies[each][index]), []).append(each)
            if len(alike) > 1:
                yield from ((each, index) for each in members)
            waiting += [(tuple(group), index + 1) for group in alike.values()]


def by_id(trace: TokenTrace) -> Hashable:
    """Tokens of one model."""
    return trace.id


def by_text(trace: TokenTrace) -> Hashable:
    """Tokens of two models, which number them each in its own way."""
    return trace.text
