"""Benchmarks of the screen, in a real terminal, and of its long widgets."""

import asyncio
import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tui.bench.baseline import Endless
from tui.bench.long_widgets import MESSAGES, TOKENS, marathon
from tui.bench.reply_speed import CONTEXT, QUESTION, rate
from tui.bench.result import Result, ratios
from tui.errors import TwiddleError
from tui.knobs.table import Knobs

COLUMNS, ROWS = 160, 45
PATIENCE = 120.0
"""Seconds until what is waited for must have been painted."""

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?>=$]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_TICK = os.sysconf("SC_CLK_TCK")


class Terminal:
    """The program from its start on; it is ended with the `with`."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._started = time.perf_counter()
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execv(argv[0], list(argv))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGTERM)
        end = time.perf_counter() + 5
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            self._read(0.05)
            if time.perf_counter() > end:
                os.kill(self._pid, signal.SIGKILL)
        os.close(self._file)

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self._started

    @property
    def cpu(self) -> float | None:
        """Seconds of a core that it has used without its children; None where the system does not say."""
        with suppress(OSError):
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICK
        return None

    def send(self, text: str) -> None:
        """Type a text."""
        os.write(self._file, text.encode())

    def wait(self, wanted: str) -> re.Match[str]:
        """Read until something was painted; raises TwiddleError where it never is."""
        painted, deadline = "", time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            painted = painted[-20_000:] + self._read(0.2)
            if found := re.search(wanted, _SEQUENCE.sub("", painted)):
                return found
        raise TwiddleError(f"The program in the terminal never painted {wanted!r}.")

    def drain(self, seconds: float) -> None:
        """Read what is painted for some time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def _read(self, seconds: float) -> str:
        if not select.select([self._file], [], [], seconds)[0]:
            return ""
        with suppress(OSError):  # it has ended
            return os.read(self._file, 65536).decode(errors="replace")
        time.sleep(0.01)
        return ""


TWIDDLE = (sys.executable, "-m", "tui")
BARE = (
    sys.executable, "-c",
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Bare(App):\n    def compose(self):\n        yield Static('Bare')\nBare().run()",
)  # fmt: skip

LETTERS = [chr(code) for code in range(0x3B1, 0x3CA)]
"""Typed one at a time: nothing else on the screen is Greek."""

PAUSE = (0.08, 0.2)
"""Seconds between two keys."""


def screen(name: str, path: Path, rounds: int, tokens: int, *, keys: int) -> Iterator[Result]:
    """Measure the screen; `keys` is the number of keys typed each time that typing is timed."""
    started = ratios(rounds, lambda: _first_paint(*TWIDDLE, "chat", "--no-history"), lambda: _first_paint(*BARE))
    yield Result("first paint / that of a bare Textual app", "screen", "ratio", started, 1.5, higher=False)
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "endless.Modelfile"
        model = Endless(str(path), CONTEXT)
        try:
            preset.write_text(_endless(path, model))
            beside = ratios(rounds, lambda: _rate(preset, tokens), lambda: rate(model, tokens, Knobs(seed=1)))
        finally:
            model.close()
        yield Result("with the screen / engine alone", name, "ratio", beside, 0.9)
        for what, most, load, argv in (
            ("nothing is written", 20, None, ("chat", "--no-history")),
            ("one reply is written", None, 0.2, ("chat", "--no-history", str(preset))),
            ("two replies are written", 35, 0.4, ("compare", f"{preset},temperature=0.2", f"{preset},temperature=1.4")),
        ):
            pressed, used = _typing(argv, keys, asked=load is not None)
            yield Result(f"key to paint while {what}, the slowest of twenty", name, "ms", pressed, most, higher=False)
            if load and used:
                yield Result(f"screen while {what}", name, "of a core", (used,), load, higher=False)
    long = asyncio.run(marathon(rounds))
    yield Result(f"opening {MESSAGES:,} messages", "screen", "ms", long.opened, 500, higher=False)
    yield Result("a page up in them", "screen", "ms", long.turned, 16, higher=False)
    yield Result(f"recolouring {TOKENS:,} tokens", "screen", "ms", long.recoloured, 16, higher=False)


def _first_paint(*argv: str) -> float:
    with Terminal(argv) as terminal:
        terminal.wait("Bare|F1 for all keys")
        return terminal.age


def _endless(path: Path, model: Endless) -> str:
    """Build a preset whose replies do not end by themselves."""
    ends = [token for token in range(model.info.vocabulary) if super(Endless, model).is_end(token)]
    lines = [f'FROM "{path}"', f"PARAMETER num_ctx {CONTEXT.num_ctx}", "PARAMETER seed 1"]
    return "\n".join([*lines, *(f"PARAMETER logit_bias #{token}:-100" for token in ends), ""])


def _rate(preset: Path, tokens: int) -> float:
    with Terminal((*TWIDDLE, "chat", "--no-history", f"{preset},num_predict={tokens}")) as terminal:
        terminal.wait("ready")
        terminal.send(f"{QUESTION[0].content}\r")
        return float(terminal.wait(rf"{tokens} tokens · (\d+) tok/s")[1])


def _typing(argv: tuple[str, ...], keys: int, *, asked: bool) -> tuple[tuple[float, ...], float | None]:
    """Milliseconds from key to paint, the 95th percentile of every twenty keys; and the share of a core it took."""
    chance, waits = random.Random(1), list[float]()
    with Terminal((*TWIDDLE, *argv)) as terminal:
        terminal.wait("ready")
        if asked:
            terminal.send(f"{QUESTION[0].content}\r")
        terminal.drain(3)
        used, began = terminal.cpu, terminal.age
        for number in range(keys):
            terminal.drain(chance.uniform(*PAUSE))
            letter = LETTERS[number % len(LETTERS)]
            pressed = terminal.age
            terminal.send(letter)
            terminal.wait(letter)
            waits.append((terminal.age - pressed) * 1000)
        after, seconds = terminal.cpu, terminal.age - began
    slowest = tuple(sorted(waits[start : start + 20])[-2] for start in range(0, max(keys - 1, 1), 20))
    return slowest, None if used is None or after is None else (after - used) / seconds
