"""A conversation as a value: asking, answering and branching return new ones."""

from tui.chat import Conversation, Message, answer, ask, retract


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
    second = answer(retract(first), "two", "stop")
    assert said(second) == [("user", "a?"), ("assistant", "two")]
    assert [turn.message.content for turn in second.turns] == ["a?", "one", "two"]
    assert second.turns[1].parent == second.turns[2].parent == 0


def test_retracting_a_question_keeps_it() -> None:
    chat = ask(Conversation(), "a?")
    assert retract(chat) == chat
    assert retract(Conversation()) == Conversation()


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
