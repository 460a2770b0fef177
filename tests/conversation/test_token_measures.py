"""Measures that tokens are coloured by."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.conversation.token_measures import LEVELS, MEASURES, likelihood

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("probability", 1.0, 0),
        ("probability", 0.9, 0),
        ("probability", 0.89, 1),
        ("probability", 0.1, 4),
        ("probability", 0.0, 7),
        ("rank", 1.0, 0),
        ("rank", 2.0, 1),
        ("rank", 101.0, 7),
        ("entropy", 0.2, 0),
        ("entropy", 9.0, 7),
    ],
)
def test_a_level_ends_where_the_legend_says(name: str, value: float, level: int) -> None:
    (measure,) = (each for each in MEASURES if each.name == name)
    assert measure.level(value) == level


@given(SHARES, SHARES)
def test_what_is_less_likely_is_never_less_surprising(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert LEVELS > MEASURES[0].level(low) >= MEASURES[0].level(high) >= 0


def test_the_legend_names_every_level() -> None:
    for measure in MEASURES:
        assert len(measure.labels) == LEVELS
    assert MEASURES[0].labels[0] == "90" and MEASURES[0].labels[-1] == "<1"
    assert MEASURES[2].labels[-1] == ">100"
    assert MEASURES[0].beyond(5) == "< 10 %" and MEASURES[3].beyond(7) == "> 5 bits"


@given(st.lists(SHARES, min_size=1, max_size=20))
def test_perplexity_is_one_over_the_mean_share(shares: list[float]) -> None:
    found = likelihood(shares)
    possible = [share for share in shares if share > 0]
    assert (found.tokens, found.cut) == (len(shares), len(shares) - len(possible))
    assert found.perplexity >= 1
    bits = -sum(map(log2, possible)) / max(1, len(possible))
    if bits < 1000:
        assert found.perplexity == pytest.approx(2**bits)
