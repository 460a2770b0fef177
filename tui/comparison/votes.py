"""Votes of blind comparison, and their tally by setting."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

QUESTIONS = ("helpfulness", "accuracy", "language")
"""Questions of a vote."""

Mark = int | Literal["tie", "bad"]
"""Answer to one question: the index of the better side, "tie", or "bad" if no side is good."""

Vote = tuple[Mark, ...]
"""Answers to all QUESTIONS."""


class Score(Struct, frozen=True):
    """Results of one setting on one question, in rounds."""

    better: int = 0
    tied: int = 0
    bad: int = 0
    worse: int = 0

    @property
    def rounds(self) -> int:
        """Number of votes."""
        return self.better + self.tied + self.bad + self.worse

    @property
    def share(self) -> float:
        """Win rate, 0 to 1: (better + tied / 2) / rounds."""
        return (self.better + self.tied / 2) / self.rounds if self.rounds else 0.0


class VoteTally(Struct, frozen=True):
    """Scores of every setting, question by question."""

    scores: dict[str, tuple[Score, ...]] = {}

    @property
    def ranked(self) -> list[str]:
        """Settings by the sum of their win rates, best first."""
        return sorted(self.scores, key=lambda name: -sum(score.share for score in self.scores[name]))


def shuffled(count: int, draw: Callable[[int], int]) -> list[int]:
    """Shuffle the numbers below `count` (Fisher-Yates); `draw(n)` returns a uniform number below n."""
    remaining = list(range(count))
    return [remaining.pop(draw(len(remaining))) for _ in range(count)]


def count(tally: VoteTally, settings: Sequence[str], vote: Vote) -> VoteTally:
    """Add a vote to the tally; `settings` are those of the sides in the order shown."""
    scores = dict(tally.scores)
    for index, name in enumerate(settings):
        before = scores.get(name, (Score(),) * len(QUESTIONS))
        scores[name] = tuple(_with(score, mark, index) for score, mark in zip(before, vote, strict=True))
    return VoteTally(scores)


def _with(score: Score, mark: Mark, index: int) -> Score:
    if mark == "tie":
        return replace(score, tied=score.tied + 1)
    if mark == "bad":
        return replace(score, bad=score.bad + 1)
    return replace(score, better=score.better + 1) if mark == index else replace(score, worse=score.worse + 1)


def letter(index: int) -> str:
    """Return the letter of a hidden side."""
    return "ABCD"[index]
