"""Background of the terminal, dark or light, asked for by OSC 11 before the app starts.

The answer is awaited only after Textual is imported, which takes longer than most terminals; one that comes later still
is kept from the app by `tui.ui.terminal.input_parser`.
"""

import os
import re
import select
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

PATIENCE = 0.15
"""Seconds that a terminal gets to answer."""

QUESTION = b"\x1b]11;?\x1b\\"
_PART = rb"([0-9a-fA-F]{1,4})"
ANSWER = re.compile(rb"\x1b\]11;rgba?:%b/%b/%b(?:/[0-9a-fA-F]+)?(?:\x07|\x1b\\)" % (_PART, _PART, _PART))


class TerminalBackground:
    """Query of the background. The terminal echoes nothing and takes no keys until it has answered."""

    def __init__(self, path: str = "/dev/tty") -> None:
        self._path = path
        self._terminal = -1
        self._before: list[object] = []
        self._deadline = 0.0

    def __enter__(self) -> Self:
        try:
            self._terminal = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            self._before = termios.tcgetattr(self._terminal)
            quiet = termios.tcgetattr(self._terminal)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self._terminal, termios.TCSANOW, quiet)
            os.write(self._terminal, QUESTION)
        except (OSError, termios.error):  # there is no terminal
            self._close()
        self._deadline = time.monotonic() + PATIENCE
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def dark(self) -> bool | None:
        """Return True if the background is dark; None if neither the terminal nor COLORFGBG says."""
        match = ANSWER.search(self._answer())
        if match is None:
            return _read_colorfgbg(os.environ.get("COLORFGBG", ""))
        return _luminance([int(part, 16) / (16 ** len(part) - 1) for part in match.groups()]) < 0.5

    def _answer(self) -> bytes:
        answer = b""
        while self._terminal >= 0 and not ANSWER.search(answer):
            left = max(0.0, self._deadline - time.monotonic())
            # Once the deadline is past, what has come meanwhile still counts.
            if not select.select([self._terminal], [], [], left)[0]:
                break
            data = os.read(self._terminal, 256)
            if not data:
                break
            answer += data
        return answer

    def _close(self) -> None:
        if self._terminal < 0:
            return
        with suppress(OSError, termios.error):  # it may be gone
            if self._before:
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)  # type: ignore[arg-type]
        os.close(self._terminal)
        self._terminal = -1


def _luminance(colour: Sequence[float]) -> float:
    """Return the brightness of a colour to the eye, 0 to 1."""
    return sum(weight * part for weight, part in zip((0.299, 0.587, 0.114), colour, strict=True))


def _read_colorfgbg(pair: str) -> bool | None:
    """Read COLORFGBG, such as `15;0`: of its last number, 7 and 9 to 15 are light."""
    number = pair.rpartition(";")[2]
    return None if not number.isdigit() else int(number) in (*range(7), 8)
