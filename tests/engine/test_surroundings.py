"""What surrounds an engine: who started it, what it started, what prints beside it, what it may have of the machine."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.depth import depth
from tests.engine.bench import reply
from tests.engine.scripted import SCRIPTED_CHILD, Script
from tests.engine.test_deaths import Stub, stub
from tests.engine.test_process import ENDLESS, engine, fake, until
from tui.bench.synthetic import Shape, write_model
from tui.engine.hardware import Machine
from tui.engine.process.client import Engine
from tui.engine.protocol import (
    Describe,
    Died,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Prefill,
    Token,
)
from tui.knobs.table import Knobs, turn

__all__ = ["engine", "stub"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists() or ") Z " in Path(f"/proc/{process}/stat").read_text()


async def soon(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


# --- whenever it is killed --------------------------------------------------------------------------------------------

PROMPT = Script(context=100_000, delay=0.05)


@pytest.mark.parametrize("at", ["idle", "loading", "reading the prompt", "writing"])
async def test_p01_it_can_be_killed_at_any_time(engine: Engine, at: str) -> None:
    loads = {"loading": Script(load_delay=60), "reading the prompt": PROMPT, "writing": ENDLESS}
    engine.send(fake(loads.get(at, Script())))
    if at != "loading":
        await until(engine, Loaded)
    if at == "reading the prompt":
        engine.send(Generate((reply("a", text="read " * 10_000),)))
        await until(engine, Prefill)
    if at == "writing":
        engine.send(Generate((reply(),)))
        await until(engine, Token)
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    died = (await until(engine, Died))[-1]
    assert isinstance(died, Died) and "SIGKILL" in died.reason
    await engine.start()
    engine.send(fake(Script()))
    engine.send(Generate((reply(),)))
    done = (await until(engine, Finished))[-1]
    assert isinstance(done, Finished) and done.text == Script().replies[0]


# --- who started it, and whom it started ------------------------------------------------------------------------------


@linux
async def test_p06_one_that_hears_no_signal_goes_and_so_do_its_children(stub: Stub, tmp_path: Path) -> None:
    said = tmp_path / "child"
    stub.write(f"trap '' TERM HUP INT\nsleep 1000 & echo $! > '{said}.new'; mv '{said}.new' '{said}'\nwait\nsleep 1000")
    await stub.engine.start()
    await soon(said.exists)
    child, parent = int(said.read_text()), stub.engine.pid
    assert parent
    await stub.engine.stop()
    await soon(lambda: gone(parent) and gone(child))


@linux
async def test_p06_its_death_is_told_though_a_child_of_it_holds_the_pipe(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.engine.process.client.BEAT", 0.2)
    died = await asyncio.wait_for(stub.ends(f"sleep 1000 & echo $! > '{tmp_path}/child'; kill -SEGV $$"), 30)
    assert "SIGSEGV" in died.reason
    await soon(lambda: gone(int((tmp_path / "child").read_text())))


IN_A_THREAD = """
import asyncio, os, threading, time
from pathlib import Path
from tui.engine.process.client import Engine
engine = Engine(Path("engine.log"))
thread = threading.Thread(target=lambda: asyncio.run(engine.start()))
thread.start()
thread.join()
def stat():
    state, *numbers = open(f"/proc/{engine.pid}/stat").read().rpartition(")")[2].split()
    return state, int(numbers[10]) + int(numbers[11])
state, spent = stat()
while state != "Z" and stat()[1] < spent + 5:  # until it has run on without the thread
    time.sleep(0.01)
    state = stat()[0]
print(state)
os._exit(0)
"""


@linux
def test_p08_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_THREAD],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() in ("R", "S", "D"), done.stderr


# --- what prints beside it --------------------------------------------------------------------------------------------

PRINTS = """
import os, threading, time
def shout():
    while True:
        os.write(1, b"\\x1b]0;owned\\x07 {not an event}\\n")
        os.write(2, b"printed by a library\\n")
        time.sleep(0.001)
if "/scripted.py" in open("/proc/self/cmdline").read():
    threading.Thread(target=shout, daemon=True).start()
"""


@linux
async def test_p10_what_a_library_prints_goes_to_the_log_and_costs_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(PRINTS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}")
    engine, text = Engine(tmp_path / "engine.log", SCRIPTED_CHILD), "on and on " * 20
    await engine.start()
    engine.send(fake(Script(replies=(text,), delay=0.001)))
    engine.send(Generate((reply(),)))
    events = await until(engine, Finished)
    tokens = [event for event in events if isinstance(event, Token)]
    assert "".join(token.text for token in tokens) == text
    assert [token.index for token in tokens] == list(range(len(tokens)))
    assert "{not an event}" in engine.last_words and "printed by a library" in engine.last_words
    await engine.stop()


# --- what it may have -------------------------------------------------------------------------------------------------


@linux
async def test_p24_no_core_is_left_that_would_hold_the_chat(engine: Engine) -> None:
    engine.send(fake(Script()))
    await until(engine, Loaded)
    scribes = Path(f"/proc/{engine.pid}/task/{engine.pid}/children").read_text().split()
    assert scribes
    for process in (str(engine.pid), *scribes):
        (line,) = [each for each in Path(f"/proc/{process}/limits").read_text().splitlines() if "core file" in each]
        assert line.split()[4:6] == ["0", "0"], process


DEBUGGER = '#!/bin/sh\necho "$0 $@" >> "$(dirname "$0")/started"\n'
ABORTS = """
import sys
from tui.engine.llama import Llama
from tui.knobs.table import Knobs
Llama(sys.argv[1], Knobs(num_ctx=64)).tokenize("Zoe", special=False)
"""


@pytest.fixture
def debuggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which it is written down when one is started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gdb", "lldb"):
        (folder / name).write_text(DEBUGGER)
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@linux
async def test_p23_no_debugger_is_started_when_it_aborts(engine_log: Path, debuggers: Path) -> None:
    # llama.cpp ends the process over a letter that such a vocabulary has not.
    model = debuggers / "letters.gguf"
    write_model(model, Shape())
    plain = subprocess.run([sys.executable, "-c", ABORTS, str(model)], capture_output=True)
    assert plain.returncode == -signal.SIGABRT and (debuggers / "started").exists(), "it is where it would be found"
    (debuggers / "started").unlink()
    engine = Engine(engine_log)
    await engine.start()
    engine.send(Load(str(model), Knobs(num_ctx=64)))
    engine.send(Generate((reply("a", text="Zoe"),)))
    died = (await until(engine, Died))[-1]
    assert isinstance(died, Died) and "SIGABRT" in died.reason
    assert not (debuggers / "started").exists()


@pytest.fixture
def engine_log(tmp_path: Path) -> Path:
    return tmp_path / "engine.log"


async def test_p25_the_log_of_a_dead_one_is_taken_over(engine_log: Path) -> None:
    """There is no lock and no file with a process in it: the log is all that is left, and its name may come again."""
    engine_log.write_text("what the one before said")
    engine = Engine(engine_log)
    await engine.start()
    engine.send(Describe())
    await until(engine, Machine)
    assert "one before" not in engine.last_words
    await engine.stop()


async def test_p26_no_secret_reaches_it(monkeypatch: pytest.MonkeyPatch, engine_log: Path) -> None:
    secrets = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "PGPASSWORD")
    for name in secrets:
        monkeypatch.setenv(name, "a_secret")
    engine = Engine(engine_log)
    await engine.start()
    engine.send(Describe())
    await until(engine, Machine)
    environment = Path(f"/proc/{engine.pid}/environ")
    if environment.exists():
        assert b"a_secret" not in environment.read_bytes()
    await engine.stop()


@linux
@pytest.mark.model
async def test_p03_without_memory_for_a_model_a_sentence_says_so(engine: Engine, starter: Path) -> None:
    engine.send(Describe())
    await until(engine, Machine)
    assert engine.pid
    pages = int(Path(f"/proc/{engine.pid}/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + 32 * 2**20  # the model has 98 MB
    resource.prlimit(engine.pid, resource.RLIMIT_AS, (room, room))
    engine.send(Load(str(starter), turn(Knobs(), use_mmap=0, num_ctx=512)))
    event = (await until(engine, LoadFailed))[-1]
    assert isinstance(event, LoadFailed)
    assert "unable to allocate" in event.reason
    engine.send(fake(Script()))
    await until(engine, Loaded)


class Group:
    """A memory cgroup of its own, of either version."""

    def __init__(self) -> None:
        old = Path("/sys/fs/cgroup/memory")
        self._folder = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"twiddle-{os.getpid()}"
        self._folder.mkdir()
        self._most = self._folder / ("memory.limit_in_bytes" if old.is_dir() else "memory.max")

    def hold(self, process: int, most: int) -> None:
        """Have the system kill a process that takes more."""
        self._most.write_text(str(most))
        (self._folder / "cgroup.procs").write_text(str(process))

    def close(self) -> None:
        for process in (self._folder / "cgroup.procs").read_text().split():
            os.kill(int(process), signal.SIGKILL)
        self._folder.rmdir()


@pytest.fixture
def group() -> Iterator[Group]:
    try:
        made = Group()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error.strerror}")
    yield made
    made.close()


@linux
async def test_p03_killed_for_its_memory_it_is_said_and_can_be_started_again(engine: Engine, group: Group) -> None:
    engine.send(Describe())
    await until(engine, Machine)
    assert engine.pid
    # A limit that was there before is seen by the engine, which refuses what does not fit; this one comes later.
    engine.send(fake(Script()))
    await until(engine, Loaded)
    group.hold(engine.pid, 16 * 2**20)
    engine.send(Generate((reply("a", text="read " * 2_000_000),)))
    died = (await until(engine, Died))[-1]
    assert isinstance(died, Died)
    assert died.reason == "The engine is gone: it was killed, perhaps because the machine ran out of memory (SIGKILL)."
    await engine.start()
    engine.send(fake(Script()))
    await until(engine, Loaded)


RESTARTS = depth(8, 50)
"""Restarts of real engines, half a second each."""


@linux
async def test_p22_restarts_of_real_engines_leave_nothing_in_this_program(engine_log: Path) -> None:
    engine, sizes = Engine(engine_log, SCRIPTED_CHILD), []
    for number in range(RESTARTS):
        engine.restart_limit.reset()
        await engine.start()
        engine.send(fake(Script(replies=("on and on " * 20,))))
        engine.send(Generate((reply(),)))
        await until(engine, Finished)
        assert engine.pid
        os.kill(engine.pid, DEADLY[number % len(DEADLY)])
        await until(engine, Died)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        sizes.append((pages * resource.getpagesize(), len(list(Path("/proc/self/fd").iterdir()))))
    (memory, descriptors), (memory_after, descriptors_after) = sizes[1], sizes[-1]
    assert descriptors_after <= descriptors
    assert memory_after < memory + 4 * 2**20


DEADLY = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM)
