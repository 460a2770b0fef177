"""Benchmarks of the engine process from outside: time to stop, time to answer, cost of the pipe."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

from tui.bench.reply_speed import CONTEXT, QUESTION
from tui.bench.result import Result
from tui.conversation.conversation import Message
from tui.engine.process.client import Engine
from tui.engine.protocol import (
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Prefill,
    Preview,
    Previewed,
    ReplyRequest,
    Stop,
    Token,
    decode_event,
    encode,
)
from tui.errors import EngineError
from tui.knobs.table import Knobs, turn

SENTENCE = "The quick brown fox jumps over the lazy dog again. "
"""About eleven tokens."""


async def process(name: str, path: Path, rounds: int, tokens: int, prompt: int) -> AsyncIterator[Result]:
    """Measure through the pipe; `prompt` is the length in tokens of the prompt that is stopped."""
    engine = Engine()
    await engine.start()
    try:
        events = engine.events()
        engine.send(Load(str(path), CONTEXT))
        while not isinstance(event := await _next(events), Loaded):
            if isinstance(event, LoadFailed):
                raise EngineError(event.reason)
        stops = [await _stop(engine, events, f"{index} {SENTENCE * (prompt // 11)}") for index in range(rounds)]
        yield Result(f"stop in the middle of a {prompt:,}-token prompt", name, "ms", tuple(stops), 50, higher=False)
        looks, written = await _look(engine, events, tokens)
        yield Result("preview while a reply is written", name, "ms", tuple(looks), 5, higher=False)
    finally:
        await engine.stop()
    yield Result("the pipe, to and fro", name, "us a token", tuple(map(_pipe, written)))


async def _stop(engine: Engine, events: AsyncIterator[Event], text: str) -> float:
    engine.send(Generate((ReplyRequest("stop", (Message("user", text),), Knobs(seed=1)),)))
    while not (isinstance(event := await _next(events), Prefill) and event.done >= event.total / 3):
        pass
    began = time.perf_counter()
    engine.send(Stop("stop"))
    while not isinstance(await _next(events), Finished):
        pass
    return (time.perf_counter() - began) * 1000


async def _look(engine: Engine, events: AsyncIterator[Event], tokens: int) -> tuple[list[float], list[Token]]:
    """Ask how the reply's first token would be chosen under ever other knobs, while it goes on."""
    engine.send(Generate((ReplyRequest("first", QUESTION, turn(Knobs(), seed=1, num_predict=1)),)))
    while not isinstance(await _next(events), Finished):
        pass
    engine.send(Generate((ReplyRequest("long", QUESTION, turn(Knobs(), seed=2, num_predict=tokens)),)))
    looks: list[float] = []
    written: list[Token] = []
    began = 0.0
    while not isinstance(event := await _next(events), Finished):
        if isinstance(event, Token):
            written.append(event)
            if not began:
                began = time.perf_counter()
                engine.send(Preview("look", QUESTION, turn(Knobs(), temperature=0.5 + len(looks) % 10 / 10)))
        elif isinstance(event, Previewed):
            looks.append((time.perf_counter() - began) * 1000)
            began = 0.0
    return looks, written


async def _next(events: AsyncIterator[Event]) -> Event:
    """Return the next event; raises EngineError where there will be no more of what is waited for."""
    event = await anext(events)
    if isinstance(event, Died | Failed):
        raise EngineError(event.reason)
    return event


def _pipe(token: Token) -> float:
    began = time.perf_counter()
    decode_event(encode(token))
    return (time.perf_counter() - began) * 1e6
