"""Benchmarks of the engine, in this process."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tui.bench.baseline import Endless, HighLevel, raw_rate
from tui.bench.reply_speed import CONTEXT, QUESTION, TimedReplies, nine_turns, rate
from tui.bench.result import Result, ratios
from tui.conversation.conversation import Message
from tui.engine.backend import Backend
from tui.engine.llama import Llama, make_stage
from tui.engine.prompt.prompt import PromptWriter
from tui.engine.protocol import ReplyRequest
from tui.engine.sampling.chain import Chain, draw
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, top_k=0, top_p=1.0, min_p=0.02)
"""Sides that draw with other seeds part at once with these."""

VOCABULARIES = {49_152: 0.4, 151_936: 0.9, 262_144: 1.5}
"""Sizes, and the most milliseconds that chain and trace may take there."""


def engine(name: str, path: Path, rounds: int, tokens: int, history: int = 0) -> Iterator[Result]:
    """Measure one model: parallel replies and searches; with a `history` also overhead and reuse."""
    model = Endless(str(path), CONTEXT)
    try:
        if history:
            yield from _overhead(name, path, model, rounds, tokens)
        yield from _together(name, model, rounds, tokens)
        yield from _searches(name, model, rounds, tokens)
        if history:
            yield from _reuse(name, model, rounds, history)
            yield from _reproducible(name, model, rounds, tokens, history)
    finally:
        model.close()


def _overhead(name: str, path: Path, model: Llama, rounds: int, tokens: int) -> Iterator[Result]:
    prompt = PromptWriter(model).write(QUESTION)
    values = ratios(rounds, lambda: rate(model, tokens, Knobs(seed=1)), lambda: raw_rate(model, prompt, tokens))
    yield Result("engine with trace / raw llama.cpp loop", name, "ratio", values, 0.95)
    high = HighLevel(str(path), model)
    try:
        values = ratios(rounds, lambda: rate(model, tokens, Knobs(seed=1)), lambda: high.rate(QUESTION, tokens))
    finally:
        high.close()
    yield Result("engine with trace / create_chat_completion", name, "ratio", values, 1.08)


def _together(name: str, model: Llama, rounds: int, tokens: int) -> Iterator[Result]:
    def one() -> float:
        return rate(model, tokens, WARM)

    yield Result("one reply", name, "tokens/s", tuple(one() for _ in range(rounds)))
    for count, target in ((2, 1.15), (4, 1.4), (8, None)):
        values = ratios(rounds, lambda count=count: rate(model, tokens, *[WARM] * count), one)  # type: ignore[misc]
        yield Result(f"{count} replies that have parted / one", name, "ratio", values, target)
    same = turn(WARM, seed=1)
    values = ratios(rounds, lambda: rate(model, tokens, same, same), one)
    yield Result("2 replies that agree / one", name, "ratio", values, 1.9)


def _searches(name: str, model: Llama, rounds: int, tokens: int) -> Iterator[Result]:
    greedy = turn(Knobs(), strategy="greedy")
    for strategy in ("beam", "contrastive"):
        knobs = turn(greedy, strategy=strategy, num_beams=4, contrastive_k=4)

        def searched(knobs: Knobs = knobs) -> float:
            writing = TimedReplies(model)
            began = time.perf_counter()
            done = writing.write(ReplyRequest("a", QUESTION, turn(knobs, num_predict=tokens // 2, seed=1))).finished[0]
            return done.stats.generated_tokens / (time.perf_counter() - began)

        values = ratios(rounds, searched, lambda: searched(greedy))
        yield Result(f"{strategy} of 4 / greedy, the prompt included", name, "ratio", values)


def _reuse(name: str, model: Llama, rounds: int, history: int) -> Iterator[Result]:
    writing, few, turns = TimedReplies(model), turn(Knobs(), seed=1, num_predict=4), nine_turns(history)
    writing.write(ReplyRequest("before", turns[:-1], few))
    late, early, evaluated = [], [], []
    for index in range(rounds):
        # No two may begin alike: what they have in common would be in the cache, and is what the wait is for.
        asked = (Message("user", f"{index} days later, what was the weather like? Tell me what the book says."),)
        early.append(writing.write(ReplyRequest("early", asked, few)).finished[0].stats.ttft_ms)
        late.append(writing.write(ReplyRequest("late", turns + asked, few)).finished[0].stats.ttft_ms)
        again = writing.write(ReplyRequest("again", turns + asked, turn(few, seed=2))).finished[0].stats
        evaluated.append(float(again.prompt_tokens - again.reused_tokens))
    values = tuple(a / b for a, b in zip(late, early, strict=True))[1:] or (late[0] / early[0],)
    yield Result("first token of turn 10 / of turn 1", name, "ratio", values, 1.5, higher=False)
    yield Result("regenerate: prompt tokens evaluated", name, "tokens", tuple(evaluated), 1, higher=False)


def _reproducible(name: str, model: Backend, rounds: int, tokens: int, history: int) -> Iterator[Result]:
    """Speed of one reply and of two, and the wait for the tenth turn after a `history` of so many tokens."""
    for count, what in ((1, "one reply"), (2, "2 replies that part")):
        values = ratios(
            rounds,
            lambda count=count: _total_rate(model, tokens, count, fixed=True),  # type: ignore[misc]
            lambda count=count: _total_rate(model, tokens, count, fixed=False),  # type: ignore[misc]
        )
        yield Result(f"reproducible: {what} / without", name, "ratio", values)
    waits = [_waits(model, rounds, tokens, history, fixed=fixed) for fixed in (True, False)]
    values = tuple(a / b for a, b in zip(*waits, strict=True))
    yield Result("reproducible: first token of turn 10 / without", name, "ratio", values, higher=False)


def _total_rate(model: Backend, tokens: int, count: int, *, fixed: bool) -> float:
    """Tokens a second of all replies, from the question on: those that wait for each other have no time in common."""
    knobs = (turn(WARM, seed=seed, num_predict=tokens) for seed in range(count))
    replies = [ReplyRequest(str(index), QUESTION, each) for index, each in enumerate(knobs)]
    writing = TimedReplies(model, reproducible=fixed)
    began = time.perf_counter()
    done = writing.write(*replies).finished
    return sum(each.stats.generated_tokens for each in done) / (time.perf_counter() - began)


def _waits(model: Backend, rounds: int, tokens: int, history: int, *, fixed: bool) -> list[float]:
    """Milliseconds from a tenth question to its first token, each after a ninth answer that was just written."""
    writing, turns, waits = TimedReplies(model, reproducible=fixed), nine_turns(history)[:-1], []
    for seed in range(rounds):
        ninth = writing.write(ReplyRequest("ninth", turns, turn(WARM, seed=seed, num_predict=tokens))).finished[0]
        tenth = (Message("assistant", ninth.text, ninth.tokens), Message("user", "And the next day?"))
        done = writing.write(ReplyRequest("tenth", turns + tenth, turn(WARM, seed=seed, num_predict=4))).finished[0]
        waits.append(done.stats.ttft_ms)
    return waits


def chain(rounds: int) -> Iterator[Result]:
    """Time the sampler chain, trace and record included, at the vocabularies of today's models."""
    for size, most in VOCABULARIES.items():
        random = np.random.default_rng(1)
        logits = [random.normal(0, 3, size).astype(np.float32) for _ in range(8)]
        stages, values = Chain(Knobs(), make_stage, []), []
        for index in range(rounds * 8):
            began = time.perf_counter()
            odds = stages.run(logits[index % 8], [], 1.0)
            odds.choice(odds.draw(draw(1, index)), str)
            values.append((time.perf_counter() - began) * 1000)
        yield Result(f"chain and trace, {size} tokens", "random logits", "ms", tuple(values), most, higher=False)
