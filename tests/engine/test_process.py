"""The engine as a real child process, with a script for a model."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine.bench import GREEDY, reply
from tests.engine.scripted import SCRIPTED_CHILD, Script
from tui.engine.hardware import Machine
from tui.engine.process import client
from tui.engine.process.client import Engine
from tui.engine.protocol import (
    Command,
    Describe,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Ping,
    Pong,
    Progress,
    SetKnobs,
    Stop,
    Token,
    WhatIf,
    WhatIfs,
    decode_command,
    decode_event,
    encode,
)
from tui.errors import EngineError
from tui.knobs.table import Knobs, turn

ENDLESS = Script(replies=("on and on " * 400,), delay=0.002)


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path / "engine.log", SCRIPTED_CHILD)
    await engine.start()
    yield engine
    await engine.stop()


def fake(script: Script) -> Load:
    return Load(script.path, Knobs())


async def until(engine: Engine, last: type[Event], *, at: int = 1) -> list[Event]:
    """The events up to the at-th of a kind."""
    seen: list[Event] = []
    async with asyncio.timeout(60):
        async for event in engine.events():
            seen.append(event)
            if sum(isinstance(each, last) for each in seen) == at:
                return seen
    raise AssertionError(f"the events ended without {last.__name__}: {seen}")


async def test_a_model_loads_and_answers(engine: Engine) -> None:
    engine.send(fake(Script(load_delay=0.03)))
    engine.send(Generate((reply(),)))
    events = await until(engine, Finished)
    kinds = list(dict.fromkeys(type(event) for event in events))
    assert kinds[:2] == [Progress, Loaded] and kinds[-1] is Finished
    assert isinstance(events[-1], Finished) and events[-1].text == Script().replies[0]


async def test_the_engine_describes_the_machine(engine: Engine) -> None:
    engine.send(Describe())
    (machine,) = await until(engine, Machine)
    assert isinstance(machine, Machine)
    assert machine.cores >= 1 and machine.binding == "0.3.36" and machine.system


async def test_stop_and_knobs_reach_a_running_reply(engine: Engine) -> None:
    engine.send(fake(ENDLESS))
    engine.send(Generate((reply(),)))
    await until(engine, Token, at=3)
    engine.send(SetKnobs("a", turn(GREEDY, temperature=1.0, top_p=1.0, min_p=0.0)))
    events = await until(engine, Token, at=100)
    tokens = [event for event in events if isinstance(event, Token)]
    assert tokens[-1].trace.entropy > 0
    engine.send(Stop("a"))
    done = (await until(engine, Finished))[-1]
    assert isinstance(done, Finished) and done.ending == "stopped" and done.text.startswith("on ")


async def test_without_a_model_a_reply_fails(engine: Engine) -> None:
    engine.send(Load("nowhere.gguf", Knobs()))
    engine.send(Generate((reply(),)))
    events = await until(engine, Failed)
    failed = next(event for event in events if isinstance(event, LoadFailed))
    assert "nowhere.gguf" in failed.reason
    assert events[-1] == Failed("a", "No model is loaded.")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "killed"),
        (signal.SIGSEGV, "crashed"),
        (signal.SIGABRT, "gave up"),
        (signal.SIGBUS, "model file changed"),
    ],
)
async def test_a_death_is_an_event(engine: Engine, number: signal.Signals, words: str) -> None:
    engine.send(fake(ENDLESS))
    engine.send(Generate((reply(),)))
    await until(engine, Token, at=3)
    assert engine.pid is not None
    os.kill(engine.pid, number)
    died = (await until(engine, Died))[-1]
    assert isinstance(died, Died)
    assert (died.returncode, words in died.reason) == (-number, True)
    assert not engine.alive
    with pytest.raises(EngineError):
        engine.send(Describe())


async def test_two_who_start_it_at_once_start_one(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.log", SCRIPTED_CHILD)
    spawned = []
    spawn = engine._spawn

    async def counted() -> None:
        spawned.append(1)
        await spawn()

    engine._spawn = counted  # type: ignore[method-assign]
    await asyncio.gather(engine.start(), engine.start())
    await engine.stop()
    assert len(spawned) == 1


async def test_g53_loading_another_model_ends_what_runs(engine: Engine) -> None:
    engine.send(fake(ENDLESS))
    engine.send(Generate((reply(),)))
    await until(engine, Token)
    engine.send(fake(Script()))
    events = await until(engine, Loaded)
    assert [event.id for event in events if isinstance(event, Failed)] == ["a"]


async def test_after_a_death_it_starts_again(engine: Engine) -> None:
    engine.send(fake(Script(die_at=5)))
    engine.send(Generate((reply(),)))
    events = await until(engine, Died)
    assert sum(isinstance(event, Token) for event in events) == 5
    await engine.start()
    engine.send(fake(Script()))
    engine.send(Generate((reply(),)))
    done = (await until(engine, Finished))[-1]
    assert isinstance(done, Finished) and done.text == Script().replies[0]


async def test_a_death_while_loading_is_an_event(engine: Engine) -> None:
    engine.send(fake(Script(load_dies=True)))
    assert isinstance((await until(engine, Died))[-1], Died)


async def test_a_command_that_is_none_is_ignored_and_logged(engine: Engine, tmp_path: Path) -> None:
    assert engine._process and engine._process.stdin
    engine._process.stdin.write(b'garbage\n{"type":"generate"}\n\xff\xfe\n')
    engine._process.stdin.write(b'{"type":"set_knobs","id":"a","knobs":{"temperature":9}}\n')
    engine._process.stdin.write(b'{"type":"describe","x":' + b"[" * 100_000 + b"\n")
    engine.send(Describe())
    assert isinstance((await until(engine, Machine))[-1], Machine)
    assert "no command" in (tmp_path / "engine.log").read_text()


async def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.log", SCRIPTED_CHILD)
    await engine.start()
    engine.send(fake(ENDLESS))
    engine.send(Generate((reply(),)))
    await until(engine, Token)
    pid = engine.pid
    await engine.stop()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "engine.log").exists()


async def test_the_log_is_for_the_person_alone(engine: Engine, tmp_path: Path) -> None:
    assert (tmp_path / "engine.log").stat().st_mode & 0o777 == 0o600


SECRETS = [
    "HF_TOKEN",
    "GITHUB_PAT",
    "MYSQL_PWD",
    "DB_PASSWD",
    "BORG_PASSPHRASE",
    "OPENAI_KEY",
    "DATABASE_URL",
    "HTTPS_PROXY",
    "SSH_AUTH_SOCK",
    "LLAMA_API_KEY",
    "TWIDDLE_TOKEN",
    "UV_INDEX_INTERNAL_USERNAME",
]
NEEDED = [
    "PATH",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "OMP_NUM_THREADS",
    "GGML_VK_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
]


def test_the_engine_is_given_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, *NEEDED):
        monkeypatch.setenv(name, "x")
    assert set(NEEDED) <= client._environment().keys()
    assert not client._environment().keys() & set(SECRETS)


async def test_no_secret_reaches_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "hf_secret")
    engine = Engine(tmp_path / "engine.log")
    await engine.start()
    engine.send(Describe())
    await until(engine, Machine)
    environment = Path(f"/proc/{engine.pid}/environ")
    if environment.exists():
        assert b"hf_secret" not in environment.read_bytes()
    await engine.stop()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits by pidfd, which is Linux's")
def test_p07_the_engine_goes_within_two_seconds_when_its_parent_is_killed() -> None:
    """Even in mid-decode: the end of its stdin is enough."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "writing\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with suppress(ProcessLookupError):  # gone already
        engine = os.pidfd_open(pid)
        ready, _, _ = select.select([engine], [], [], 2)
        os.close(engine)
        assert ready, "the engine outlived its parent"


def test_an_engine_suspended_while_its_parent_goes_goes_when_it_is_woken() -> None:
    """It finds a question to answer, and nobody who hears the answer."""
    engine = subprocess.Popen(
        [sys.executable, "-m", "tui.engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert engine.stdin and engine.stdout
    try:
        engine.stdin.write(encode(Ping()) + b"\n")
        engine.stdin.flush()
        assert decode_event(engine.stdout.readline()) == Pong()
        engine.send_signal(signal.SIGSTOP)
        engine.stdin.write(encode(Ping()) + b"\n")
        engine.stdin.close()
        engine.stdout.close()
        engine.send_signal(signal.SIGCONT)
        assert engine.wait(20) == 0
    finally:
        engine.kill()
        engine.wait()


async def test_a_reply_asked_about_with_hopeless_knobs_can_be_asked_about_again(engine: Engine) -> None:
    engine.send(fake(Script()))
    engine.send(Generate((reply(),)))
    await until(engine, Finished)
    engine.send(WhatIf("a", turn(GREEDY, temperature=1e-38)))
    failed = (await until(engine, Failed))[-1]
    assert failed == Failed("a", "temperature leaves none of the model's tokens here.")
    engine.send(WhatIf("a", GREEDY))
    assert isinstance((await until(engine, WhatIfs))[-1], WhatIfs)


PARENT = """
import asyncio
from tests.engine.test_process import ENDLESS, fake
from tests.engine.bench import reply
from tests.engine.scripted import SCRIPTED_CHILD
from tui.engine.process.client import Engine
from tui.engine.protocol import Generate, Token

async def main():
    engine = Engine(argv=SCRIPTED_CHILD)
    await engine.start()
    print(engine.pid, flush=True)
    engine.send(fake(ENDLESS))
    engine.send(Generate((reply(),)))
    async for event in engine.events():
        if isinstance(event, Token) and event.index == 2:
            print("writing", flush=True)

asyncio.run(main())
"""


def test_every_command_and_event_survives_the_pipe() -> None:
    commands: list[Command] = [fake(Script()), Generate((reply(),)), SetKnobs("a", GREEDY), Stop("a"), Describe()]
    for command in commands:
        assert decode_command(encode(command)) == command
    events: list[Event] = [Progress(0.5), Failed("a", "why\nnot"), Died(-9, "gone", "\x1b[31m")]
    for event in events:
        assert decode_event(encode(event)) == event
        assert b"\n" not in encode(event)
