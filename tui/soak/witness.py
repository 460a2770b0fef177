"""Sends programs on their journeys, ends some of them, and looks at what they leave behind."""

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

from tui.soak.invariant import Broken, state
from tui.soak.journey import Journey, draw
from tui.soak.told import Told, What
from tui.store.store import Store

LONGEST = 600.0
"""Seconds that a journey may take."""

GONE = 2.0
"""Seconds after which nobody is left of a program that ended."""

MARK = "TWIDDLE_SOAK"


class Report(Struct, frozen=True):
    """How a journey went."""

    journey: Journey
    did: tuple[str, ...]
    befell: tuple[str, ...]
    kept: int
    """How many texts were acknowledged."""
    seconds: float

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {count}x" for name, count in Counter(self.befell).items())
        return (
            f"{self.journey.seed}: {len(self.did)} deeds, {self.kept} texts kept, ended by {self.journey.ending} "
            f"after {self.seconds:.0f} s; {faults or 'no fault'}"
        )


class Witness:
    """Remembers everything that was acknowledged in one folder, over all journeys."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._mark = folder, uuid4().hex
        self._kept: set[str] = set()
        self._begun: set[str] = set()
        self._told: list[Told] = []
        self.journey = ""
        """The seed of the newest."""

    async def travel(self, model: Path, seed: int, minutes: float) -> AsyncIterator[Report]:
        """One journey after the other, for so long, and at least one; raises Broken."""
        until, number = time.monotonic() + minutes * 60, 1
        while number == 1 or time.monotonic() < until:
            yield await self.see(draw(f"{seed}-{number}", model))
            number += 1

    @property
    def events(self) -> tuple[str, ...]:
        """What happened on the newest journey."""
        return tuple(told.text for told in self._told if told.what in ("does", "befalls"))

    async def see(self, journey: Journey) -> Report:
        """Have a journey made, and look at what is left; raises Broken."""
        self.journey, self._told, began = journey.seed, [], time.monotonic()
        code = await self._send(journey)
        seconds = time.monotonic() - began
        await self._nobody_is_left()
        self._everything_is_kept()
        for told in self._told:
            if told.what == "broke":
                raise Broken(told.text)
        if code not in _codes(journey):
            raise Broken(f"the program ended with {code}: {self._last_words()}")
        return Report(journey, self._all("does"), self._all("befalls"), len(self._all("keeps")), seconds)

    def _all(self, what: What) -> tuple[str, ...]:
        return tuple(told.text for told in self._told if told.what == what)

    async def _send(self, journey: Journey) -> int:
        """Its exit code, once it has ended or was ended."""
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "tui.soak", json.encode(journey).decode(),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log, limit=2**26,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        ends = asyncio.create_task(_end(process, journey))
        try:
            assert process.stdout
            async with asyncio.timeout(LONGEST):
                async for line in process.stdout:
                    with suppress(msgspec.DecodeError):  # the last one may be cut
                        self._told.append(json.decode(line, type=Told))
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
        """Processes with our mark in their environment."""
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
    """Send it the signal that it ends by, when it is time."""
    if journey.ending != "quit":
        await asyncio.sleep(journey.after)
        with suppress(ProcessLookupError):
            process.send_signal(signal.Signals[journey.ending])


def _codes(journey: Journey) -> set[int]:
    """Those it may end with: it may be done before the signal comes, which may come before it listens."""
    number = signal.SIGTERM if journey.ending == "SIGTERM" else signal.SIGKILL
    return {0} if journey.ending == "quit" else {0, -number, 128 + number}


def _texts(path: Path) -> Iterator[str]:
    with closing(Store(path)) as store:
        for entry in store.list(limit=10**6):
            for turn in store.load(entry.id, recent=0).conversation.turns:
                yield turn.message.content
