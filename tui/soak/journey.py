"""One journey: what a person does and what befalls the program, drawn at random, from its start to its end."""

import asyncio
import signal
import sys
from pathlib import Path
from random import Random
from typing import Literal

from msgspec import Struct, json

from tui.soak.deed import DEEDS, restart
from tui.soak.fault import FAULTS
from tui.soak.invariant import Broken, Watch
from tui.soak.life import Life, living
from tui.soak.told import tell

FLUSHED = 1.5
"""Seconds after which what was written is on the disk: the half second promised, and a second for a slow disk."""


class Journey(Struct, frozen=True):
    """How a program is used, and how it ends."""

    seed: str
    model: str
    length: int
    """How many things a person does at most."""
    ending: Literal["quit", "SIGTERM", "SIGKILL"]
    after: float
    """Seconds until a signal ends it."""
    go_on: bool
    """Whether it goes on with the newest conversation."""


def draw(seed: str, model: Path) -> Journey:
    """The journey of a seed."""
    chance = Random(seed)
    ending: Literal["quit", "SIGTERM", "SIGKILL"] = chance.choice(("quit", "quit", "SIGTERM", "SIGKILL", "SIGKILL"))
    return Journey(seed, str(model), chance.randint(5, 25), ending, chance.uniform(1, 40), chance.random() < 0.5)


async def travel(journey: Journey) -> None:
    """Go through it; raises Broken."""
    travelling = asyncio.current_task()
    assert travelling
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, travelling.cancel)
    chance = Random(journey.seed)
    async with living(Path(journey.model), go_on=journey.go_on) as life:
        await life.must(lambda: life.engine.state == "ready", "the model loads", 60)
        watch = Watch(life)
        async with asyncio.TaskGroup() as beside:
            others = [beside.create_task(watch.keep()), beside.create_task(_acknowledge(life))]
            for _ in range(journey.length):
                await _go(life, chance)
                await watch.look()
            for other in others:
                other.cancel()


async def _go(life: Life, chance: Random) -> None:
    deed = chance.choice(DEEDS)
    if life.engine.state == "lost" and chance.random() < 0.5:
        deed = restart
    tell("does", deed.__name__)
    await deed(life, chance)
    if chance.random() < 0.3:
        fault = chance.choice(FAULTS)
        tell("befalls", fault.__name__)
        await fault(life, chance)


async def _acknowledge(life: Life) -> None:
    """Say what must be there from now on, whatever happens."""
    told: set[str] = set()
    while True:
        said, so_far = life.said - told, life.so_far
        await asyncio.sleep(FLUSHED)
        if await life.diary.settled(0):
            for text in said:
                tell("keeps", text)
            if so_far:
                tell("keeps the beginning of", so_far)
            told |= said


def main() -> None:
    """Travel the journey that stands in the arguments."""
    journey, code = json.decode(sys.argv[1], type=Journey), 0
    try:
        asyncio.run(travel(journey))
    except* asyncio.CancelledError:
        code = 128 + signal.SIGTERM
    except* Broken as broken:
        code = 3
        for each in broken.exceptions:
            tell("broke", str(each))
    sys.exit(code)
