"""What must hold of the program whatever befalls it."""

import asyncio
import os
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from tui.engine.process.restart_limit import MOST, WINDOW

if TYPE_CHECKING:
    from tui.soak.life import Life

SOON = 1.0
"""Seconds that an answer to a key, or to anything else that a person does, may take."""

_DESCRIPTORS = 24
"""Above what there was at the beginning: an engine, a history and a log being opened."""

_GROWTH = 256 * 2**20
"""Bytes above what there was at the beginning: one journey's replies with all their traces."""


class Broken(Exception):
    """Something that must hold does not."""


class Watch:
    """Looks at the program while it is used; every `look` raises Broken for what it finds."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        self._pause = 0.0
        """The longest time for which the screen could not have answered."""
        self._starts: deque[float] = deque(maxlen=MOST + 1)
        self._pid = life.pid
        self._before = {"self": sizes("self")}

    async def keep(self) -> None:
        """Watch what passes too soon for a look, until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self._pause = max(self._pause, time.monotonic() - began)
            if self._life.pid not in (None, self._pid):
                self._pid = self._life.pid
                self._starts.append(began)

    async def look(self) -> None:
        """Hold everything against what it must be."""
        await self._answers()
        self._starts_seldom()
        self._stays_small("self")
        if self._life.pid and self._life.engine.state == "ready":
            self._stays_small(str(self._life.pid))
        await self._life.must(lambda: not zombies(), "a child that has ended is waited for")

    async def _answers(self) -> None:
        """A key is answered."""
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
        """An engine that keeps dying is left alone."""
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
    """Bytes of memory in use, and files open."""
    there = Path("/proc", process)
    pages = int((there / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(list((there / "fd").iterdir()))


def zombies() -> list[int]:
    """Children that have ended and nobody has waited for."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children if state(child) == "Z"]


def state(process: str) -> str:
    """What the system says of a process in a letter: R runs, S sleeps, Z is a zombie; empty when it is gone."""
    try:
        return Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
