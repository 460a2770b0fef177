"""A person at the whole screen, on scripted models. The engine runs in this process, or as a child where it may die."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from tests.engine.in_process import InProcessEngine
from tests.engine.scripted import SCRIPTED_CHILD, Script
from tui.config import LoadedConfig
from tui.engine.process.client import Engine
from tui.engine.process.pool import EnginePool, Refuse
from tui.engine.protocol import Command, Event
from tui.knobs.knob import Value
from tui.knobs.setting import parse_setting
from tui.presets.library import resolve
from tui.session.side import Side
from tui.store.async_store import AsyncStore
from tui.store.records import StoredConversation
from tui.ui import loads_of
from tui.ui.app import TwiddleApp
from tui.ui.screens.chat import ChatScreen
from tui.ui.widgets.knobs.knob_list import KnobList
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.prompt.prompt import Prompt
from tui.ui.widgets.status import Status
from tui.ui.widgets.tokens.candidates import Candidates

GREEDY = "temperature=0,seed=1"
ON_AND_ON = "on and on " * 300
ENDLESS = Script(replies=(ON_AND_ON,), delay=0.04)
UNSURE = Script(replies=(ON_AND_ON,), delay=0.04, sureness=1.5)
"""Any knob that is turned changes its odds."""

Kind = TypeVar("Kind")


class Watched(Engine):
    """An engine process that plays scripts, and a list of its commands and events."""

    def __init__(self, log: Path) -> None:
        super().__init__(log, SCRIPTED_CHILD)
        self.sent: list[Command] = []
        self.said: list[Event] = []

    def send(self, command: Command) -> None:
        super().send(command)
        self.sent.append(command)

    async def events(self) -> AsyncIterator[Event]:
        async for event in super().events():
            self.said.append(event)
            yield event

    def commands(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.sent if isinstance(each, kind)]

    def heard(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.said if isinstance(each, kind)]


class InProcess(Watched, InProcessEngine):
    """The same on threads of this process: no signal can be sent to it, and it cannot die."""


class Chat:
    """The screen, and what a person does and sees there."""

    def __init__(self, app: TwiddleApp, pilot: Pilot[None], engines: list[Watched]) -> None:
        self.app, self.pilot, self.engines, self.engine = app, pilot, engines, engines[0]
        (self.screen,) = (each for each in app.screen_stack if isinstance(each, ChatScreen))
        self.prompt, self.status = self.screen.query_one(Prompt), self.screen.query_one(Status)
        self.candidates, self.knobs = self.screen.query_one(Candidates), self.screen.query_one(KnobPanel)

    # --- doing

    async def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Let the app run until the condition holds."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await asyncio.sleep(0.01)
                await self.pilot.pause(0)
        except TimeoutError:
            raise AssertionError(f"it did not come about; the screen shows\n{self.view}") from None

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def ask(self, text: str) -> None:
        """Write a text into the prompt and send it."""
        self.prompt.focus()
        self.prompt.insert(text)
        await self.press("enter")

    async def ready(self) -> None:
        await self.until(lambda: self.state == "ready")

    async def answered(self, text: str) -> None:
        """Ask, and wait for the whole answer."""
        replies = len(self.side.conversation.turns)
        await self.ask(text)
        await self.until(lambda: len(self.side.conversation.turns) > replies + 1 and not self.side.busy)
        await self.pilot.pause()

    async def turned(self, name: str, value: Value) -> None:
        """Wait until a knob of the active side stands somewhere."""
        await self.until(lambda: getattr(self.side.knobs, name) == value)

    async def toast(self, count: int = 1) -> str:
        """Wait for so many toasts; what the newest says, in one line."""
        await self.until(lambda: len(self.toasts) == count)
        return self.toasts[-1]

    async def written(self, characters: int, pane: int = 0) -> None:
        """Wait until so much of a reply is there."""
        await self.until(lambda: len(self.panes[pane].transcript.reply.text) >= characters)

    # --- seeing

    @property
    def side(self) -> Side:
        return self.screen.side

    @property
    def panes(self) -> list[Pane]:
        return list(self.screen.query(Pane))

    @property
    def state(self) -> str:
        """Return the state of the engine in the status line."""
        return self.status.state

    @property
    def knob(self) -> str | None:
        """The knob that has the focus."""
        there = self.app.focused
        return there.state.knob.name if isinstance(there, KnobList) and there.state.knob else None

    @property
    def view(self) -> str:
        """Return the text on the terminal."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()).replace(
            "\xa0", " "
        )

    @property
    def toasts(self) -> list[str]:
        return [" ".join(str(toast.render()).split()) for toast in self.app.screen.query(Toast)]

    def said(self, pane: int = 0) -> str:
        """Return all text of a transcript, in view or not, as one line without rails."""
        stack, width = self.panes[pane].transcript.stack, self.panes[pane].transcript.viewport.width
        if not stack.entries:
            return ""
        text = " ".join(span.text for _, line in stack.between(0, stack.height, width) for span in line.spans)
        return " ".join(re.sub("[▌▏·]  ", "", text).split())


OpenChat = Callable[..., AbstractAsyncContextManager[Chat]]


def opener(monkeypatch: pytest.MonkeyPatch, log: Path) -> OpenChat:
    """A function that opens the chat on a script, a side for each setting; `others` are scripts by what FROM says."""

    @asynccontextmanager
    async def open_chat(
        script: Script,
        *settings: str,
        size: tuple[int, int] = (120, 40),
        theme: str = "",
        engine: type[Watched] = InProcess,
        refuse: Refuse = lambda wanted, beside: None,
        hook: Callable[[Message], None] | None = None,
        settled: LoadedConfig = LoadedConfig(),
        dark: bool | None = None,
        others: dict[str, Script] = {},  # noqa: B006
        diary: AsyncStore | None = None,
        going_on: StoredConversation | None = None,
        notice: str = "",
    ) -> AsyncIterator[Chat]:
        def find(reference: str, folder: Path | None = None) -> Path:
            return Path(others.get(reference, script).path)

        def make(number: int) -> Watched:
            made.append(engine(log.with_suffix(f".{number}")))
            return made[-1]

        made: list[Watched] = []
        monkeypatch.setattr("tui.presets.preset.find_model", find)
        chosen = tuple(resolve(parse_setting(setting)) for setting in settings or (GREEDY,))
        loads = loads_of(chosen, tuple(find(each.preset.model) for each in chosen))
        engines = EnginePool(make, refuse)
        await engines.start(loads)
        app = TwiddleApp(engines, chosen, loads, diary, settled, dark)
        if going_on:
            app.chat.autosave.open_sides(going_on)
        app.chat.opening_notice = notice
        try:
            async with app.run_test(size=size, notifications=True, message_hook=hook) as pilot:
                if theme:
                    app.theme = theme
                yield Chat(app, pilot, made)
        finally:
            await engines.stop()

    return open_chat
