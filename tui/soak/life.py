"""The whole program without a terminal, for as long as somebody uses it: real engine, real history, real keys."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.engine.process.pool import EnginePool, EngineReport
from tui.knobs.setting import parse_setting
from tui.paths import history_path
from tui.presets.library import resolve
from tui.session.side import Side
from tui.soak.invariant import Broken
from tui.store.async_store import AsyncStore
from tui.store.records import StoredConversation
from tui.store.store import Store

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui.ui.app import TwiddleApp
    from tui.ui.widgets.prompt.prompt import Prompt

SETTING = "num_predict=80"
"""Replies long enough for something to happen to them."""


class Life:
    """A person in front of the screen."""

    def __init__(
        self, app: "TwiddleApp", prompt: "Prompt", pilot: "Pilot[None]", engines: EnginePool, diary: AsyncStore
    ) -> None:
        self.app, self.prompt, self.diary = app, prompt, diary
        self._pilot, self._engines = pilot, engines
        self.asked = 0
        """How many questions there were."""
        self.forgiven = 0.0
        """When somebody last asked for the engine to be started, on the clock of `time.monotonic`."""

    @property
    def side(self) -> Side:
        """The active one."""
        return self.app.chat.side

    @property
    def engine(self) -> EngineReport:
        """How it is with the engine of the first side."""
        return self._engines.reports()[0]

    @property
    def pid(self) -> int | None:
        """Of the engine, if it runs."""
        return None if self.engine.state == "lost" else self.engine.pid

    @property
    def said(self) -> set[str]:
        """Every text of the active side that is not being written any more."""
        return {turn.message.content for turn in self.side.conversation.turns}

    @property
    def so_far(self) -> str:
        """What is there of the reply being written."""
        return self.side.reply.text if self.side.busy and self.side.reply else ""

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait until they are dealt with."""
        await self._pilot.press(*keys)

    async def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""
        await self._pilot.resize_terminal(width, height)

    async def write(self, text: str) -> None:
        """Go to the prompt, write a text there in place of what it holds, and send it."""
        await self.return_to_prompt()
        self.prompt.clear()
        self.prompt.insert(text)
        await self.press("enter")

    async def return_to_prompt(self) -> None:
        """Leave whatever is open above the chat."""
        while self.app.screen is not self.app.chat:
            await self.press("escape")
        self.prompt.focus()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition, so long at most; whether it came about."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def must(self, condition: Callable[[], bool], what: str, seconds: float = 1.0) -> None:
        """Wait for what has to come about in time; raises Broken."""
        if not await self.until(condition, seconds):
            raise Broken(f"{what}: not within {seconds:g} s")


@asynccontextmanager
async def living(model: Path, *, go_on: bool) -> AsyncIterator[Life]:
    """The program, opened as `tui.ui.start` opens it; with the newest conversation, where it is to go on."""
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_FPS": "120"}  # read once, when Textual is imported
    from tui.ui import loads_of
    from tui.ui.app import TwiddleApp
    from tui.ui.widgets.prompt.prompt import Prompt

    chosen = resolve(parse_setting(SETTING))
    chosen = replace(chosen, preset=replace(chosen.preset, model=str(model)))
    loads = loads_of((chosen,), (model,))
    kept = _newest() if go_on else None
    engines, diary = EnginePool(), AsyncStore(history_path())
    await engines.start(loads)
    app = TwiddleApp(engines, (chosen,), loads, diary)
    if kept:
        app.chat.autosave.open(kept, app.chat.side)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            yield Life(app, app.chat.query_one(Prompt), pilot, engines, diary)
    finally:
        await engines.stop()
        app.chat.autosave.save()
        await diary.close()


def _newest() -> StoredConversation | None:
    store = Store(history_path())
    try:
        number = store.newest()
        return None if number is None else store.load(number)
    finally:
        store.close()
