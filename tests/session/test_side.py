"""One setting being talked to."""

import pytest

from tui.conversation.conversation import Conversation, Message, answer, ask
from tui.conversation.reply_record import KnobChange, Stats
from tui.conversation.thinking import Thought
from tui.conversation.trace import TokenTrace
from tui.engine.protocol import Finished, KnobsTurned, Thinking, Token
from tui.errors import KnobError
from tui.knobs.pair import KnobPair
from tui.knobs.setting import parse_setting
from tui.knobs.table import Knobs, turn
from tui.presets.library import resolve
from tui.session.side import RunningReply, Side, describe_turn

STATS = Stats(10, 0, 3, 5.0, 100.0)


def side(setting: str = "default") -> Side:
    return Side(resolve(parse_setting(setting)))


def put_question(one: Side, text: str) -> None:
    one.conversation = ask(one.conversation, text)


def token(index: int, text: str, chosen: int = 1) -> Token:
    trace = TokenTrace(chosen, text, 0.5, 1.0, 0, 1.0, 0.0, (), ())
    return Token("1", index, text, trace, 20 + index)


def written(*texts: str) -> Side:
    """A side that has written this much of a reply."""
    one = side()
    put_question(one, "Hi")
    one.start_reply("1", 7)
    for index, text in enumerate(texts):
        one.on_token(token(index, text, index + 100))
    return one


def test_a_reply_is_asked_for_with_everything_said_before_and_a_seed() -> None:
    one = side("precise,seed=3")
    one.conversation = answer(ask(Conversation(), "first"), "one", "stop")
    put_question(one, "second")
    reply = one.start_reply("1", 7)
    assert [message.role for message in reply.messages] == ["system", "user", "assistant", "user"]
    assert (reply.knobs, one.knobs.seed) == (turn(one.knobs, seed=7), 3)
    assert one.busy and one.question == "second"


def test_tokens_become_text_and_say_where_each_begins() -> None:
    one = written("He", "", "llo")
    assert one.reply
    assert (one.reply.text, one.reply.ids, one.reply.offsets) == ("Hello", [100, 101, 102], [0, 2, 2])
    assert one.used == 22


def test_the_end_is_kept_with_the_tokens_that_wrote_it() -> None:
    one = written("He", "llo")
    one.on_finished(Finished("1", "Hello", "stop", 7, (100, 101), STATS))
    reply = one.conversation.path[-1]
    assert (reply.message, reply.ending, one.busy) == (Message("assistant", "Hello", (100, 101)), "stop", False)
    assert one.reply and one.reply.stats == STATS


def test_a_reply_given_up_keeps_its_text_and_is_given_up_once() -> None:
    one = written("He")
    one.end_reply("died")
    one.end_reply("died")
    assert [turn.ending for turn in one.conversation.path] == [None, "died"]
    assert one.conversation.path[-1].message.content == "He"


def test_another_preset_changes_knobs_and_opening_and_keeps_the_conversation() -> None:
    one = side("default,temperature=1.5")
    put_question(one, "Hi")
    assert list(one.turned) == ["temperature"]
    one.use_preset(resolve(parse_setting("precise")).preset)
    assert not one.turned and one.knobs.temperature == 0.2
    assert [message.content for message in one.messages][1:] == ["Hi"]


def test_the_title_says_what_is_turned() -> None:
    one = side("precise")
    assert one.title == "precise"
    one.set_pair(one.pair.turn("temperature", 1.4))
    one.set_pair(one.pair.turn("top_k", 0))
    assert one.title == "precise · temperature 1.4 · top_k off"
    with pytest.raises(KnobError):
        one.set_pair(one.pair.turn("temperature", 9))
    assert one.knobs.temperature == 1.4


def test_a_fork_stands_where_the_other_does_and_goes_its_own_way() -> None:
    one = side("temperature=0.3")
    put_question(one, "Hi")
    other = one.fork()
    other.set_pair(other.pair.turn("temperature", 1))
    put_question(other, "there")
    assert (one.knobs.temperature, other.knobs.temperature) == (0.3, 1)
    assert len(one.conversation.turns) == 1 and other.question == "there"


def test_another_answer_that_came_to_nothing_leaves_the_one_there_was() -> None:
    one = written("He")
    one.on_finished(Finished("1", "He", "stop", 7, (100,), STATS))
    before = one.conversation
    one.start_reply("2", 7, instead_of=one.conversation.tip)
    assert [turn.message.content for turn in one.conversation.path] == ["Hi"]
    one.end_reply("failed")
    assert one.conversation == before


def test_a_reply_is_kept_with_how_every_token_was_chosen() -> None:
    one = written("He", "llo", "")
    after = turn(one.knobs, temperature=1.5)
    one.on_knobs_turned(KnobsTurned("1", 1, one.knobs, after))
    one.on_finished(Finished("1", "Hello", "stop", 7, (100, 101), STATS))
    kept = one.conversation.path[-1].record
    assert kept and (kept.ids, kept.offsets, kept.inherited, kept.first_index) == ((100, 101, 102), (0, 2, 5), 0, 0)
    assert (kept.preset, kept.knobs.seed, kept.stats) == ("default", 7, STATS)
    assert kept.knob_changes == (KnobChange(1, after),)
    assert [kept.index_at(character) for character in range(5)] == [0, 0, 1, 1, 1]


def test_the_rate_is_of_the_tokens_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 10.5, 10.6, 10.7])
    monkeypatch.setattr("tui.session.side.time.perf_counter", lambda: next(times))
    writing = RunningReply("1", KnobPair(Knobs()))
    assert (writing.rate, writing.ttft_ms) == (None, None)
    for index in range(3):
        writing.append(token(index, "x"))
    assert writing.ttft_ms == pytest.approx(500)
    assert writing.rate == pytest.approx(10)


def test_a_turn_is_described_by_what_it_changed() -> None:
    after = turn(Knobs(), temperature=1.4, top_k=0)
    assert describe_turn(Knobs(), after) == "temperature 0.8→1.4, top_k 40→off"
    assert describe_turn(Knobs(), Knobs()) == ""


def test_a_thought_and_the_knobs_for_it_are_kept_with_the_reply() -> None:
    one = side("default,think_temperature=0.3")
    put_question(one, "Hi")
    reply = one.start_reply("1", 7)
    assert reply.thinking == turn(reply.knobs, temperature=0.3)
    one.on_thinking(Thinking("1", 0, Thought(0)))
    one.on_token(token(0, "hm"))
    assert one.reply and one.reply.thought == Thought(0, tokens=1)
    whole = Thought(0, 2, 10, 1, 0.5)
    one.on_finished(Finished("1", "hm</think>42", "stop", 7, (1, 2), STATS, thought=whole))
    written = one.conversation.path[-1].record
    assert written and (written.thought, written.thinking) == (whole, reply.thinking)
    assert written.truncate(1).thought is None, "what goes on from it may end elsewhere"


def test_another_preset_brings_its_own_knobs_for_the_thought() -> None:
    one = side("default,think_temperature=0.3")
    assert one.turned == ("think_temperature",) and one.title == "default · think_temperature 0.3"
    one.use_preset(resolve(parse_setting("precise")).preset)
    assert one.pair == one.preset.pair
    one.set_pair(one.pair.turn("think_top_k", 5))
    assert one.pair.thought and one.fork().pair == one.pair
