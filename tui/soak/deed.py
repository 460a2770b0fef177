"""What a person does on a journey."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random

from tui.soak.life import Life
from tui.soak.told import tell

Deed = Callable[[Life, Random], Awaitable[None]]

TOPICS = ("the sea", "bread", "a lighthouse", "prime numbers", "the colour blue", "Warsaw", "rain", "an old clock")
TURNS = (
    ("temperature", "0", "0.7", "1.6"),
    ("top_k", "1", "40", "0"),
    ("min_p", "0", "0.2"),
    ("repeat_penalty", "1", "1.2"),
    ("num_predict", "5", "80", "200"),
    ("strategy", "sample", "sample", "beam", "contrastive"),
)


async def ask(life: Life, chance: Random) -> None:
    """Ask something that was never asked before."""
    life.asked += 1
    question = f"{life.asked} {chance.random():.12f} Tell me about {chance.choice(TOPICS)}."
    await life.write(question)
    if await life.until(lambda: question in life.said, 3) and await life.diary.settled(0):
        tell("keeps", question)  # it was written down before the model saw it


async def wait(life: Life, chance: Random) -> None:
    """Read the answer, or the beginning of it."""
    await life.until(lambda: not life.side.busy, chance.uniform(0.1, 4))


async def stop(life: Life, chance: Random) -> None:
    """Have enough of the answer."""
    await asyncio.sleep(chance.random())
    await life.return_to_prompt()
    if life.side.busy:
        so_far = life.so_far
        await life.press("escape")
        await life.must(lambda: not life.side.busy, "Esc stops the reply")
        await life.must(lambda: keeps(life, so_far), "what was written when it was stopped stays")


async def turn(life: Life, chance: Random) -> None:
    """Turn a knob, whatever is going on."""
    name, *values = chance.choice(TURNS)
    await life.write(f"/set parameter {name} {chance.choice(values)}")


async def again(life: Life, chance: Random) -> None:
    """Have the last question answered anew."""
    await life.write("/again")


async def begin_anew(life: Life, chance: Random) -> None:
    """Leave the conversation for a new one."""
    await life.write("/clear")


async def compare(life: Life, chance: Random) -> None:
    """Put a second side beside the first, or keep one alone."""
    await life.write(chance.choice(("/compare temperature=1.5", "/keep", "/next")))


async def look(life: Life, chance: Random) -> None:
    """Look at the newest reply token by token."""
    await life.return_to_prompt()
    await life.press("ctrl+t")
    await life.press(*chance.choices(("left", "right", "n", "end"), k=4))
    await life.press("ctrl+t")


async def resize(life: Life, chance: Random) -> None:
    """Drag the corner of the terminal."""
    for _ in range(20):
        await life.resize(chance.randint(60, 200), chance.randint(16, 60))
    await life.resize(120, 40)


async def restart(life: Life, chance: Random) -> None:
    """End the engine and start it again. Nothing is written then: what ended it must not be asked by itself."""
    await life.return_to_prompt()
    so_far, before = life.so_far, life.pid
    await life.press("f12")
    life.forgiven = time.monotonic()
    await life.press("r")
    another = lambda: life.pid not in (None, before) and life.engine.state == "ready"  # noqa: E731
    await life.must(another, "the engine starts again", 60)
    await life.must(lambda: keeps(life, so_far), "what was written when the engine was ended stays")
    await life.must(lambda: not life.side.busy, "a new engine is asked nothing by itself")


def keeps(life: Life, so_far: str) -> bool:
    """Whether a text is there that begins like this."""
    return life.so_far.startswith(so_far) or any(text.startswith(so_far) for text in life.said)


DEEDS: tuple[Deed, ...] = (ask, ask, ask, ask, wait, wait, stop, turn, turn, again, begin_anew, compare, look, resize)
"""As often as each is done; `restart` is for when nothing else helps."""
