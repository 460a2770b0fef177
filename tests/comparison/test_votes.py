"""Voting on hidden sides."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tui.comparison.votes import QUESTIONS, Score, Vote, VoteTally, count, shuffled

MARKS = st.one_of(st.integers(0, 1), st.sampled_from(["tie", "bad"]))
VOTES = st.lists(st.tuples(*[MARKS] * len(QUESTIONS)), max_size=20)


def tallied(votes: Sequence[Vote]) -> VoteTally:
    tally = VoteTally()
    for vote in votes:
        tally = count(tally, ("precise", "wild"), vote)
    return tally


def test_a_vote_counts_for_one_and_against_the_other() -> None:
    tally = tallied([(0, "tie", "bad"), (0, 1, "tie")])
    assert tally.scores["precise"] == (Score(better=2), Score(tied=1, worse=1), Score(bad=1, tied=1))
    assert tally.scores["wild"] == (Score(worse=2), Score(tied=1, better=1), Score(bad=1, tied=1))
    assert tally.ranked == ["precise", "wild"]
    assert tally.scores["precise"][1].share == 0.25


@given(VOTES)
def test_every_vote_is_in_every_score_once(votes: list[Vote]) -> None:
    tally = tallied(votes)
    for scores in tally.scores.values():
        assert [score.rounds for score in scores] == [len(votes)] * len(QUESTIONS)
    for left, right in zip(*(tally.scores.values() or ((), ())), strict=True):
        assert (left.better, left.tied, left.bad) == (right.worse, right.tied, right.bad)


@given(st.integers(0, 4), st.lists(st.integers(0, 99), min_size=4, max_size=4))
def test_a_shuffle_loses_nobody(size: int, draws: list[int]) -> None:
    drawn = iter(draws)
    assert sorted(shuffled(size, lambda below: next(drawn) % below)) == list(range(size))


def test_every_order_is_as_likely() -> None:
    orders = []
    for first in range(3):
        for second in range(2):
            drawn = iter([first, second, 0])
            orders.append(tuple(shuffled(3, lambda below: next(drawn))))  # noqa: B023
    assert len(set(orders)) == 6
