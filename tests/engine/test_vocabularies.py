"""Knobs that name texts or tokens hold on a vocabulary of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.engine.bench import GREEDY, question
from tests.engine.vocabularies import CONTROL, KINDS, USER, Piece, write_vocabulary
from tui.engine.constraint.constraint import Grammars
from tui.engine.constraint.grammar import read
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import Llama
from tui.engine.protocol import Event, Failed, Finished, Generate, Preview, Refused, ReplyRequest, SetKnobs
from tui.engine.reply.reply_text import ReplyText
from tui.engine.sampling.chain import Chain
from tui.knobs.table import Knobs, turn

Load = Callable[..., Llama]

WRITTEN = [kind for kind in KINDS if kind != "bert"]
"""Kinds of models that write; a vocabulary of BERT's knows no line breaks, runs of blanks and capitals."""


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Load a model with a vocabulary of some kind."""
    loaded: list[Llama] = []

    def open_model(kind: str, *more: Piece) -> Llama:
        model = Llama(str(write_vocabulary(tmp_path / f"{len(loaded)}.gguf", kind, *more)), Knobs())
        loaded.append(model)
        return model

    yield open_model
    for model in loaded:
        model.close()


def token(model: Llama, piece: bytes) -> int:
    return next(each for each in range(model.info.vocabulary) if model.piece(each) == piece)


def ask(model: Llama, knobs: Knobs) -> list[Event]:
    events: list[Event] = []
    for sequence in range(model.sequences):
        model.drop(sequence)
    scheduler = Scheduler(model, events.append)
    scheduler.generate(Generate((ReplyRequest("a", question(), knobs),)))
    run(scheduler)
    return events


def run(scheduler: Scheduler) -> None:
    while scheduler.busy:
        scheduler.step()


# --- logit_bias ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("text", [" Paris", "Paris", "yes", " no", "\n", ":", "s"])
def test_a_bias_on_a_text_is_one_on_its_own_token(load: Load, kind: str, text: str) -> None:
    model = load(kind)
    if kind == "t5" and text == "\n":
        pytest.skip("a vocabulary without a line break")
    flat = np.zeros(model.info.vocabulary, np.float32)
    odds = Chain(turn(Knobs(), logit_bias=(f"{text}:50",)), model.stage, []).run(flat, [])
    assert model.piece(odds.best(1)[0][0]) == text.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_on_a_longer_text_is_one_on_how_it_begins(load: Load, kind: str) -> None:
    model = load(kind)
    assert "token ".startswith(model.piece(model.first("tokens of it")).decode().strip()[:5])


@pytest.mark.parametrize(("kind", "text"), [("bert", "\n"), ("bert", "   "), ("t5", "\n")])
def test_a_text_without_a_token_is_said(load: Load, kind: str, text: str) -> None:
    (said,) = ask(load(kind), turn(GREEDY, logit_bias=(f"{text}:-100",), num_predict=2))
    assert isinstance(said, Failed)
    assert said.reason == f"logit_bias: this model's vocabulary has no token for {text!r}."


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_beyond_the_vocabulary_is_said(load: Load, kind: str) -> None:
    model = load(kind)
    size = model.info.vocabulary
    (said,) = ask(model, turn(GREEDY, logit_bias=("#5:-1", f"#{size}:-100")))
    assert isinstance(said, Failed)
    assert said.reason == f"logit_bias: there is no token #{size}; this model's go from #0 to #{size - 1}."
    assert isinstance(ask(model, turn(GREEDY, logit_bias=(f"#{size - 1}:-100",), num_predict=2))[-1], Finished)


def test_a_token_beyond_the_vocabulary_is_refused_in_a_running_reply(load: Load) -> None:
    events: list[Event] = []
    scheduler = Scheduler(load("llama"), events.append)
    scheduler.generate(Generate((ReplyRequest("a", question(), turn(GREEDY, num_predict=4)),)))
    scheduler.step()
    scheduler.set_knobs(SetKnobs("a", turn(GREEDY, num_predict=4, logit_bias=("#99999:1",))))
    run(scheduler)
    assert [type(each) for each in events if isinstance(each, (Refused, Finished))] == [Refused, Finished]
    scheduler.preview(Preview("p", question(), turn(GREEDY, logit_bias=("#99999:1",))))
    run(scheduler)
    assert isinstance(events[-1], Failed)


# --- stop, dry_sequence_breakers ------------------------------------------------------------------------------------

_TURN = (Piece("<|turn|>", CONTROL), Piece("<|mark|>", USER))


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("text", [" Paris", "Paris", ":", "<|turn|>", "<|mark|>", "\n"])
def test_a_stop_string_ends_a_reply_in_text_as_in_control_tokens(load: Load, kind: str, text: str) -> None:
    model = load(kind, *_TURN)
    if kind == "rwkv" and text.startswith("<|") or (kind, text) == ("t5", "\n"):
        pytest.skip("this kind has no such token")
    spelled = [each for each in range(model.info.vocabulary) if model.label(each) == text]
    knobs = turn(GREEDY, num_predict=6, logit_bias=(f"#{spelled[0]}:100000",))
    *_, free = ask(model, knobs)
    *_, bound = ask(model, turn(knobs, stop=("never", text)))
    assert isinstance(free, Finished) and isinstance(bound, Finished)
    assert (free.ending, len(free.tokens)) == ("length", 6)
    assert (bound.ending, bound.text, len(bound.tokens)) == ("stop", "", 1)


def test_a_stop_string_of_a_control_token_and_a_text_needs_both(load: Load) -> None:
    model = load("llama", *_TURN)
    mark, paris = model.info.vocabulary - 2, token(model, b"Paris")
    events = ask(model, turn(GREEDY, num_predict=3, logit_bias=(f"#{mark}:100000",), stop=("<|turn|>Paris",)))
    assert isinstance(events[-1], Finished) and events[-1].ending == "length"
    watch = Scheduler(model, events.append).prompts.watch(question(), GREEDY)
    said = ReplyText(("<|turn|>Paris",), watch)
    said.add(paris)
    said.add(mark)
    assert not said.stopped
    assert said.would_stop([paris]) and not said.would_stop([token(model, b"London")])
    said.add(paris)
    assert (said.stopped, said.text + said.close()) == (True, "Paris")


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_sequence_breaker_breaks(load: Load, kind: str) -> None:
    model = load(kind)
    mark, *rest = (token(model, each) for each in (b":", b"a", b"b", b"c"))
    history = [*rest, mark, *rest, mark, *rest]
    flat = np.zeros(model.info.vocabulary, np.float32)

    def penalized(*breakers: str) -> bool:
        knobs = turn(Knobs(), dry_multiplier=1.0, dry_sequence_breakers=breakers, top_k=0, top_p=1.0, min_p=0.0)
        odds = Chain(knobs, model.stage, history).run(flat, history)
        return odds.p_of(mark) < odds.p_of(mark + 1) * 0.9

    assert penalized("\n")
    assert not penalized("a", "b", "c")


# --- constraints --------------------------------------------------------------------------------------------------

_MARKED = (Piece("\t\t", USER), Piece("<|ctl|>", CONTROL))


@pytest.mark.parametrize("kind", [kind for kind in WRITTEN if kind != "rwkv"])
def test_a_constraint_may_use_tokens_that_are_marked_as_user_defined(load: Load, kind: str) -> None:
    model = load(kind, *_MARKED)
    constraint = Grammars(model, read).constraint(turn(Knobs(), regex=r"(?s)(\n\n|\t\t|<table>|<\|ctl\|>)Paris"))
    assert constraint
    allowed = {model.label(each) for each in np.flatnonzero(constraint.mask()).tolist()}
    assert {"\n\n", "\t\t", "<table>", "<"} <= allowed
    assert not {"<|ctl|>", "</s>"} & allowed
    constraint.accept(token(model, b"<table>"))
    assert constraint.mask()[token(model, b"Paris")]


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("choices", [("yes", "no"), ("日本", "中国"), (" Paris", "s")])
def test_a_choice_is_written_as_it_is(load: Load, kind: str, choices: tuple[str, ...]) -> None:
    done = ask(load(kind), turn(GREEDY, choices=choices, num_predict=10))[-1]
    assert isinstance(done, Finished)
    assert (done.text in choices, done.ending) == (True, "stop")
