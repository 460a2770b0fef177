"""Runs journeys in child processes, kills some of them, and checks the files and processes left behind."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct, json

from tests.soak.invariants import Broken, state
from tests.soak.journey import Journey, draw
from tests.soak.records import Event, Kind
from tui.store.store import Store

LONGEST = 600.0
"""Most seconds of a journey."""

GONE = 2.0
"""Seconds within which all child processes must have ended."""

MARK = "TWIDDLE_SOAK"


class Report(Struct, frozen=True):
    """Result of a journey."""

    journey: Journey
    did: tuple[str, ...]
    faults: tuple[str, ...]
    kept: int
    """Number of acknowledged texts."""
    seconds: float

    def __str__(self) -> str:
        names = ", ".join(f"{name} {count}x" for name, count in Counter(self.faults).items())
        return (
            f"{self.journey.seed}: {len(self.did)} actions, {self.kept} texts kept, ended by {self.journey.ending} "
            f"after {self.seconds:.0f} s; {names or 'no fault'}"
        )


class Observer:
    """Observer of all journeys in one folder; remembers every acknowledged text."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._mark = folder, uuid4().hex
        self._kept: set[str] = set()
        self._begun: set[str] = set()
        self._events: list[Event] = []
        self.journey = ""
        """Seed of the newest journey."""

    async def run(self, model: Path, seed: int, minutes: float) -> AsyncIterator[Report]:
        """Run journeys for so many minutes, at least one; raises Broken."""
        until, number = time.monotonic() + minutes * 60, 1
        while number == 1 or time.monotonic() < until:
            yield await self.run_one(draw(f"{seed}-{number}", model))
            number += 1

    @property
    def events(self) -> tuple[str, ...]:
        """Actions and faults of the newest journey."""
        return tuple(event.text for event in self._events if event.kind in ("does", "befalls"))

    async def run_one(self, journey: Journey) -> Report:
        """Run one journey and check what it left; raises Broken."""
        self.journey, self._events, began = journey.seed, [], time.monotonic()
        code = await self._run_child(journey)
        seconds = time.monotonic() - began
        await self._nobody_is_left()
        self._everything_is_kept()
        for event in self._events:
            if event.kind == "broke":
                raise Broken(event.text)
        if code not in _codes(journey):
            raise Broken(f"the program ended with {code}: {self._last_words()}")
        return Report(journey, self._all("does"), self._all("befalls"), len(self._all("keeps")), seconds)

    def _all(self, kind: Kind) -> tuple[str, ...]:
        return tuple(event.text for event in self._events if event.kind == kind)

    async def _run_child(self, journey: Journey) -> int:
        """Run the journey in a child process and return its exit code."""
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "tests.soak.journey", json.encode(journey).decode(),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log, limit=2**26,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        ends = asyncio.create_task(_end(process, journey))
        try:
            assert process.stdout
            async with asyncio.timeout(LONGEST):
                async for line in process.stdout:
                    with suppress(msgspec.DecodeError):  # the last one may be cut
                        self._events.append(json.decode(line, type=Event))
                return await process.wait()
        except TimeoutError:
            raise Broken(f"the journey had not ended after {LONGEST:g} s") from None
        finally:
            ends.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _nobody_is_left(self) -> None:
        until = time.monotonic() + GONE
        for process in self._left():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGCONT)  # one that is suspended cannot know that it is alone
        while left := list(self._left()):
            if time.monotonic() > until:
                raise Broken(f"{len(left)} processes are left {GONE:g} s after the program ended")
            await asyncio.sleep(0.05)

    def _left(self) -> Iterator[str]:
        """Find processes with our mark in their environment."""
        for place in Path("/proc").iterdir():
            with suppress(OSError):
                ours = place.name.isdigit() and self._mark.encode() in (place / "environ").read_bytes()
                if ours and state(place.name) not in ("", "Z"):
                    yield place.name

    def _everything_is_kept(self) -> None:
        self._kept.update(self._all("keeps"))
        self._begun.update(self._all("keeps the beginning of"))
        path = self._history
        if not path.exists():
            if self._kept or self._begun:
                raise Broken("the history is gone")
            return
        with closing(sqlite3.connect(path)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise Broken(f"the history is damaged: {found}")
        there = set(_texts(path))
        if lost := self._kept - there:
            raise Broken(f"{len(lost)} texts that were acknowledged are lost, such as {lost.pop()[:80]!r}")
        self._begun = {text for text in self._begun if not any(each.startswith(text) for each in there)}
        if self._begun:
            raise Broken(f"the beginning of a reply is lost: {self._begun.pop()[:80]!r}")

    @property
    def _history(self) -> Path:
        return self._folder / "history.db"

    @property
    def _log(self) -> Path:
        return self._folder / "stderr.log"

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _environment(self) -> dict[str, str]:
        own = {f"XDG_{name.upper()}_HOME": str(self._folder / name) for name in ("config", "data", "state")}
        own |= {"HOME": str(self._folder), "TWIDDLE_HISTORY": str(self._history)}
        return {**os.environ, **own, MARK: self._mark}


async def _end(process: asyncio.subprocess.Process, journey: Journey) -> None:
    """Send the signal of the journey at its time."""
    if journey.ending != "quit":
        await asyncio.sleep(journey.after)
        with suppress(ProcessLookupError):
            process.send_signal(signal.Signals[journey.ending])


def _codes(journey: Journey) -> set[int]:
    """Return the allowed exit codes: it may end before the signal, which may come before it is handled."""
    number = signal.SIGTERM if journey.ending == "SIGTERM" else signal.SIGKILL
    return {0} if journey.ending == "quit" else {0, -number, 128 + number}


def _texts(path: Path) -> Iterator[str]:
    with closing(Store(path)) as store:
        for entry in store.list(limit=10**6):
            for turn in store.load(entry.id, recent=0).conversation.turns:
                yield turn.message.content
