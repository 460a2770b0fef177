"""The tree of a conversation, drawn."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.conversation.conversation import Conversation, answer, ask, edit, until
from tui.conversation.reply_record import ReplyRecord
from tui.conversation.trace import TokenTrace
from tui.conversation.tree_rows import about, outline
from tui.knobs.table import Knobs, turn

TRACE = TokenTrace(7, " red", 0.5, 0.5, 0, 1.0, 1.0, (), ())


def drawn(conversation: Conversation) -> list[str]:
    return [
        f"{'>' if row.here else ' '}{row.lead}{conversation.turns[row.turn].message.content}"
        for row in outline(conversation)
    ]


def test_a_talk_that_goes_straight_on_stays_at_its_level_and_versions_stand_deeper() -> None:
    chat = answer(ask(answer(ask(Conversation(), "a?"), "a.", "stop"), "b?"), "b.", "stop")
    assert drawn(chat) == [">a?", ">a.", ">b?", ">b."]
    chat = answer(edit(chat, 2, "c?"), "c.", "stop")
    chat = answer(until(chat, 4), "C.", "stop")
    assert drawn(chat) == [">a?", ">a.", " ├─ b?", " │  b.", ">└─ c?", "    ├─ c.", ">   └─ C."]


def test_a_version_says_what_sets_it_apart() -> None:
    cold = turn(Knobs(), temperature=0.0, seed=1)
    one = ReplyRecord("precise", "starter", cold, traces=(TRACE, TRACE))
    other = replace(one, knobs=turn(cold, temperature=1.4, seed=2), inherited=1)
    chat = answer(ask(Conversation(), "a?"), "one", "length", (), one)
    chat = edit(answer(until(chat, 0), "two", "stop", (), other), 2, "three")
    said = {row.turn: about(chat, row) for row in outline(chat)}
    assert said == {
        0: "",
        1: "precise · 2 tokens · length",
        2: "from token 1 on, after ' red' · temperature 1.4 · 2 tokens",
        3: "edited",
    }


@given(st.lists(st.integers(0, 1000), max_size=60))
def test_every_turn_is_drawn_once_and_after_what_it_answers(parents: list[int]) -> None:
    chat = Conversation()
    for number, parent in enumerate(parents):
        chat = ask(until(chat, parent % number if number and parent % 7 else None), str(number))
    rows = [row.turn for row in outline(chat)]
    assert sorted(rows) == list(range(len(chat.turns)))
    for place, index in enumerate(rows):
        above = chat.turns[index].parent
        assert above is None or above in rows[:place]


def test_a_very_long_talk_is_drawn_without_recursion() -> None:
    chat = Conversation()
    for number in range(3000):
        chat = answer(ask(chat, str(number)), "ok", "stop")
    assert len(drawn(chat)) == 6000
