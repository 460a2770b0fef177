"""Divergence of two replies."""

import pytest

from tui.conversation.trace import diverged_at


@pytest.mark.parametrize(
    ("left", "right", "index"),
    [
        ([], [], None),
        ([1, 2, 3], [1, 2, 3], None),
        ([1, 2, 3], [1, 9, 3], 1),
        ([5], [6], 0),
        ([1, 2], [1, 2, 3], 2),
        ([], [1], 0),
    ],
)
def test_replies_part_at_the_first_token_that_differs(left: list[int], right: list[int], index: int | None) -> None:
    assert diverged_at(left, right) == index
    assert diverged_at(right, left) == index


def test_a_reply_still_being_written_agrees_so_far() -> None:
    assert diverged_at([1, 2], [1, 2, 3], complete=False) is None
    assert diverged_at([1, 9], [1, 2, 3], complete=False) == 1
