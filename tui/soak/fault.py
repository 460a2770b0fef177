"""What befalls the program on a journey."""

import asyncio
import os
import resource
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from tui.paths import history_path
from tui.soak.deed import keeps, restart
from tui.soak.life import Life

Fault = Callable[[Life, Random], Awaitable[None]]

DEADLY = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGTERM)


async def engine_lost(life: Life, chance: Random) -> None:
    """The engine dies at once."""
    pid, so_far = life.pid, life.so_far
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, chance.choice(DEADLY))
    await life.must(lambda: life.pid != pid, "the death of the engine is told")
    await life.must(lambda: not life.side.busy, "nothing is waited for from an engine that is gone")
    await life.must(lambda: keeps(life, so_far), "what was written when the engine died stays")


async def engine_hangs(life: Life, chance: Random) -> None:
    """The engine does not answer for a while, or until somebody ends it."""
    if life.pid is None:
        return
    pid = life.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(0.1, 3))
        if chance.random() < 0.3:
            await restart(life, chance)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def scribe_lost(life: Life, chance: Random) -> None:
    """The process dies that renders chat templates."""
    with suppress(OSError):
        for child in Path(f"/proc/{life.pid}/task/{life.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)


async def history_locked(life: Life, chance: Random) -> None:
    """Another program writes into the history, and takes its time."""
    with closing(sqlite3.connect(history_path(), timeout=0.1)) as other:
        with suppress(sqlite3.OperationalError):
            other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(chance.uniform(0.1, 4))
        other.rollback()


async def disk_full(life: Life, chance: Random) -> None:
    """No file may become larger than the history is."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = history_path().stat().st_size if history_path().exists() else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        await asyncio.sleep(chance.uniform(0.1, 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FAULTS: tuple[Fault, ...] = (engine_lost, engine_lost, engine_hangs, scribe_lost, history_locked, disk_full)
"""As often as each happens."""
