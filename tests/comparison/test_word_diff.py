"""Words that two texts do not share."""

from hypothesis import given
from hypothesis import strategies as st

from tui.comparison.word_diff import differing

WORDS = st.lists(st.sampled_from(["the", "a", "sea", "keeper", "light", "was"]), max_size=40)


def rest(words: list[str], without: frozenset[int]) -> list[str]:
    return [word for place, word in enumerate(words) if place not in without]


def test_a_word_in_the_place_of_another_is_all_that_differs() -> None:
    left, right = ["the", "sea", "was", "blue", "and", "calm"], ["the", "sea", "was", "red", "and", "very", "calm"]
    found = differing(left, right)
    assert ([left[place] for place in found.left], sorted(right[place] for place in found.right)) == (
        ["blue"],
        ["red", "very"],
    )


@given(WORDS, WORDS)
def test_what_does_not_differ_is_the_same(left: list[str], right: list[str]) -> None:
    found = differing(left, right)
    assert rest(left, found.left) == rest(right, found.right)
    assert bool(found.left or found.right) == (left != right)


@given(WORDS, st.sets(st.integers(0, 39)))
def test_what_was_only_left_out_is_what_differs(words: list[str], out: set[int]) -> None:
    shorter = [word for place, word in enumerate(words) if place not in out]
    found = differing(words, shorter)
    assert not found.right and len(found.left) == len(words) - len(shorter)


def test_long_texts_that_share_nothing_or_little_come_to_an_end() -> None:
    left, right = [f"a{number}" for number in range(3000)], [f"b{number}" for number in range(2000)]
    assert differing(left, right) == (frozenset(range(3000)), frozenset(range(2000)))
    left[1000:1500] = right[700:1200] = [f"same{number}" for number in range(500)]
    found = differing(left, right)
    assert rest(left, found.left) == rest(right, found.right)
