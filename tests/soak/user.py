"""The whole program without a terminal: real engine, real history, real keys."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.soak.invariants import Broken
from tui.engine.process.pool import EnginePool, EngineReport
from tui.knobs.setting import parse_setting
from tui.paths import history_path
from tui.presets.library import resolve
from tui.session.side import Side
from tui.store.async_store import AsyncStore
from tui.store.records import StoredConversation
from tui.store.store import Store

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui.ui.app import TwiddleApp
    from tui.ui.widgets.prompt.prompt import Prompt

SETTING = "num_predict=80"
"""Setting with replies long enough to be interrupted."""


class User:
    """A user at the screen."""

    def __init__(
        self, app: "TwiddleApp", prompt: "Prompt", pilot: "Pilot[None]", engines: EnginePool, store: AsyncStore
    ) -> None:
        self.app, self.prompt, self.store = app, prompt, store
        self._pilot, self._engines = pilot, engines
        self.asked = 0
        """Number of questions asked."""
        self.forgiven = 0.0
        """Time of the last restart by hand, on the clock of `time.monotonic`."""

    @property
    def side(self) -> Side:
        """The active side."""
        return self.app.chat.side

    @property
    def engine(self) -> EngineReport:
        """State of the engine of the first side."""
        return self._engines.reports()[0]

    @property
    def pid(self) -> int | None:
        """Process id of the engine, or None when it is lost."""
        return None if self.engine.state == "lost" else self.engine.pid

    @property
    def said(self) -> set[str]:
        """Texts of all finished messages of the active side."""
        return {turn.message.content for turn in self.side.conversation.turns}

    @property
    def so_far(self) -> str:
        """Text of the running reply so far."""
        return self.side.reply.text if self.side.busy and self.side.reply else ""

    async def press(self, *keys: str) -> None:
        """Press keys one after the other and wait until they are handled."""
        await self._pilot.press(*keys)

    async def resize(self, width: int, height: int) -> None:
        """Resize the terminal."""
        await self._pilot.resize_terminal(width, height)

    async def write(self, text: str) -> None:
        """Replace the text of the prompt and send it."""
        await self.return_to_prompt()
        self.prompt.clear()
        self.prompt.insert(text)
        await self.press("enter")

    async def return_to_prompt(self) -> None:
        """Close any dialog and focus the prompt."""
        while self.app.screen is not self.app.chat:
            await self.press("escape")
        self.prompt.focus()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition up to a limit; return True if it was met."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def must(self, condition: Callable[[], bool], what: str, seconds: float = 1.0) -> None:
        """Wait for a condition that must be met in time; raises Broken."""
        if not await self.until(condition, seconds):
            raise Broken(f"{what}: not within {seconds:g} s")


@asynccontextmanager
async def running(model: Path, *, go_on: bool) -> AsyncIterator[User]:
    """Run the program as `tui.ui.start` does; with `go_on` it continues the newest conversation."""
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_FPS": "120"}  # read once, when Textual is imported
    from tui.ui import loads_of
    from tui.ui.app import TwiddleApp
    from tui.ui.widgets.prompt.prompt import Prompt

    chosen = resolve(parse_setting(SETTING))
    chosen = replace(chosen, preset=replace(chosen.preset, model=str(model)))
    loads = loads_of((chosen,), (model,))
    kept = _newest() if go_on else None
    engines, store = EnginePool(), AsyncStore(history_path())
    await engines.start(loads)
    app = TwiddleApp(engines, (chosen,), loads, store)
    if kept:
        app.chat.autosave.open(kept, app.chat.side)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            yield User(app, app.chat.query_one(Prompt), pilot, engines, store)
    finally:
        await engines.stop()
        app.chat.autosave.save()
        await store.close()


def _newest() -> StoredConversation | None:
    with closing(Store(history_path())) as store:
        number = store.newest()
        return None if number is None else store.load(number)
