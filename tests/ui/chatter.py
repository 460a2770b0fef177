"""Chats that go on until they are killed, and say what they were told is safe: a kind and a text in JSON, one a line.

`python -m tests.ui.chatter HISTORY KILLS SEED` kills so many of them, one after the other, at random points. Each is
forked off this program, which has everything imported, and so are its engine and scribe: no Python has to start.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

from msgspec import json

from tests.engine.scripted import Script, open_scripted
from tui.engine.__main__ import main as be_an_engine
from tui.engine.llama import Llama as _what_an_engine_imports_when_it_loads  # noqa: F401
from tui.engine.process.client import Engine
from tui.engine.process.pool import EnginePool
from tui.engine.prompt.template_worker import main as be_a_scribe
from tui.engine.protocol import Load, Token
from tui.knobs.setting import parse_setting
from tui.knobs.table import fixed
from tui.presets.library import resolve
from tui.session.session import Session
from tui.session.side import Side
from tui.store.async_store import AsyncStore
from tui.ui.controllers.autosave import FLUSH, Autosave

MOST = 1.0
"""Seconds that a chat lives at most after its first word: two answers, and two flushes."""


def say(what: str, text: object) -> None:
    os.write(1, json.encode((what, str(text))) + b"\n")


class Chatter:
    """Chat without its screen: see `tui.ui.screens.chat`."""

    def __init__(self, history: Path, number: int) -> None:
        script = Script(tuple(f"answer {number}-{each}. {'on and on ' * 15}" for each in range(9)), delay=0.002)
        chosen = resolve(parse_setting("temperature=0,seed=1"))
        self._load = Load(script.path, fixed(chosen.knobs))
        self._side = Side(chosen, self._load)
        self._engines = EnginePool(lambda made: Engine(history.with_name(f"engine-{number}.log")))
        self._diary, self._number = AsyncStore(history), number
        self._session = Session([self._side], self._engines)
        self._keeper = Autosave(self._diary, self._session, (), cast(Any, None))  # nothing is shown

    async def chat(self) -> None:
        await self._engines.start((self._load,))
        say("engine", self._engines.reports()[0].pid)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._flush())
            for each in count():
                await self._ask(f"question {self._number}-{each}.")

    async def _ask(self, question: str) -> None:
        asked = self._session.prepare(question)
        await self._keeper.save_first(asked)
        if await self._diary.wait_saved(0):
            for turn in asked.after[self._side].turns[-2:]:  # with what was answered before
                say("said", turn.message.content)
        self._session.commit(asked)
        while self._side.busy:
            await asyncio.sleep(0.005)

    async def _listen(self) -> None:
        async for said in self._engines.events():
            if isinstance(said.event, Token) and not said.event.index:
                say("writes", said.event.id)
            self._session.on_event(said.event, said.load)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH)
            so_far = self._side.reply.text if self._side.reply else ""
            self._keeper.save()
            if await self._diary.wait_saved():
                say("begun", so_far)


def fork(deed: Callable[[], None]) -> None:
    """Do a deed in place of what was to be executed."""
    os.closerange(3, 256)  # whoever forked waits for the end of one of these
    deed()
    os._exit(0)


def fork_an_engine() -> None:
    subprocess.Popen = partial(subprocess.Popen, preexec_fn=partial(fork, be_a_scribe))  # type: ignore[assignment, misc]
    be_an_engine(open_scripted)


def kill(history: Path, number: int, chance: random.Random) -> bytes:
    """Output of a chat until it was killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(writer, 1)
        asyncio.run(Chatter(history, number).chat())
    os.close(writer)
    said = b""
    while number % 4 and b"writes" not in said:  # some of them sooner, before it is at work
        said += os.read(reader, 65536)
    time.sleep(chance.random() * MOST)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while part := os.read(reader, 65536):
        said += part
    os.close(reader)
    return said[: said.rfind(b"\n") + 1]


def main() -> None:
    history, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    asyncio.create_subprocess_exec = partial(asyncio.create_subprocess_exec, preexec_fn=partial(fork, fork_an_engine))
    for number in range(kills):
        sys.stdout.buffer.write(kill(history, number, chance))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
