"""Requests that a session sends to engines, and how events of the engines change its sides."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.session.test_side import STATS, side, token
from tui.conversation.conversation import Message, versions
from tui.conversation.trace import Candidate, TokenTrace
from tui.engine.protocol import (
    Command,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Preview,
    Previewed,
    ReplyRequest,
    SetKnobs,
    Stop,
    Token,
)
from tui.errors import EngineError, ModelError, Refusal
from tui.knobs.table import fixed, turn
from tui.presets.library import find_preset
from tui.presets.preset import Preset
from tui.session.session import NextToken, Session
from tui.session.side import Side


class Line:
    """The way to the engines: it keeps what is sent, and to which, until it is cut."""

    def __init__(self) -> None:
        self.sent: list[Command] = []
        self.to: list[Load | None] = []
        self.loads: list[Load] = []
        self.full = self.cut = False

    def fit(self, loads: Iterable[Load]) -> None:
        if self.full:
            raise ModelError("There is no room.")
        self.loads = list(loads)

    def send(self, command: Command, load: Load | None) -> None:
        if self.cut:
            raise EngineError("The engine is not running.")
        self.sent.append(command)
        self.to.append(load)


def talk(*settings: str) -> tuple[Session, Line]:
    line = Line()
    return Session([side(setting) for setting in settings or ("default",)], line), line


def seeds(line: Line) -> list[int]:
    (asked,) = (command for command in line.sent if isinstance(command, Generate))
    return [reply.knobs.seed for reply in asked.replies]


def of(side: Side, event: Token) -> Token:
    assert side.reply
    return Token(side.reply.id, event.index, event.text, event.trace, event.used)


def test_every_side_is_asked_at_once_with_one_seed() -> None:
    two, line = talk("default", "temperature=1.4")
    two.commit(two.prepare("Hi"))
    first, second = seeds(line)
    assert first == second >= 0
    assert two.busy


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [(("seed=3", "default"), [3, 3]), (("default", "seed=4"), [4, 4]), (("seed=3", "seed=4"), [3, 4])],
)
def test_a_seed_that_is_set_is_used_by_the_sides_that_have_none(settings: tuple[str, str], drawn: list[int]) -> None:
    two, line = talk(*settings)
    two.commit(two.prepare("Hi"))
    assert seeds(line) == drawn
    assert [each.knobs.seed for each in two.sides] == [each.knobs.seed for each in map(side, settings)], (
        "and stays unset"
    )


def test_a_turn_reaches_a_running_reply_and_only_its_own() -> None:
    two, line = talk("default", "default")
    two.turn(two.sides[0], "top_k", 3)
    assert line.sent == []
    two.commit(two.prepare("Hi"))
    two.turn(two.sides[1], "top_k", 5)
    running = two.sides[1].reply
    assert running and line.sent[1:] == [SetKnobs("2", running.knobs)]
    assert running.knobs == turn(two.sides[1].knobs, seed=running.knobs.seed)


def test_a_preset_switched_in_mid_reply_is_for_the_next_one() -> None:
    one, line = talk("default")
    one.commit(one.prepare("Hi"))
    one.sides[0].use_preset(find_preset("wild"))
    one.turn(one.sides[0], "presence_penalty", 0.5)
    (sent,) = [each for each in line.sent if isinstance(each, SetKnobs)]
    assert (sent.knobs.temperature, sent.knobs.presence_penalty) == (0.8, 0.5)
    assert one.sides[0].knobs.temperature == 2


def test_what_a_model_is_loaded_with_is_turned_on_every_side_that_shares_its_engine() -> None:
    three, line = talk("default", "precise", "num_ctx=256")
    three.apply_settings()
    three.turn(three.sides[1], "num_ctx", 512)
    assert [side.knobs.num_ctx for side in three.sides] == [512, 512, 256]
    three.apply_settings()
    assert [load.knobs.num_ctx for load in line.loads] == [512, 512, 256]


def test_what_loads_the_model_anew_is_refused_in_mid_reply() -> None:
    one, line = talk()
    one.turn(one.sides[0], "num_ctx", 512)
    one.commit(one.prepare("Hi"))
    with pytest.raises(Refusal, match="num_ctx loads the model anew"):
        one.turn(one.sides[0], "num_ctx", 1024)
    assert one.sides[0].knobs.num_ctx == 512


def test_stopping_ends_what_is_being_written() -> None:
    two, line = talk("default", "default")
    two.stop()
    assert line.sent == []
    two.commit(two.prepare("Hi"))
    two.on_event(Finished("1", "done", "stop", 1, (), STATS))
    two.stop()
    assert line.sent[1:] == [Stop("2")]


def test_a_new_chat_forgets_and_ends_the_old_one() -> None:
    one, line = talk()
    one.commit(one.prepare("Hi"))
    one.clear()
    assert line.sent[-1] == Stop("1")
    assert one.on_event(Finished("1", "late", "stopped", 1, (), STATS)) is None
    assert one.sides[0].conversation.turns == ()


def test_a_reply_that_was_ended_here_is_not_finished_again() -> None:
    one, _ = talk()
    one.commit(one.prepare("Hi"))
    running = one.sides[0].reply
    assert running
    one.end_replies()
    turns = one.sides[0].conversation.turns
    assert one.on_event(Finished(running.id, "Hello", "stopped", 1, (1,), STATS)) is None
    assert one.sides[0].conversation.turns == turns and turns[-1].ending == "stopped"


def test_only_the_newest_look_counts() -> None:
    one, line = talk()
    trace = TokenTrace(-1, "", 0, 0, 0, 1.0, 0.5, (), ())
    one.preview(one.sides[0])
    one.preview(one.sides[0])
    assert one.on_event(Previewed("1", trace, 29)) is None and one.sides[0].used == 0
    assert one.on_event(Previewed("2", trace, 30)) is one.sides[0]
    assert [one.next_token] == [NextToken(one.sides[0], trace, b"")]
    assert one.sides[0].used == 30
    one.commit(one.prepare("Hi"))
    assert one.next_token is None
    one.preview(one.sides[0])
    assert sum(isinstance(command, Preview) for command in line.sent) == 2, "none while a reply is written"


def test_events_find_their_side() -> None:
    two, _ = talk("default", "default")
    two.commit(two.prepare("Hi"))
    left, right = two.sides
    assert two.on_event(of(right, token(0, "x"))) is right
    assert two.on_event(Failed("1", "why")) is left
    assert (left.conversation.path[-1].ending, right.busy) == ("failed", True)
    assert two.on_event(Failed("99", "nobody's")) is None


def test_a_death_gives_up_what_was_being_written() -> None:
    two, _ = talk("default", "default")
    two.commit(two.prepare("Hi"))
    two.on_event(Finished("1", "done", "stop", 1, (), STATS))
    events: list[Event] = [Died(-9, "gone", "")]
    for event in events * 2:
        assert two.on_event(event) is None
    assert [each.conversation.path[-1].ending for each in two.sides] == ["stop", "died"]
    assert all(len(each.conversation.turns) == 2 for each in two.sides)


@pytest.mark.parametrize("asked", [False, True])
def test_p04_what_an_engine_died_over_is_sent_again_by_nobody_but_a_person(asked: bool) -> None:
    one, line = talk()
    one.commit(one.prepare("deadly"))
    one.on_event(Died(-6, "gone", "", asked))
    del line.sent[:]
    one.preview(one.sides[0])
    assert bool(line.sent) == asked
    one.commit(one.prepare("harmless"))
    assert one.sides[0].reply
    one.on_event(Finished(one.sides[0].reply.id, "done", "stop", 1, (), STATS))
    one.preview(one.sides[0])
    assert isinstance(line.sent[-1], Preview)
    one.on_event(Died(-6, "gone", ""))
    looks = len(line.sent)
    one.preview(one.sides[0])
    assert len(line.sent) == looks, "looking alone was deadly"


def test_without_an_engine_only_a_question_is_an_error() -> None:
    one, line = talk()
    one.commit(one.prepare("Hi"))
    line.cut = True
    one.turn(one.sides[0], "top_k", 3)
    one.stop()
    one.on_event(Died(-9, "gone", ""))
    one.preview(one.sides[0])
    with pytest.raises(EngineError):
        one.commit(one.prepare("again"))


def test_each_side_talks_to_the_engine_that_holds_its_model() -> None:
    three, line = talk("default", "num_ctx=512", "precise")
    three.apply_settings()
    plain, small, precise = (each.load for each in three.sides)
    assert plain and small and plain == precise != small and plain.path.endswith(".gguf")
    assert line.loads == [plain, small, precise] and plain.knobs == fixed(three.sides[0].knobs)
    three.commit(three.prepare("Hi"))
    asked = [[reply.id for reply in each.replies] for each in line.sent if isinstance(each, Generate)]
    assert (asked, line.to) == ([["1", "3"], ["2"]], [plain, small]), "those that share an engine are asked at once"
    three.turn(three.sides[1], "top_k", 3)
    three.stop(three.sides[1])
    assert line.to[2:] == [small, small]


def test_the_death_of_one_engine_is_nothing_to_the_sides_of_another() -> None:
    two, _ = talk("default", "num_ctx=512")
    two.apply_settings()
    two.commit(two.prepare("Hi"))
    two.on_event(Died(-9, "gone", ""), two.sides[1].load)
    assert [each.busy for each in two.sides] == [True, False]


def test_a_model_that_cannot_be_had_changes_no_engine() -> None:
    one, line = talk("default")
    one.apply_settings()
    load, before = one.sides[0].load, line.loads
    one.sides[0].preset = Preset(name="elsewhere", model=__file__)
    with pytest.raises(ModelError, match="is not a GGUF but a text file"):
        one.apply_settings()
    one.sides[0].preset = side().preset
    line.full = True
    with pytest.raises(ModelError, match="no room"):
        one.apply_settings()
    assert (one.sides[0].load, line.loads) == (load, before)


def answered() -> tuple[Session, Line]:
    """A talk of one side that has an answer of three tokens and the one that ended it."""
    one, line = talk("temperature=0.5")
    one.commit(one.prepare("Hi"))
    side = one.sides[0]
    for index, text in enumerate(("He", "llo", "!", "")):
        one.on_event(of(side, token(index, text, index + 100)))
    assert side.reply
    one.on_event(Finished(side.reply.id, "Hello!", "stop", 7, (100, 101, 102), STATS))
    line.sent.clear()
    return one, line


def asked(line: Line) -> ReplyRequest:
    (command,) = (command for command in line.sent if isinstance(command, Generate))
    (reply,) = command.replies
    return reply


def test_a_branch_begins_with_the_tokens_before_it_and_keeps_the_seed() -> None:
    one, line = answered()
    side, first = one.sides[0], one.sides[0].conversation.turns[1].record
    assert first
    one.branch(side, 1, 1, Candidate(7, "y", 0.2, 0.1))
    assert asked(line).messages[-1] == Message("assistant", "Hey", (100, 7))
    assert asked(line).knobs.seed == first.knobs.seed
    assert side.reply and side.reply.text == "Hey"
    one.on_event(Token(side.reply.id, 2, "?", token(2, "?", 9).trace, 30))
    one.on_event(Finished(side.reply.id, "?", "stop", 7, (9,), STATS))
    turn = side.conversation.path[-1]
    assert turn.message == Message("assistant", "Hey?", (100, 7, 9))
    assert turn.record and (turn.record.ids, turn.record.inherited) == ((100, 7, 9), 2)
    assert turn.record.offsets == (0, 2, 3) and turn.parent == 0
    assert versions(side.conversation, 1) == (1, 2)


def test_a_cut_reply_goes_on_from_its_end() -> None:
    one, line = answered()
    side = one.sides[0]
    one.continue_reply(side, 1)
    assert asked(line).messages[-1] == Message("assistant", "Hello!", (100, 101, 102)), (
        "without the token that ended it"
    )
    assert side.reply
    one.on_event(Failed(side.reply.id, "no"))
    assert side.conversation.tip == 1, "nothing came of it"


def test_an_edited_reply_goes_on_from_what_the_person_wrote() -> None:
    one, line = answered()
    side = one.sides[0]
    one.commit(one.prepare_edit(side, 1, "Good day"))
    assert not line.sent and side.conversation.path[-1].message == Message("assistant", "Good day")
    one.continue_reply(side, 2)
    assert asked(line).messages[-1] == Message("assistant", "Good day")
    assert side.reply
    one.on_event(Token(side.reply.id, 5, ", Sir", token(5, ", Sir", 9).trace, 30))
    one.on_event(Finished(side.reply.id, ", Sir", "stop", 7, (9,), STATS))
    turn = side.conversation.path[-1]
    assert turn.message == Message("assistant", "Good day, Sir")
    assert turn.record and (turn.record.first_index, turn.record.offsets) == (5, (8,))


def test_an_edited_question_is_answered_anew_by_its_side_alone() -> None:
    two, line = talk("default", "default")
    two.commit(two.prepare("Hi"))
    two.stop()
    for each in two.sides:
        each.end_reply("stopped")
    line.sent.clear()
    two.commit(two.prepare_edit(two.sides[0], 0, "Ho"))
    assert asked(line).messages[-1] == Message("user", "Ho")
    assert two.sides[0].busy and not two.sides[1].busy


@pytest.mark.parametrize("other", ["\ufffd", "<|im_end|>", "[EOT]"])
def test_what_only_the_engine_can_put_into_words_is_left_to_it(other: str) -> None:
    one, line = answered()
    one.branch(one.sides[0], 1, 1, Candidate(7, other, 0.2, 0.1))
    assert asked(line).messages[-1] == Message("assistant", "He\ufffd", (100, 7))
    writing = one.sides[0].reply
    assert writing and (writing.text, writing.offsets) == ("He", [0, 2])


def test_a_branch_after_half_a_character_begins_before_that() -> None:
    talk, line = answered()
    side = talk.sides[0]
    talk.commit(talk.prepare("And?"))
    line.sent.clear()
    for index, text in enumerate(("He", "", "🎉")):
        talk.on_event(of(side, token(index, text, index + 200)))
    assert side.reply
    talk.on_event(Finished(side.reply.id, "He🎉", "stop", 7, (200, 201, 202), STATS))
    talk.branch(side, len(side.conversation.turns) - 1, 2, Candidate(7, " a", 0.2, 0.1))
    assert asked(line).messages[-1] == Message("assistant", "He\ufffd", (200, 201, 7))


def test_a_reply_cut_within_a_character_goes_on_with_the_whole_of_it() -> None:
    talk, line = answered()
    side = talk.sides[0]
    talk.answer_again()
    line.sent.clear()
    assert side.reply
    talk.on_event(of(side, token(0, "He", 100)))
    talk.on_event(Finished(side.reply.id, "He\ufffd", "stopped", 7, (100, 101), STATS))
    talk.continue_reply(side, 2)
    assert asked(line).messages[-1] == Message("assistant", "He\ufffd", (100, 101))
    assert side.reply and side.reply.text == "He"


def test_choosing_the_token_that_ends_a_reply_ends_it_there() -> None:
    one, _ = answered()
    side = one.sides[0]
    one.branch(side, 1, 1, Candidate(7, "<|im_end|>", 0.2, 0.1))
    assert side.reply
    one.on_event(Finished(side.reply.id, "", "stop", 7, (), STATS))
    turn = side.conversation.path[-1]
    assert (turn.message, side.conversation.tip) == (Message("assistant", "He", (100,)), 2)
    assert turn.record and turn.record.ids == (100, 7)


def test_a_model_file_is_looked_for_only_when_another_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def find(reference: str, folder: Path | None = None) -> Path:
        looked.append(reference)
        return Path("/models") / reference

    monkeypatch.setattr("tui.presets.preset.find_model", find)
    ours, line = talk("default", "default")
    ours.apply_settings()
    assert looked == ["starter", "starter"]
    ours.turn(ours.sides[0], "temperature", 0.3)
    ours.apply_settings()
    assert len(looked) == 2
    ours.turn(ours.sides[0], "num_ctx", 1024)
    ours.apply_settings()
    assert len(looked) == 4 and {load.knobs.num_ctx for load in line.loads} == {1024}


def test_what_cannot_be_had_is_taken_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.presets.preset.find_model", lambda reference, folder=None: Path("/models") / reference)
    ours, line = talk("precise")
    ours.apply_settings()
    one = ours.sides[0]
    before = one.preset, one.pair, one.undo_history
    line.full = True
    with pytest.raises(ModelError), ours.undo_on_error():
        one.use_preset(find_preset("creative"))
        ours.turn(one, "num_ctx", 1024)
        ours.apply_settings()
    assert (one.preset, one.pair, one.undo_history) == before
    line.full = False
    ours.turn(one, "temperature", 0.9)
    ours.apply_settings()  # nothing of it is in the way


def test_sides_without_a_question_have_nothing_to_answer_again() -> None:
    ours, line = talk("default", "default")
    ours.commit(ours.prepare("one?", ours.sides[0]))
    ours.sides[0].end_reply("stopped")
    ours.answer_again()
    last = line.sent[-1]
    assert isinstance(last, Generate) and len(last.replies) == 1
