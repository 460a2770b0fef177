"""Divergence of replies side by side."""

from hypothesis import given
from hypothesis import strategies as st

from tests.session.test_side import token
from tui.comparison.divergence import Divergence, by_id, by_text
from tui.conversation.trace import TokenTrace, diverged_at

IDS = st.lists(st.integers(0, 2), max_size=8)


def traces(ids: list[int]) -> list[TokenTrace]:
    return [token(index, str(chosen), chosen).trace for index, chosen in enumerate(ids)]


def test_three_part_where_the_first_leaves_and_the_others_where_they_do() -> None:
    three = [traces(ids) for ids in ([1, 2, 3, 4], [1, 2, 3, 5], [1, 9])]
    assert sorted(Divergence(3).advance(three, by_id)) == [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1)]


def test_one_that_ended_holds_nobody_up_once_it_is_complete() -> None:
    replies = [traces(ids) for ids in ([1, 2, 3], [1, 2, 4], [1])]
    parting = Divergence(3)
    assert list(parting.advance(replies, by_id)) == [], "the third may go on"
    assert sorted(parting.advance(replies, by_id, complete={2})) == [(0, 2), (1, 2)]


def test_tokens_of_two_models_are_the_same_by_what_they_say() -> None:
    left, right = [token(0, "Hi", 1).trace], [token(0, "Hi", 7).trace]
    assert sorted(Divergence(2).advance([left, right], by_id)) == [(0, 0), (1, 0)]
    assert list(Divergence(2).advance([left, right], by_text)) == []


@given(st.lists(IDS, min_size=2, max_size=4), st.data())
def test_it_finds_the_same_however_the_replies_come_in(replies: list[list[int]], data: st.DataObject) -> None:
    whole = [traces(ids) for ids in replies]
    at_once = sorted(Divergence(len(whole)).advance(whole, by_id))
    growing: list[list[TokenTrace]] = [[] for _ in whole]
    parting = Divergence(len(whole))
    found: list[tuple[int, int]] = []
    while any(len(grown) < len(reply) for grown, reply in zip(growing, whole, strict=True)):
        place = data.draw(st.sampled_from([i for i, reply in enumerate(whole) if len(growing[i]) < len(reply)]))
        growing[place].append(whole[place][len(growing[place])])
        found += parting.advance(growing, by_id)
    assert sorted(found) == at_once
    if len(whole) == 2:
        index = diverged_at(*replies, complete=False)
        assert at_once == ([] if index is None else [(0, index), (1, index)])


@given(IDS, st.integers(2, 4))
def test_equal_replies_never_part(ids: list[int], count: int) -> None:
    assert not list(Divergence(count).advance([traces(ids)] * count, by_id, complete=range(count)))
