"""Steps back and forth."""

from hypothesis import given
from hypothesis import strategies as st

from tui.session.undo import LIMIT, UndoHistory


def walked(values: list[int]) -> UndoHistory[int]:
    """The steps of going through these values."""
    steps: UndoHistory[int] = UndoHistory()
    for value in values[:-1]:
        steps = steps.push(value)
    return steps


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_going_back_and_again_ends_where_it_began(values: list[int]) -> None:
    steps, now = walked(values), values[-1]
    seen = [now]
    while step := steps.undo(now):
        steps, now = step
        seen.append(now)
    assert all(one != other for one, other in zip(seen, seen[1:], strict=False)), "each step shows something"
    for expected in seen[-2::-1]:
        step = steps.redo(now)
        assert step and step[1] == expected
        steps, now = step
    assert now == values[-1] and steps.redo(now) is None


def test_changes_of_one_stroke_are_one_step() -> None:
    steps: UndoHistory[int] = UndoHistory()
    stroke = object()
    for before in (0, 1, 2):
        steps = steps.push(before, stroke)
    assert steps.past == (0,)
    assert steps.push(3, object()).past == (0, 3)
    assert steps.push(3).push(4).past == (0, 3, 4)


def test_after_a_step_back_the_stroke_is_over_and_a_change_forgets_what_was_taken_back() -> None:
    stroke = object()
    step = UndoHistory[int]().push(0, stroke).undo(1)
    assert step
    changed = step[0].push(0, stroke)
    assert (changed.past, changed.future) == ((0,), ())


def test_no_more_steps_are_kept_than_anybody_takes_back() -> None:
    assert len(walked(list(range(2 * LIMIT))).past) == LIMIT
