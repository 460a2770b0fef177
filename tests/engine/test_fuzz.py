"""Whatever is said on the pipe, in either direction and any order: who reads it goes on. So it is with model files."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.anything import values
from tests.depth import SEED, depth
from tests.engine.bench import GREEDY, reply
from tests.engine.scripted import SCRIPTED_CHILD, Script
from tests.engine.test_deaths import Stub, stub
from tests.engine.test_process import fake, until
from tui.bench.synthetic import Shape, write_model
from tui.engine.loaded_model import ModelInfo
from tui.engine.process.client import Engine
from tui.engine.process.pool import Slot
from tui.engine.protocol import (
    GARBAGE,
    Answers,
    Command,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Pong,
    Silent,
    WhatIf,
    WhatIfs,
    decode_event,
    encode,
)
from tui.knobs.table import Knobs, turn
from tui.models.preflight import read_any_header

__all__ = ["stub"]

EXAMPLES = depth(20, 200)
"""Conversations of noise."""

FILES = depth(100, 2000)
"""Mutated model files."""

fuzz = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])

DEEP = b"[" * 100_000
"""Deeper than Python's stack."""


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A line that was right once: cut, or with some bytes put in place of others."""
    line = bytearray(draw(whole))
    place = draw(st.integers(0, len(line)))
    put = draw(st.binary(max_size=4))
    line[place : place + draw(st.integers(0, 4))] = put
    return bytes(line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line).replace(b"\n", b"")


noise = st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")) | st.just(DEEP)


# --- to the engine ----------------------------------------------------------------------------------------------------

asked = values(Command).filter(lambda command: not isinstance(command, Load)).map(encode)
loads = st.sampled_from([fake(Script()), fake(Script(context=64)), Load("nowhere.gguf", Knobs())]).map(encode)


class Line:
    """An engine for all examples, on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self.engine = Engine(folder / "engine.log", SCRIPTED_CHILD)
        self._number = 0

    def is_well_after(self, lines: list[bytes]) -> None:
        """It takes the lines, and then writes a reply and explains it as if nothing had been."""
        self._runner.run(asyncio.wait_for(self._check(lines), 60))

    async def _check(self, lines: list[bytes]) -> None:
        if not self.engine.alive:  # the first time, or an example before this one was its end
            self.engine.restart_limit.reset()
            await self.engine.start()
            self._events = self.engine.events()
        self._number += 1
        asked = f"after {self._number}"
        assert self.engine._process and self.engine._process.stdin
        self.engine._process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.engine.send(fake(Script(replies=("well",))))
        self.engine.send(Generate((reply(asked),)))
        while not (isinstance(event := await self._next(), Finished) and event.id == asked):
            assert not (isinstance(event, Failed) and event.id == asked), event
        assert event.text == "well"
        self.engine.send(WhatIf(asked, GREEDY))
        while not (isinstance(event := await self._next(), WhatIfs) and event.id == asked and event.complete):
            pass

    async def _next(self) -> Event:
        event = await anext(self._events)
        assert not isinstance(event, Died), event.last_words
        return event

    def close(self) -> None:
        self._runner.run(self.engine.stop())
        self._runner.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    opened = Line(tmp_path)
    yield opened
    opened.close()


@given(st.lists(asked | spoilt(asked) | loads | noise, max_size=12))
@example([DEEP])
@example([b'{"type":"generate","replies":[],"x":' + DEEP])
@example([b'{"type":"\x80describe"}'])
@fuzz
def test_p11_no_commands_in_any_order_end_the_engine(line: Line, lines: list[bytes]) -> None:
    line.is_well_after(lines)


# --- from the engine --------------------------------------------------------------------------------------------------

events = values(Event)


def means(line: bytes) -> Event | None:
    """What a line says that an engine may say; None for noise."""
    try:
        event = decode_event(line)
    except GARBAGE:
        return None
    # These the client makes itself, of what it does not hear.
    return None if isinstance(event, Pong | Died | Silent | Answers) else event


@given(st.lists(events.map(encode) | spoilt(events.map(encode)) | noise, max_size=12))
@example([DEEP])
@fuzz
def test_p11_what_is_no_event_is_passed_over_and_what_is_one_is_not(
    stub: Stub, tmp_path: Path, lines: list[bytes]
) -> None:
    said = tmp_path / "said"
    said.write_bytes(b"".join(line + b"\n" for line in lines) + b"half a li")
    heard = asyncio.run(stub.says(f"exec cat '{said}'"))
    assert [each for each in map(means, lines) if each] == heard[:-1]
    assert isinstance(heard[-1], Died)


@given(st.lists(events, max_size=12))
@fuzz
def test_an_engine_that_has_said_anything_can_be_told_to_load_another_model(said: list[Event]) -> None:
    station, info = Slot(Engine(Path("engine.log"))), ModelInfo("", "", "", 0, 0, 0)
    for load in (fake(Script()), fake(Script(context=64))):
        station.load_model(load)
        station.on_event(Loaded(info))
        assert station.state == "ready"
        for event in said:
            station.on_event(event)


# --- model files ------------------------------------------------------------------------------------------------------

SMALL = turn(Knobs(), num_ctx=64, num_thread=1, num_predict=2, temperature=0.0, seed=1)


@pytest_asyncio.fixture
async def small(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path / "engine.log")
    await engine.start()
    yield engine
    await engine.stop()


def mutated(whole: bytes, end: int, chance: random.Random) -> bytes:
    """A model with some bytes of its header put in place of others."""
    content = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(end)
        put = chance.choice([b"\0", b"\xff", b"\x01", b"\x80", b"\xff" * 4, bytes(8), struct.pack("<Q", 2**40)])
        content[place : place + len(put)] = put if chance.random() < 0.7 else chance.randbytes(chance.randint(1, 9))
    return bytes(content)


async def test_g_a_mutated_model_costs_an_engine_at_most(small: Engine, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_model(path, Shape(vocabulary=320, layers=1))
    whole = path.read_bytes()
    end, chance = read_any_header(path).data, random.Random(SEED)
    ended: list[str] = []
    for number in range(FILES):
        path.write_bytes(mutated(whole, end, chance))
        small.restart_limit.reset()
        await small.start()
        small.send(Load(str(path), SMALL))
        async with asyncio.timeout(60):
            said = f"seed {SEED}, file {number}"
            async for event in small.events():
                if isinstance(event, Loaded):
                    small.send(Generate((reply("a", SMALL),)))
                if isinstance(event, LoadFailed | Failed):
                    assert event.reason and "\n" not in event.reason, said
                if isinstance(event, Died):
                    assert event.reason.startswith("The engine "), said
                    ended.append(f"{said}: {event.account}")
                if isinstance(event, LoadFailed | Failed | Finished | Died):
                    break
    assert len(ended) <= FILES / 20, ended
    path.write_bytes(whole)
    await small.start()
    small.send(Load(str(path), SMALL))
    await until(small, Loaded)
