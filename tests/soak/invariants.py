"""Invariants checked while the program runs."""

import asyncio
import os
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from tui.engine.process.client import MOST, WINDOW

if TYPE_CHECKING:
    from tests.soak.user import User

SOON = 1.0
"""Seconds within which any key must be answered."""

_DESCRIPTORS = 24
"""Open files allowed above the start: an engine, a history and a log."""

_GROWTH = 256 * 2**20
"""Bytes of memory allowed above the start: the replies of one journey with all their traces."""


class Broken(Exception):
    """Raised when an invariant is broken."""


class Monitor:
    """Monitor of the running program; `check` raises Broken."""

    def __init__(self, user: "User") -> None:
        self._life = user
        self._pause = 0.0
        """Longest time in seconds that the event loop was blocked."""
        self._starts: deque[float] = deque(maxlen=MOST + 1)
        self._pid = user.pid
        self._before = {"self": sizes("self")}

    async def sample(self) -> None:
        """Record event loop pauses and engine starts until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self._pause = max(self._pause, time.monotonic() - began)
            if self._life.pid not in (None, self._pid):
                self._pid = self._life.pid
                self._starts.append(began)

    async def check(self) -> None:
        """Check all invariants; raises Broken."""
        await self._answers()
        self._starts_seldom()
        self._stays_small("self")
        if self._life.pid and self._life.engine.state == "ready":
            self._stays_small(str(self._life.pid))
        await self._life.must(lambda: not zombies(), "a child that has ended is waited for")

    async def _answers(self) -> None:
        """Type a key and time the answer."""
        await self._life.return_to_prompt()
        prompt, began = self._life.prompt, time.monotonic()
        before = len(prompt.text)
        await self._life.press("x")
        took = time.monotonic() - began
        if len(prompt.text) != before + 1:
            raise Broken("a key that was typed is not in the prompt")
        await self._life.press("backspace")
        if max(took, self._pause) > SOON:
            raise Broken(f"a key took {took:.1f} s, and the screen stood still for {self._pause:.1f} s")

    def _starts_seldom(self) -> None:
        """Check that an engine that keeps dying is not restarted without end."""
        unasked = [start for start in self._starts if start > self._life.forgiven]
        if len(unasked) > MOST and unasked[-1] - unasked[-1 - MOST] < WINDOW:
            raise Broken(f"the engine was started {MOST + 1} times within {WINDOW:g} s")

    def _stays_small(self, process: str) -> None:
        memory, descriptors = sizes(process)
        memory_before, descriptors_before = self._before.setdefault(process, (memory, descriptors))
        if memory > memory_before + _GROWTH:
            raise Broken(f"process {process} grew from {memory_before >> 20} to {memory >> 20} MB")
        if descriptors > descriptors_before + _DESCRIPTORS:
            raise Broken(f"process {process} has {descriptors} files open, and had {descriptors_before}")


def sizes(process: str) -> tuple[int, int]:
    """Return the resident bytes and the number of open files of a process."""
    there = Path("/proc", process)
    pages = int((there / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(list((there / "fd").iterdir()))


def zombies() -> list[int]:
    """Return the children that have ended and were not waited for."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children if state(child) == "Z"]


def state(process: str) -> str:
    """Return the state letter from /proc (R runs, S sleeps, Z is a zombie), or an empty text when it is gone."""
    try:
        return Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
