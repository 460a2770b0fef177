"""A conversation as a value: asking, answering and branching return new ones."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tui.conversation.conversation import Conversation, Message, answer, ask, edit, go, join, until, versions


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in conversation.messages]


def test_questions_and_answers_follow_each_other() -> None:
    empty = Conversation()
    chat = answer(ask(empty, "a?"), "a.", "stop", (1, 2))
    chat = ask(chat, "b?")
    assert said(chat) == [("user", "a?"), ("assistant", "a."), ("user", "b?")]
    assert chat.path[1].message == Message("assistant", "a.", (1, 2))
    assert [turn.parent for turn in chat.path] == [None, 0, 1]
    assert empty == Conversation()


def test_another_answer_stands_beside_the_first() -> None:
    first = answer(ask(Conversation(), "a?"), "one", "stop")
    second = answer(until(first, 0), "two", "stop")
    assert said(second) == [("user", "a?"), ("assistant", "two")]
    assert [turn.message.content for turn in second.turns] == ["a?", "one", "two"]
    assert second.turns[1].parent == second.turns[2].parent == 0


def test_an_edited_turn_stands_beside_the_first_and_what_followed_stays_with_that() -> None:
    first = answer(ask(answer(ask(Conversation(), "a?"), "a.", "stop"), "b?"), "b.", "stop", (1,))
    other = edit(first, 2, "c?")
    assert said(other) == [("user", "a?"), ("assistant", "a."), ("user", "c?")]
    assert other.path[-1].edited and versions(other, 2) == versions(other, 4) == (2, 4)
    assert said(go(other, 2)) == said(first), "the way back leads to where it was"
    reworded = edit(first, 3, "B.")
    assert (reworded.path[-1].message, reworded.path[-1].ending) == (Message("assistant", "B."), "stop")


@given(st.lists(st.integers(0, 100), max_size=30))
def test_every_turn_ever_made_can_be_gone_to(steps: list[int]) -> None:
    chat = Conversation()
    for step in steps:
        turns = len(chat.turns)
        match step % 4:
            case 0 if chat.tip is not None and chat.path[-1].message.role == "user":
                chat = answer(chat, str(step), "stop")
            case 1 if turns:
                chat = edit(chat, step % turns, str(step))
            case 2 if turns:
                chat = go(chat, step % turns)
                assert step % turns in chat.indices
            case _:
                chat = ask(chat, str(step))
        assert chat.path == tuple(chat.turns[place] for place in chat.indices)
        assert len(chat.turns) >= turns, "nothing is ever lost"
    for index in range(len(chat.turns)):
        here = go(chat, index)
        assert index in here.indices and here.tip not in {turn.parent for turn in here.turns}
        assert index in versions(chat, index)


def test_a_reply_that_came_to_nothing_goes_with_its_question() -> None:
    for ending in ("failed", "died"):
        chat = answer(ask(Conversation(), "a?"), "", ending)
        assert said(chat) == []
        assert said(ask(chat, "b?")) == [("user", "b?")]


def test_what_was_written_before_a_failure_is_kept() -> None:
    assert said(answer(ask(Conversation(), "a?"), "half", "died")) == [("user", "a?"), ("assistant", "half")]
    # Stopped before its first word: a model that reads empty answers learns to give them.
    assert said(answer(ask(Conversation(), "a?"), "", "stopped")) == []


def test_a_long_path_is_walked_without_recursion() -> None:
    chat = Conversation()
    for number in range(2000):
        chat = answer(ask(chat, str(number)), "ok", "stop")
    assert len(chat.messages) == 4000


def test_what_is_said_on_another_side_joins_as_versions() -> None:
    asked = ask(Conversation(), "Why?")
    left, right = answer(asked, "So.", "stop"), answer(ask(Conversation(), "Why?"), "Because.", "stop")
    right = answer(ask(right, "And?"), "Also.", "stop")
    joined = join(left, right)
    assert [(turn.message.content, turn.parent) for turn in joined.turns] == [
        ("Why?", None), ("So.", 0), ("Because.", 0), ("And?", 2), ("Also.", 3),
    ]  # fmt: skip
    assert joined.path == left.path and versions(joined, 1) == (1, 2)
    assert join(joined, right) == joined, "once"


def grown(steps: list[tuple[int, str]]) -> Conversation:
    """A tree that grows from anywhere."""
    tree = Conversation()
    for place, text in steps:
        tree = ask(until(tree, place % len(tree.turns) if tree.turns else None), text)
    return tree


trees = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), max_size=8).map(grown)


@given(trees, trees)
def test_of_two_that_are_joined_every_path_is_there_and_the_first_stays_as_it_is(
    one: Conversation, other: Conversation
) -> None:
    joined = join(one, other)
    assert joined.turns[: len(one.turns)] == one.turns and joined.tip == one.tip

    def paths(conversation: Conversation) -> Counter[tuple[str, ...]]:
        places = range(len(conversation.turns))
        return Counter(tuple(turn.message.content for turn in until(conversation, place).path) for place in places)

    assert paths(joined) >= paths(one) | paths(other) and set(paths(joined)) == {*paths(one), *paths(other)}
