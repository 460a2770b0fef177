"""Voting on sides whose settings are hidden, and what the votes come to."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

QUESTIONS = ("helpfulness", "accuracy", "language")
"""What is voted on."""

Mark = int | Literal["tie", "bad"]
"""The answer to one question: the place of the better side, or that they are equally good, or that none is good."""

Vote = tuple[Mark, ...]
"""An answer to each question."""


class Score(Struct, frozen=True):
    """What a setting got on one question."""

    better: int = 0
    tied: int = 0
    bad: int = 0
    worse: int = 0

    @property
    def rounds(self) -> int:
        """How often it was voted on."""
        return self.better + self.tied + self.bad + self.worse

    @property
    def share(self) -> float:
        """How well it did, 0 to 1: a tie is half a win."""
        return (self.better + self.tied / 2) / self.rounds if self.rounds else 0.0


class VoteTally(Struct, frozen=True):
    """What every setting got, question by question."""

    scores: dict[str, tuple[Score, ...]] = {}

    @property
    def ranked(self) -> list[str]:
        """The settings, the best first."""
        return sorted(self.scores, key=lambda name: -sum(score.share for score in self.scores[name]))


def shuffled(count: int, draw: Callable[[int], int]) -> list[int]:
    """The numbers below `count` in an order of chance; `draw` gives one below its argument, each as likely."""
    left = list(range(count))
    return [left.pop(draw(len(left))) for _ in range(count)]


def count(tally: VoteTally, settings: Sequence[str], vote: Vote) -> VoteTally:
    """The tally with one vote more; `settings` are those of the sides, in the order they were shown in."""
    scores = dict(tally.scores)
    for place, name in enumerate(settings):
        before = scores.get(name, (Score(),) * len(QUESTIONS))
        scores[name] = tuple(_with(score, mark, place) for score, mark in zip(before, vote, strict=True))
    return VoteTally(scores)


def _with(score: Score, mark: Mark, place: int) -> Score:
    if mark == "tie":
        return replace(score, tied=score.tied + 1)
    if mark == "bad":
        return replace(score, bad=score.bad + 1)
    return replace(score, better=score.better + 1) if mark == place else replace(score, worse=score.worse + 1)


def letter(place: int) -> str:
    """What a hidden side is called."""
    return "ABCD"[place]
