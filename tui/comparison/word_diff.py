"""Which words two texts do not share."""

from collections.abc import Sequence
from typing import NamedTuple

_STRETCH = 100
"""Words left out or put in before the search begins anew from the furthest point: so time grows only with the texts."""


class WordDiff(NamedTuple):
    """Places of the words that the other text has not."""

    left: frozenset[int]
    right: frozenset[int]


class _Run(NamedTuple):
    """Where words that both texts have begin in either, and how many they are."""

    left: int
    right: int
    length: int


def differing(left: Sequence[str], right: Sequence[str]) -> WordDiff:
    """The words to leave out of each text for the rest to be the same: few, though not always the fewest.

    After Myers, An O(ND) Difference Algorithm (1986).
    """
    only_left, only_right = set(range(len(left))), set(range(len(right)))
    x = y = 0
    while x < len(left) and y < len(right):
        runs, width, height = _stretch(left[x:], right[y:])
        for run in runs:
            only_left.difference_update(range(x + run.left, x + run.left + run.length))
            only_right.difference_update(range(y + run.right, y + run.right + run.length))
        x, y = x + width, y + height
    return WordDiff(frozenset(only_left), frozenset(only_right))


def _stretch(left: Sequence[str], right: Sequence[str]) -> tuple[list[_Run], int, int]:
    """The common runs on the best way into both texts, and how far into either it goes."""
    furthest = {1: 0}
    before: list[dict[int, int]] = []
    for edits in range(_STRETCH + 1):
        before.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            x = _entry(furthest, diagonal, edits)
            while x < len(left) and x - diagonal < len(right) and left[x] == right[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(left) and x - diagonal >= len(right):
                return _runs(before, diagonal, x), len(left), len(right)
    reached = range(-_STRETCH, _STRETCH + 1, 2)
    inside = [each for each in reached if furthest[each] <= len(left) and furthest[each] - each <= len(right)]
    best = max(inside, key=lambda each: 2 * furthest[each] - each)
    return _runs(before, best, furthest[best]), furthest[best], furthest[best] - best


def _entry(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Where a diagonal (words taken of the left text, less those of the right) is come to by one edit more."""
    if _from_above(furthest, diagonal, edits):
        return furthest[diagonal + 1]
    return furthest[diagonal - 1] + 1


def _from_above(furthest: dict[int, int], diagonal: int, edits: int) -> bool:
    """Whether the edit leaves out a word of the right text, not of the left."""
    return diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])


def _runs(before: Sequence[dict[int, int]], diagonal: int, x: int) -> list[_Run]:
    """The way back from a point; `before` is how far each diagonal had come before each edit."""
    runs = []
    for edits in reversed(range(len(before))):
        entry = _entry(before[edits], diagonal, edits)
        if x > entry:
            runs.append(_Run(entry, entry - diagonal, x - entry))
        diagonal += 1 if _from_above(before[edits], diagonal, edits) else -1
        x = before[edits][diagonal] if edits else 0
    return runs
