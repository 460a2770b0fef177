"""A program in a terminal that nobody looks at, as it would be used: keys go in, what it paints comes out."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tui.errors import TwiddleError

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
