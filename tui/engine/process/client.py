"""The parent's side of the engine: start it, send commands, read events, notice its death. asyncio only."""

import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tui.engine.protocol import GARBAGE, Answers, Command, Died, Event, Ping, Pong, Silent, decode_event, encode
from tui.errors import EngineError
from tui.paths import log_dir, make_private

MOST = 3
"""Starts within a WINDOW; after that somebody has to ask for another one."""

WINDOW = 60.0
"""Seconds."""


class RestartLimit:
    """The starts of an engine. What kills it each time would otherwise load a model for ever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: deque[float] = deque(maxlen=MOST)

    @property
    def spent(self) -> bool:
        """True if there were MOST starts within a WINDOW."""
        return len(self._made) == MOST and self._clock() - self._made[0] < WINDOW

    def count_start(self) -> None:
        """Count a start; raises EngineError when there were too many."""
        if self.spent:
            raise EngineError(f"The engine was lost {MOST} times within a minute. F12 shows why, and starts it again.")
        self._made.append(self._clock())

    def reset(self) -> None:
        """Forget the starts counted so far: somebody asked for another one."""
        self._made.clear()


CHILD: tuple[str, ...] = (
    "-P",  # a queue.py in the folder where twiddle is started is none of the engine's
    "-m",
    "tui.engine",
)
"""Arguments of Python for the child process."""

LONGEST_LINE = 64 * 2**20
"""Bytes in one event: a Finished carries its whole reply."""

LAST_WORDS = 8192
"""Bytes of the log shown after a death."""

BEAT, BEATS = 3.0, 4
"""Seconds without an event until the engine is asked whether it is there, and how many such it may leave unanswered."""

_NEEDED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LANGUAGE|LC_\w+|TMP|TEMP|TMPDIR|XDG_\w+|LD_\w+|DYLD_\w+|PYTHON\w*|VIRTUAL_ENV"
    r"|(TWIDDLE|COVERAGE|COV_CORE|MALLOC)_\w+"
    r"|(OMP|GOMP|KMP|OPENBLAS|MKL|VECLIB|GGML|LLAMA)_\w+"  # how many threads, and how they wait
    r"|(CUDA|NVIDIA|HIP|ROCR|ROCM|HSA|GPU|VK|MESA|MTL|METAL|SYCL|ONEAPI|ZE)_\w+"  # which cards, and their drivers
)
"""Names of the environment variables that the child gets."""

_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL")
"""Never, whatever it begins with: LLAMA_API_KEY."""

_CAUSES: dict[int, str] = {
    signal.SIGABRT: "llama.cpp gave up on something it could not handle",
    signal.SIGSEGV: "it crashed in native code",
    signal.SIGILL: "llama.cpp was built for a processor that can do more than this one",
    signal.SIGBUS: "the model file changed while it was in use",
    signal.SIGFPE: "it crashed in native code",
    signal.SIGKILL: "it was killed, perhaps because the machine ran out of memory",
    signal.SIGTERM: "something asked it to end",
    signal.SIGXCPU: "it took more processor time than it was allowed",
}
_MEMORY = ("MemoryError", "bad_alloc", "failed to allocate", "unable to allocate", "out of memory")
"""Words of logs that mean out of memory."""

_NO_LOG = Path(os.devnull)


def _open_log(path: Path) -> tuple[int, Path]:
    """Open the engine's log to write: in its folder, else among the temporary files, else nowhere."""
    with suppress(OSError):
        make_private(path.parent)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), path
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="twiddle-engine-", suffix=".log")
        return descriptor, Path(name)
    return os.open(_NO_LOG, os.O_WRONLY), _NO_LOG


class Engine:
    """One engine process. When it dies, `events` ends with Died; `start` makes a new one."""

    def __init__(self, log: Path | None = None, argv: Sequence[str] | None = None) -> None:
        """`log` takes the child's stderr, by default in the log folder; `argv` goes to Python, by default CHILD."""
        self._argv = argv or CHILD
        self._log = log or log_dir() / f"engine-{os.getpid()}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._ending = self._asked = False
        self._starting = asyncio.Lock()
        self.restart_limit = RestartLimit()

    @property
    def alive(self) -> bool:
        """True if the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Process id of the child that runs, or ran last."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process, if it is not running.

        Raises EngineError when it died too often to be started again.
        """
        async with self._starting:  # two who find it dead at once must not start two
            if not self.alive:
                self.restart_limit.count_start()
                self._asked = False
                await self._spawn()

    async def _spawn(self) -> None:
        descriptor, self._log = _open_log(self._log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,  # never a pipe: an undrained one hangs the child at 1 MB
                limit=LONGEST_LINE,
                start_new_session=True,  # Ctrl+C in the terminal is for us, not for the engine
                env=_environment(),
            )
        finally:
            os.close(descriptor)

    def send(self, command: Command) -> None:
        """Send a command; raises EngineError when there is no engine to take it."""
        if not self.alive or self._process is None or self._process.stdin is None:
            raise EngineError("The engine is not running.")
        with suppress(ConnectionError):  # its death is told by `events`
            self._process.stdin.write(encode(command) + b"\n")

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events of the running process; the last is Died, unless the process was stopped."""
        process = self._process
        if process is None or process.stdout is None:
            raise EngineError("The engine is not running.")
        silent = 0  # beats, not seconds: while this program is suspended, nobody can be blamed
        while True:
            try:
                async with asyncio.timeout(BEAT):
                    line = await _line(process.stdout)
            except TimeoutError:
                if process.returncode is not None:
                    break  # it is gone, and a process that it started holds the pipe
                silent += 1
                if silent == 1:
                    with suppress(EngineError):  # it has just died
                        self.send(Ping())
                elif silent == BEATS:
                    yield Silent(BEAT * BEATS)
                continue
            if not line:
                break
            if silent >= BEATS:
                yield Answers()
            silent = 0
            with suppress(*GARBAGE):  # garbage on the pipe is no event
                event = decode_event(line)
                if not isinstance(event, Pong | Silent | Answers | Died):
                    yield event
        code = await _end(process)
        if not self._ending:
            yield self._death(code)

    def kill(self) -> None:
        """End the process at once, also one that hears nothing; `events` says when it is gone."""
        if self.alive and self._process:
            self._asked = True
            _kill(self._process)

    async def stop(self) -> None:
        """End the process; at once if it does not go by itself within a second."""
        async with self._starting:  # one that is just being started must not be left behind
            process = self._process
            if process is None:
                return
            self._ending = True
            if process.stdin is not None:
                process.stdin.close()
            await _end(process)
            if self._log != _NO_LOG:
                with suppress(OSError):
                    self._log.unlink()

    def _death(self, code: int) -> Died:
        words = self.last_words
        cause = "The engine was ended, as you asked." if self._asked else _cause(code, words)
        return Died(code, cause, words, self._asked, self.restart_limit.spent)

    @property
    def last_words(self) -> str:
        """The end of its log."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""


async def _end(process: asyncio.subprocess.Process) -> int:
    """Wait for a process to end, kill it after a second, and return its exit status."""
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 1)
    _kill(process)
    with suppress(TimeoutError):  # one that waits for a disk that does not answer outlives even that
        await asyncio.wait_for(process.wait(), 1)
    # What it left unread would keep the pipes open; they are closed in the next turn of the loop.
    process._transport.close()  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    return -signal.SIGKILL if process.returncode is None else process.returncode


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process, and those that it started and may have left behind: it leads a group of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Read the next line; empty at the end of the stream, or if the line is longer than the limit."""
    try:
        return await stream.readline()
    except (ValueError, ConnectionError):
        return b""


def _environment() -> dict[str, str]:
    """Return what the child needs of our environment: the rest may be secret, and a crash report could spill it."""
    given = (name for name in os.environ if _NEEDED.fullmatch(name) and not _SECRET.search(name))
    return {name: os.environ[name] for name in given}


def _cause(code: int, words: str) -> str:
    if code and code != -signal.SIGKILL and any(word in words for word in _MEMORY):
        return f"The engine is gone: it found no memory left ({_named(code)}). A smaller num_ctx or model needs less."
    if code >= 0:
        return f"The engine ended by itself ({_named(code)})."
    return f"The engine is gone: {_CAUSES.get(-code, 'something ended it')} ({_named(code)})."


def _named(code: int) -> str:
    with suppress(ValueError):
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name
    return f"signal {-code}"
