"""Faults injected on a journey."""

import asyncio
import os
import resource
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from tests.soak.actions import keeps, restart
from tests.soak.user import User
from tui.paths import history_path

Fault = Callable[[User, Random], Awaitable[None]]

DEADLY = (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGTERM)


async def engine_lost(user: User, chance: Random) -> None:
    """Kill the engine."""
    pid, so_far = user.pid, user.so_far
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, chance.choice(DEADLY))
    await user.must(lambda: user.pid != pid, "the death of the engine is told")
    await user.must(lambda: not user.side.busy, "nothing is waited for from an engine that is gone")
    await user.must(lambda: keeps(user, so_far), "what was written when the engine died stays")


async def engine_hangs(user: User, chance: Random) -> None:
    """Suspend the engine for a while, or until it is restarted."""
    if user.pid is None:
        return
    pid = user.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(0.1, 3))
        if chance.random() < 0.3:
            await restart(user, chance)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def template_worker_lost(user: User, chance: Random) -> None:
    """Kill the process that renders chat templates."""
    with suppress(OSError):
        for child in Path(f"/proc/{user.pid}/task/{user.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)


async def history_locked(user: User, chance: Random) -> None:
    """Lock the history from another connection for a while."""
    with closing(sqlite3.connect(history_path(), timeout=0.1)) as other:
        with suppress(sqlite3.OperationalError):
            other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(chance.uniform(0.1, 4))
        other.rollback()


async def disk_full(user: User, chance: Random) -> None:
    """Forbid any file to grow past the size of the history."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = history_path().stat().st_size if history_path().exists() else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        await asyncio.sleep(chance.uniform(0.1, 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FAULTS: tuple[Fault, ...] = (engine_lost, engine_lost, engine_hangs, template_worker_lost, history_locked, disk_full)
"""Repeated by weight."""
