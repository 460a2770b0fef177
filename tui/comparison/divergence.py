"""Divergence of replies side by side: the first token at which one differs from another."""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from operator import attrgetter

from tui.conversation.trace import TokenTrace

Key = Callable[[TokenTrace], Hashable]

by_id: Key = attrgetter("id")
by_text: Key = attrgetter("text")
"""Keys by which tokens are compared: ids within one model, texts across models, whose ids differ."""


class Divergence:
    """Tracker of the tokens at which several replies diverge; replies that still agree may diverge later."""

    def __init__(self, count: int) -> None:
        self._together = [(tuple(range(count)), 0)]

    def advance(
        self, replies: Sequence[Sequence[TokenTrace]], key: Key, complete: Collection[int] = ()
    ) -> Iterator[tuple[int, int]]:
        """Yield (reply, token index) for each divergence not yielded before.

        `replies` may have grown since the last call; those in `complete` will not grow.
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
