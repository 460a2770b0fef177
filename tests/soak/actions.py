"""Actions of a user on a journey."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random

from tests.soak.records import emit
from tests.soak.user import User

Action = Callable[[User, Random], Awaitable[None]]

TOPICS = ("the sea", "bread", "a lighthouse", "prime numbers", "the colour blue", "Warsaw", "rain", "an old clock")
KNOB_VALUES = (
    ("temperature", "0", "0.7", "1.6"),
    ("top_k", "1", "40", "0"),
    ("min_p", "0", "0.2"),
    ("repeat_penalty", "1", "1.2"),
    ("num_predict", "5", "80", "200"),
    ("strategy", "sample", "sample", "beam", "contrastive"),
)


async def ask(user: User, chance: Random) -> None:
    """Ask something that was never asked before."""
    user.asked += 1
    question = f"{user.asked} {chance.random():.12f} Tell me about {chance.choice(TOPICS)}."
    await user.write(question)
    if await user.until(lambda: question in user.said, 3) and await user.store.wait_saved(0):
        emit("keeps", question)  # it was written down before the model saw it


async def wait(user: User, chance: Random) -> None:
    """Wait for the reply, or for some of it."""
    await user.until(lambda: not user.side.busy, chance.uniform(0.1, 4))


async def stop(user: User, chance: Random) -> None:
    """Press Esc while the reply is written."""
    await asyncio.sleep(chance.random())
    await user.return_to_prompt()
    if user.side.busy:
        so_far = user.so_far
        await user.press("escape")
        await user.must(lambda: not user.side.busy, "Esc stops the reply")
        await user.must(lambda: keeps(user, so_far), "what was written when it was stopped stays")


async def turn_knob(user: User, chance: Random) -> None:
    """Set a knob to a random value, at any time."""
    name, *values = chance.choice(KNOB_VALUES)
    await user.write(f"/set parameter {name} {chance.choice(values)}")


async def regenerate(user: User, chance: Random) -> None:
    """Regenerate the last reply."""
    await user.write("/again")


async def clear_chat(user: User, chance: Random) -> None:
    """Start a new conversation."""
    await user.write("/clear")


async def compare(user: User, chance: Random) -> None:
    """Add a side, keep one side, or move to the next."""
    await user.write(chance.choice(("/compare temperature=1.5", "/keep", "/next")))


async def inspect_tokens(user: User, chance: Random) -> None:
    """Open the token view of the newest reply and move in it."""
    await user.return_to_prompt()
    await user.press("ctrl+t")
    await user.press(*chance.choices(("left", "right", "n", "end"), k=4))
    await user.press("ctrl+t")


async def resize(user: User, chance: Random) -> None:
    """Resize the terminal twenty times."""
    for _ in range(20):
        await user.resize(chance.randint(60, 200), chance.randint(16, 60))
    await user.resize(120, 40)


async def restart(user: User, chance: Random) -> None:
    """Restart the engine with F12, r. It must not be sent the last question again by itself."""
    await user.return_to_prompt()
    so_far, before = user.so_far, user.pid
    await user.press("f12")
    user.forgiven = time.monotonic()
    await user.press("r")
    another = lambda: user.pid not in (None, before) and user.engine.state == "ready"  # noqa: E731
    await user.must(another, "the engine starts again", 60)
    await user.must(lambda: keeps(user, so_far), "what was written when the engine was ended stays")
    await user.must(lambda: not user.side.busy, "a new engine is asked nothing by itself")


def keeps(user: User, so_far: str) -> bool:
    """True if the running reply or a finished one starts with this text."""
    return user.so_far.startswith(so_far) or any(text.startswith(so_far) for text in user.said)


ACTIONS: tuple[Action, ...] = (
    ask,
    ask,
    ask,
    ask,
    wait,
    wait,
    stop,
    turn_knob,
    turn_knob,
    regenerate,
    clear_chat,
    compare,
    inspect_tokens,
    resize,
)
"""Repeated by weight; `restart` is used when the engine is lost."""
