"""What is seen from outside the engine process: how soon it stops, how soon it answers, what its pipe costs."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

from tui.bench.result import Result
from tui.bench.writing import QUESTION
from tui.chat import Message
from tui.engine.client import Engine
from tui.engine.protocol import (
    Died,
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Prefill,
    Preview,
    Previewed,
    Reply,
    Stop,
    Token,
    decode_event,
    encode,
)
from tui.errors import EngineError
from tui.knobs import Knobs, turn

LONG = "The quick brown fox jumps over the lazy dog again. " * 380
"""About 4,000 tokens."""


async def process(name: str, path: Path, rounds: int, tokens: int) -> AsyncIterator[Result]:
    """Everything that is measured through the pipe."""
    engine = Engine()
    await engine.start()
    try:
        events = engine.events()
        engine.send(Load(str(path), Knobs()))
        while not isinstance(event := await _next(events), Loaded):
            if isinstance(event, LoadFailed):
                raise EngineError(event.reason)
        stops = [await _stop(engine, events, index) for index in range(rounds)]
        yield Result("stop in the middle of a 4,000-token prompt", name, "ms", tuple(stops), 50, higher=False)
        looks, written = await _look(engine, events, tokens)
        yield Result("preview while a reply is written", name, "ms", tuple(looks), 5, higher=False)
    finally:
        await engine.stop()
    yield Result("the pipe, to and fro", name, "us a token", tuple(map(_pipe, written)))


async def _stop(engine: Engine, events: AsyncIterator[Event], index: int) -> float:
    engine.send(Generate((Reply(f"stop{index}", (Message("user", f"{index} {LONG}"),), Knobs(seed=1)),)))
    while not isinstance(await _next(events), Prefill):
        pass
    began = time.perf_counter()
    engine.send(Stop(f"stop{index}"))
    while not isinstance(await _next(events), Finished):
        pass
    return (time.perf_counter() - began) * 1000


async def _look(engine: Engine, events: AsyncIterator[Event], tokens: int) -> tuple[list[float], list[Token]]:
    """Ask how the reply's first token would be chosen under ever other knobs, while it goes on."""
    engine.send(Generate((Reply("first", QUESTION, turn(Knobs(), seed=1, num_predict=1)),)))
    while not isinstance(await _next(events), Finished):
        pass
    engine.send(Generate((Reply("long", QUESTION, turn(Knobs(), seed=2, num_predict=tokens)),)))
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
    event = await anext(events)
    if isinstance(event, Died):
        raise EngineError(event.reason)
    return event


def _pipe(token: Token) -> float:
    began = time.perf_counter()
    decode_event(encode(token))
    return (time.perf_counter() - began) * 1e6
