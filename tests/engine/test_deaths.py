"""However an engine ends or hangs: it is said in a sentence, costs nothing, and is tried again only so often."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.engine.bench import reply
from tests.engine.scripted import SCRIPTED_CHILD, Script
from tests.engine.test_process import ENDLESS, engine, fake, until
from tui.engine.process import client
from tui.engine.process.client import MOST, WINDOW, Engine, RestartLimit
from tui.engine.protocol import Answers, Died, Event, Generate, Load, Loaded, Silent, Token
from tui.errors import EngineError

__all__ = ["engine"]


class Stub:
    """An engine process that is a line of shell: it costs nothing to start."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path, self.engine = folder / "python", Engine(folder / "engine.log")
        monkeypatch.setattr(sys, "executable", str(self._path))

    def write(self, line: str) -> None:
        """Have the next process be this line."""
        self._path.write_text(f"#!/bin/sh\n{line}\n")
        self._path.chmod(0o700)

    async def ends(self, line: str) -> Died:
        """How it is told that a process of this line has ended."""
        (died,) = await self.says(line)
        assert isinstance(died, Died)
        return died

    async def says(self, line: str) -> list[Event]:
        """What a process of this line is heard to say."""
        self.write(line)
        self.engine.restart_limit.reset()
        await self.engine.start()
        return [event async for event in self.engine.events()]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return Stub(tmp_path, monkeypatch)


SIGNALS = {
    "SEGV": "The engine is gone: it crashed in native code (SIGSEGV).",
    "ABRT": "The engine is gone: llama.cpp gave up on something it could not handle (SIGABRT).",
    "BUS": "The engine is gone: the model file changed while it was in use (SIGBUS).",
    "FPE": "The engine is gone: it crashed in native code (SIGFPE).",
    "ILL": "The engine is gone: llama.cpp was built for a processor that can do more than this one (SIGILL).",
    "KILL": "The engine is gone: it was killed, perhaps because the machine ran out of memory (SIGKILL).",
    "TERM": "The engine is gone: something asked it to end (SIGTERM).",
    "XCPU": "The engine is gone: it took more processor time than it was allowed (SIGXCPU).",
    "USR1": "The engine is gone: something ended it (SIGUSR1).",
}


@pytest.mark.parametrize("name", SIGNALS)
async def test_p02_every_signal_is_a_sentence(stub: Stub, name: str) -> None:
    died = await stub.ends(f"echo the last words >&2; kill -{name} $$")
    assert died.reason == SIGNALS[name]
    assert (died.returncode, died.last_words) == (-signal.Signals[f"SIG{name}"], "the last words\n")
    assert died.account == f"{SIGNALS[name]} Its last words: the last words"


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 255])
async def test_p02_every_exit_code_is_a_sentence(stub: Stub, code: int) -> None:
    died = await stub.ends(f"exit {code}")
    assert (died.returncode, died.reason) == (code, f"The engine ended by itself (exit {code}).")
    assert died.account == died.reason, "it said nothing"


@pytest.mark.parametrize("words", ["MemoryError", "terminate: std::bad_alloc", "ggml: failed to allocate buffer"])
@pytest.mark.parametrize("end", ["exit 1", "kill -ABRT $$"])
async def test_p03_no_memory_left_is_said(stub: Stub, words: str, end: str) -> None:
    died = await stub.ends(f"echo '{words}' >&2; {end}")
    assert "no memory left" in died.reason and "smaller num_ctx" in died.reason


async def test_p11_garbage_on_the_pipe_is_no_event(stub: Stub) -> None:
    died = await stub.ends(r"printf 'garbage\n{\n{\"type\":\"token\"}\n\377\376\n{\"type\":\"pong\"}\nhalf'; exit 3")
    assert died.returncode == 3, "and nothing came before"


def test_p04_three_starts_a_minute_then_somebody_must_ask() -> None:
    now = 0.0
    attempts = RestartLimit(lambda: now)
    for second in range(MOST):
        now = float(second)
        attempts.count_start()
    with pytest.raises(EngineError, match="3 times within a minute. F12"):
        attempts.count_start()
    now = WINDOW  # the first is a minute ago
    attempts.count_start()
    with pytest.raises(EngineError):
        attempts.count_start()
    attempts.reset()
    attempts.count_start()


async def test_p04_an_engine_that_dies_at_every_start_is_left_alone(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.log", SCRIPTED_CHILD)
    for number in range(MOST):
        await engine.start()
        engine.send(fake(Script(load_dies=True)))
        died = (await until(engine, Died))[-1]
        assert isinstance(died, Died) and died.spent == (number == MOST - 1)
    with pytest.raises(EngineError):
        await engine.start()
    engine.restart_limit.reset()
    await engine.start()
    await until_answering(engine)
    await engine.stop()


@pytest.mark.parametrize("load", [ENDLESS, None], ids=["writing", "idle"])
async def test_p05_an_engine_that_hangs_is_noticed_and_can_be_ended(
    engine: Engine, load: Script | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BEAT", 0.2)
    if load:
        engine.send(fake(load))
        engine.send(Generate((reply(),)))
        await until(engine, Token)
    assert engine.pid
    events = engine.events()

    async def comes(kind: type[Event]) -> Event:
        async with asyncio.timeout(30):
            while not isinstance(event := await anext(events), kind):
                pass
        return event

    os.kill(engine.pid, signal.SIGSTOP)
    assert await comes(Silent) == Silent(0.2 * client.BEATS)
    os.kill(engine.pid, signal.SIGCONT)
    await comes(Answers)
    os.kill(engine.pid, signal.SIGSTOP)
    await comes(Silent)
    engine.kill()
    died = await comes(Died)
    assert isinstance(died, Died) and died.asked
    assert died.account == died.reason == "The engine was ended, as you asked."


async def test_p05_an_engine_that_is_busy_is_not_taken_for_hung(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until_answering(engine)
    monkeypatch.setattr(client, "BEAT", 0.5)
    engine.send(Load(fake(Script(load_delay=6)).path, fake(Script()).knobs))
    events = await until(engine, Loaded)
    assert not [event for event in events if isinstance(event, Silent)]


async def until_answering(engine: Engine) -> None:
    """Python itself takes a while to start."""
    engine.send(fake(Script()))
    await until(engine, Loaded)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
async def test_p22_fifty_restarts_leave_no_descriptor_and_no_zombie(stub: Stub) -> None:
    await stub.ends("exit 0")
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before, there = len(list(Path("/proc/self/fd").iterdir())), children.read_text()
    lines = ("exit 1", "kill -KILL $$", "echo no event; kill -SEGV $$", "exec sleep 0", "cat <&0 & kill -KILL $$")
    for line in lines * 10:
        await stub.ends(line)
    await asyncio.sleep(0)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert children.read_text() == there, "a zombie is a child still"


class Undead:
    """A process that waits for a disk that does not answer: killed, it stays."""

    returncode = None
    pid = 2**30
    """More than any process has."""

    def __init__(self) -> None:
        self._transport = self

    def kill(self) -> None:
        """Nothing comes of it."""

    def close(self) -> None:
        """Nor of this."""

    async def wait(self) -> None:
        """It never comes back."""
        await asyncio.Event().wait()


async def test_p05_a_process_that_outlives_its_kill_is_not_waited_for() -> None:
    async with asyncio.timeout(60):
        assert await client._end(Undead()) == -signal.SIGKILL  # type: ignore[arg-type]
