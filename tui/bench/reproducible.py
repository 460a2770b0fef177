"""Cost of `reproducible on`: the same replies with the option and without."""

import time
from collections.abc import Iterator

from tui.bench.reply_speed import QUESTION, TimedReplies, nine_turns
from tui.bench.result import Result, ratios
from tui.conversation.conversation import Message
from tui.engine.backend import Backend
from tui.engine.protocol import ReplyRequest
from tui.knobs.table import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, top_k=0, top_p=1.0, min_p=0.02)


def reproducible(name: str, model: Backend, rounds: int, tokens: int, history: int) -> Iterator[Result]:
    """Speed of one reply and of two, and the wait for the tenth turn after a `history` of so many tokens."""
    for count, what in ((1, "one reply"), (2, "2 replies that part")):
        values = ratios(
            rounds,
            lambda count=count: _speed(model, tokens, count, fixed=True),  # type: ignore[misc]
            lambda count=count: _speed(model, tokens, count, fixed=False),  # type: ignore[misc]
        )
        yield Result(f"reproducible: {what} / without", name, "ratio", values)
    waits = [_waits(model, rounds, tokens, history, fixed=fixed) for fixed in (True, False)]
    values = tuple(a / b for a, b in zip(*waits, strict=True))
    yield Result("reproducible: first token of turn 10 / without", name, "ratio", values, higher=False)


def _speed(model: Backend, tokens: int, count: int, *, fixed: bool) -> float:
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
