"""The sides beside each other: adding one, going to the next, dropping one, keeping one alone."""

from typing import Protocol

from tui.errors import EngineError, TwiddleError
from tui.presets.library import resolve
from tui.settings import parse_setting
from tui.side import Side
from tui.slash import Deed
from tui.talk import Talk
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.panes import MOST, Panes


class Desk(Protocol):
    """What the screen does for a comparison."""

    active: int

    def settle(self) -> None: ...


class Comparison:
    """Keeps the sides of a talk and the panes that show them in step."""

    def __init__(self, desk: Desk, talk: Talk, panes: list[Pane]) -> None:
        self._desk, self._talk, self._panes = desk, talk, panes
        self.grid = Panes(panes)
        """Where the panes are."""

    async def compare(self, setting: str | None) -> None:
        """Put another side beside the active one, where that stands; raises TwiddleError."""
        side = self._talk.sides[self._desk.active]
        if setting is None:
            await self.add(side.fork())
        else:
            await self.add(Side(resolve(parse_setting(setting)), conversation=side.conversation))

    async def do(self, deed: Deed) -> None:
        """Do one of the things that are done with sides; raises TwiddleError."""
        match deed:
            case "keep":
                await self.keep()
            case "drop":
                await self.drop()

    async def add(self, side: Side) -> None:
        """Put a side beside the others; raises TwiddleError."""
        count = len(self._panes) + 1
        if self._talk.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        if count > MOST:
            raise EngineError(f"There are {MOST} sides already; F8 drops the active one.")
        if lacking := self.grid.lacking(count):
            raise EngineError(f"{count} sides need a terminal of {lacking}.")
        self._talk.sides.append(side)
        try:
            self._talk.settle()
        except TwiddleError:
            self._talk.sides.pop()
            raise
        pane = Pane()
        pane.transcript.placeholder = self._panes[0].transcript.placeholder
        self._panes.append(pane)
        await self.grid.mount(pane)
        self.grid.spread()
        pane.transcript.show(side.conversation)
        self._desk.active = count - 1

    async def drop(self) -> None:
        """Drop the active side; raises EngineError."""
        if len(self._panes) == 1:
            raise EngineError("There is one side only; F3 puts another beside it.")
        dropped = self._desk.active
        await self._leave([place for place in range(len(self._panes)) if place != dropped])

    async def keep(self) -> None:
        """Make the active side the conversation, and drop the others; raises EngineError."""
        if len(self._panes) == 1:
            raise EngineError("There is one side only; F3 puts another beside it.")
        await self._leave([self._desk.active])

    async def _leave(self, places: list[int]) -> None:
        gone = [pane for place, pane in enumerate(self._panes) if place not in places]
        for place, side in enumerate(self._talk.sides):
            if place not in places:
                self._talk.stop(side)
        self._talk.sides[:] = [self._talk.sides[place] for place in places]
        self._panes[:] = [self._panes[place] for place in places]
        self._desk.active = min(self._desk.active, len(places) - 1)
        self._desk.settle()
        for pane in gone:  # last: other messages are handled meanwhile, and find sides and panes in step
            await pane.remove()
        self.grid.spread()
