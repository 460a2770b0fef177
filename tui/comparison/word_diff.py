"""Word diff: the words that two texts do not share.

Not difflib: its SequenceMatcher does not look for the shortest edit, and would mark words that both texts have.
"""

from collections.abc import Sequence
from typing import NamedTuple, Optional

_STRETCH = 100
"""Edits after which the search restarts at its furthest point, so that time grows linearly with the texts."""


class WordDiff(NamedTuple):
    """Indices of the words that only one of two texts has."""

    left: frozenset[int]
    right: frozenset[int]


class _Run(NamedTuple):
    """Words that both texts have, and the run before them on the same way through the texts."""

    left: int
    right: int
    length: int
    before: Optional["_Run"]


def differing(left: Sequence[str], right: Sequence[str]) -> WordDiff:
    """Return the words to remove from each text to make them equal: few, though not always the fewest.

    After Myers, An O(ND) Difference Algorithm (1986).
    """
    only_left, only_right = set(range(len(left))), set(range(len(right)))
    x = y = 0
    while x < len(left) and y < len(right):
        run, width, height = _stretch(left[x:], right[y:])
        while run:
            only_left.difference_update(range(x + run.left, x + run.left + run.length))
            only_right.difference_update(range(y + run.right, y + run.right + run.length))
            run = run.before
        x, y = x + width, y + height
    return WordDiff(frozenset(only_left), frozenset(only_right))


def _stretch(left: Sequence[str], right: Sequence[str]) -> tuple[_Run | None, int, int]:
    """Search up to _STRETCH edits; return the last common run of the best way, and the words of either text it uses."""
    furthest: dict[int, tuple[int, _Run | None]] = {1: (0, None)}  # by diagonal, x - y
    for edits in range(_STRETCH + 1):
        for diagonal in range(-edits, edits + 1, 2):
            removes = diagonal != -edits and (
                diagonal == edits or furthest[diagonal - 1][0] >= furthest[diagonal + 1][0]
            )
            start, run = furthest[diagonal - 1] if removes else furthest[diagonal + 1]
            x = start = start + removes
            while x < len(left) and x - diagonal < len(right) and left[x] == right[x - diagonal]:
                x += 1
            furthest[diagonal] = x, _Run(start, start - diagonal, x - start, run) if x > start else run
            if x >= len(left) and x - diagonal >= len(right):
                return furthest[diagonal][1], len(left), len(right)
    inside = []
    for diagonal in range(-_STRETCH, _STRETCH + 1, 2):
        x, run = furthest[diagonal]
        if x <= len(left) and x - diagonal <= len(right):
            inside.append((run, x, x - diagonal))
    return max(inside, key=lambda way: way[1] + way[2])
