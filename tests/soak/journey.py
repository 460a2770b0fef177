"""One journey: random user actions and random faults in one run of the program.

`python -m tests.soak.journey JSON` runs it in a process of its own, which can be killed.
"""

import asyncio
import signal
import sys
from pathlib import Path
from random import Random
from typing import Literal

from msgspec import Struct, json

from tests.soak.actions import ACTIONS, restart
from tests.soak.faults import FAULTS
from tests.soak.invariants import Broken, Monitor
from tests.soak.records import emit
from tests.soak.user import User, running

FLUSHED = 1.5
"""Seconds until written text must be on the disk: the half second promised, and a second for a slow disk."""


class Journey(Struct, frozen=True):
    """Parameters of a journey, all drawn from its seed."""

    seed: str
    model: str
    length: int
    """Most actions."""
    ending: Literal["quit", "SIGTERM", "SIGKILL"]
    after: float
    """Seconds until the signal is sent."""
    go_on: bool
    """True if it continues the newest conversation."""


def draw(seed: str, model: Path) -> Journey:
    """Draw a journey from a seed."""
    chance = Random(seed)
    ending: Literal["quit", "SIGTERM", "SIGKILL"] = chance.choice(("quit", "quit", "SIGTERM", "SIGKILL", "SIGKILL"))
    return Journey(seed, str(model), chance.randint(5, 25), ending, chance.uniform(1, 40), chance.random() < 0.5)


async def run(journey: Journey) -> None:
    """Run a journey; raises Broken."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    chance = Random(journey.seed)
    async with running(Path(journey.model), go_on=journey.go_on) as user:
        await user.must(lambda: user.engine.state == "ready", "the model loads", 60)
        monitor = Monitor(user)
        async with asyncio.TaskGroup() as beside:
            others = [beside.create_task(monitor.sample()), beside.create_task(_acknowledge(user))]
            for _ in range(journey.length):
                await _act(user, chance)
                await monitor.check()
            for other in others:
                other.cancel()


async def _act(user: User, chance: Random) -> None:
    action = chance.choice(ACTIONS)
    if user.engine.state == "lost" and chance.random() < 0.5:
        action = restart
    emit("does", action.__name__)
    await action(user, chance)
    if chance.random() < 0.3:
        fault = chance.choice(FAULTS)
        emit("befalls", fault.__name__)
        await fault(user, chance)


async def _acknowledge(user: User) -> None:
    """Emit the texts that are saved, and so must survive."""
    reported: set[str] = set()
    while True:
        said, so_far = user.said - reported, user.so_far
        await asyncio.sleep(FLUSHED)
        if await user.store.wait_saved(0):
            for text in said:
                emit("keeps", text)
            if so_far:
                emit("keeps the beginning of", so_far)
            reported |= said


def main() -> None:
    """Run the journey given as JSON in the arguments."""
    journey, code = json.decode(sys.argv[1], type=Journey), 0
    try:
        asyncio.run(run(journey))
    except* asyncio.CancelledError:
        code = 128 + signal.SIGTERM
    except* Broken as broken:
        code = 3
        for each in broken.exceptions:
            emit("broke", str(each))
    sys.exit(code)


if __name__ == "__main__":
    main()
