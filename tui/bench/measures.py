"""The measures: what is measured, how, and what it should come to."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from msgspec.structs import replace

from tui.bench.lab import Desk, Lab, Written, prompt, question, reply
from tui.chat import Message
from tui.engine.odds import Choice
from tui.engine.protocol import Prefill, Token, decode_event, encode
from tui.engine.sampling import Chain, draw
from tui.engine.session import Session
from tui.knobs import Knobs, turn

if TYPE_CHECKING:
    from tui.engine.llama.baseline import Endless


class Sample(NamedTuple):
    """What one round of a measure came to."""

    value: float
    over: float | None = None
    under: float | None = None
    """The two figures that the value is the ratio of, where it is one."""


Take = Callable[[Lab, int], Sample]
"""Takes a measure, in the round of that number."""


class Measure(NamedTuple):
    """A measure and what it should come to."""

    name: str
    says: str
    unit: str
    better: Literal["higher", "lower"]
    target: float | None
    """What is good enough; None where there is nothing to hold it against."""
    take: Take
    large: bool = False
    """Whether it is taken on the large synthetic model."""


def _pair(round: int, over: Callable[[], float], under: Callable[[], float]) -> Sample:
    """Two figures taken one after the other, each first in turn, so that what slows the machine slows both."""
    if round % 2:
        below, above = under(), over()
    else:
        above, below = over(), under()
    return Sample(above / below, above, below)


# --- writing --------------------------------------------------------------------------------------------------------


def _engine_over_plain_loop(lab: Lab, round: int) -> Sample:
    from tui.engine.llama.baseline import plain_loop

    asked = reply(lab.scale.tokens, seed=round)
    tokens = prompt(lab.model, asked.messages)
    return _pair(
        round,
        lambda: Desk(lab.model).write(asked).rate(),
        lambda: plain_loop(lab.model, tokens, lab.scale.tokens, asked.knobs),
    )


def _engine_over_high_level(lab: Lab, round: int) -> Sample:
    asked = reply(lab.scale.tokens, seed=round)
    return _pair(
        round,
        lambda: Desk(lab.model).write(asked).rate(after=0),
        lambda: lab.high_level.write(asked.messages, lab.scale.tokens, asked.knobs),
    )


def _two_that_agree(lab: Lab, round: int) -> Sample:
    asked = reply(lab.scale.tokens, seed=round)
    twin = replace(asked, id="twin")
    return _pair(
        round,
        lambda: Desk(lab.model).write(asked, twin).rate(),
        lambda: Desk(lab.model).write(asked).rate(),
    )


def _parted(count: int, *, large: bool = False) -> Take:
    """So many replies that have parted over one, in all their tokens a second."""

    def take(lab: Lab, round: int) -> Sample:
        model, tokens = _bed(lab, large)
        asked = [reply(tokens, seed=count * round + each, temperature=2.0, min_p=0.0) for each in range(count)]

        def apart(written: Written) -> float:
            return written.rate(after=written.parted if len(written.finished) > 1 else 0)

        return _pair(
            round,
            lambda: apart(Desk(model).write(*asked)),
            lambda: apart(Desk(model).write(asked[0])),
        )

    return take


def _strategy(name: str, *, large: bool = False) -> Take:
    """A strategy over greedy, in tokens of the reply a second."""

    def take(lab: Lab, round: int) -> Sample:
        model, tokens = _bed(lab, large)
        searched = reply(tokens, strategy=name, num_beams=4, contrastive_k=4)
        return _pair(
            round,
            lambda: Desk(model).write(searched).rate(),
            lambda: Desk(model).write(reply(tokens, strategy="greedy")).rate(),
        )

    return take


def _bed(lab: Lab, large: bool) -> "tuple[Endless, int]":
    """The model to write with, and how many tokens."""
    return (lab.large, max(4, lab.scale.tokens // 2)) if large else (lab.model, lab.scale.tokens)


# --- choosing -------------------------------------------------------------------------------------------------------


def _choice(vocabulary: int) -> Take:
    """Milliseconds to choose a token and to explain the choice, with the knobs untouched, on random logits."""

    def take(lab: Lab, round: int) -> Sample:
        from tui.engine.llama import make_stage

        random = np.random.default_rng(round)
        positions = [random.normal(0, 2.5, vocabulary).astype(np.float32) for _ in range(8)]
        knobs = turn(Knobs(), seed=round)
        chain, history = Chain(knobs, make_stage, []), list[int]()
        began = time.perf_counter()
        for index in range(lab.scale.repeats):
            choice = _choose(chain, positions[index % 8], history, knobs.seed, index)
            history.append(choice.trace.id)
        return Sample((time.perf_counter() - began) / lab.scale.repeats * 1000)

    return take


def _choose(chain: Chain, logits: np.ndarray, history: list[int], seed: int, index: int) -> Choice:
    """What `tui.engine.strategies.sample` does for a token."""
    odds = chain.run(logits, history, draw(seed, index, stream=1))
    token = odds.draw(draw(seed, index))
    chain.accept(token, odds.p_of(token), odds.untouched(token))
    return odds.choice(token, str)


# --- waiting --------------------------------------------------------------------------------------------------------


def _tenth_turn(lab: Lab, round: int) -> Sample:
    """The wait for the first token of the tenth turn over that of the first, in milliseconds."""
    new = question(seed=100)

    def tenth() -> float:
        desk, messages = Desk(lab.model), list[Message]()
        for number in range(9):
            messages.append(question(lab.scale.history // 9, seed=number))
            said = desk.write(reply(4, *messages)).finished[0]
            messages.append(Message("assistant", said.text, said.tokens))
        return desk.write(reply(2, *messages, new)).finished[0].stats.ttft_ms

    return _pair(round, tenth, lambda: Desk(lab.model).write(reply(2, new)).finished[0].stats.ttft_ms)


def _another_answer(lab: Lab, round: int) -> Sample:
    """Prompt tokens evaluated for another answer to the same conversation."""
    desk, asked = Desk(lab.model), question(lab.scale.history // 2)
    desk.write(reply(4, asked, seed=1))
    stats = desk.write(reply(4, asked, seed=2)).finished[0].stats
    return Sample(stats.prompt_tokens - stats.reused_tokens)


def _stop(lab: Lab, round: int) -> Sample:
    """Milliseconds from Stop to Finished, in the middle of a long prompt, through the engine's process."""
    return Sample(asyncio.run(_stopped(lab)))


async def _stopped(lab: Lab) -> float:
    asked = 0.0
    async with Session() as session:
        await session.load(lab.path, lab.knobs, lambda share: None)
        async for event in session.write(reply(-1, question(lab.scale.prefill))):
            if isinstance(event, Prefill) and not asked and event.done >= event.total / 3:
                asked = time.perf_counter()
                session.stop()
    return (time.perf_counter() - asked) * 1000


def _protocol(lab: Lab, round: int) -> Sample:
    """Microseconds to write the event of a token as a line and to read it again."""
    event = Desk(lab.model).write(reply(2)).tokens[-1]
    began = time.perf_counter()
    for _ in range(lab.scale.repeats):
        read = decode_event(encode(event))
    seconds = time.perf_counter() - began
    assert isinstance(read, Token)
    return Sample(seconds / lab.scale.repeats * 1e6)


MEASURES = (
    Measure("engine-plain", "engine with trace / plain loop", "tok/s", "higher", 0.95, _engine_over_plain_loop),
    Measure("engine-chat", "engine / Llama.create_chat_completion", "tok/s", "higher", 1.08, _engine_over_high_level),
    Measure("agreeing-2", "two replies that agree / one", "tok/s", "higher", 1.9, _two_that_agree),
    Measure("parted-2", "two replies that have parted / one", "tok/s", "higher", 1.15, _parted(2)),
    Measure("parted-4", "four replies that have parted / one", "tok/s", "higher", 1.4, _parted(4)),
    Measure("choice-49k", "choosing and explaining a token of 49,152", "ms", "lower", 0.4, _choice(49_152)),
    Measure("choice-152k", "choosing and explaining a token of 151,936", "ms", "lower", 0.9, _choice(151_936)),
    Measure("choice-262k", "choosing and explaining a token of 262,144", "ms", "lower", 1.5, _choice(262_144)),
    Measure("turn-10", "first token of turn 10 / of turn 1", "ms", "lower", 1.5, _tenth_turn),
    Measure("again", "prompt tokens evaluated for another answer", "tokens", "lower", 1, _another_answer),
    Measure("stop", "Stop to Finished in the middle of a long prompt", "ms", "lower", 50, _stop),
    Measure("protocol", "the event of a token, written and read", "µs", "lower", None, _protocol),
    Measure("beam", "beam search of 4 / greedy", "tok/s", "higher", None, _strategy("beam")),
    Measure("contrastive", "contrastive search of 4 / greedy", "tok/s", "higher", None, _strategy("contrastive")),
    Measure("large-parted-2", "large model: two parted / one", "tok/s", "higher", None, _parted(2, large=True), True),
    Measure("large-parted-4", "large model: four parted / one", "tok/s", "higher", None, _parted(4, large=True), True),
    Measure("large-beam", "large model: beam / greedy", "tok/s", "higher", None, _strategy("beam", large=True), True),
    Measure(
        "large-contrastive", "large model: contrastive / greedy", "tok/s", "higher", None,
        _strategy("contrastive", large=True), True,
    ),
)  # fmt: skip
"""Every measure, in the order of the report."""
