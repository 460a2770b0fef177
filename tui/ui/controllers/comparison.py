"""The sides beside each other: adding one, going to the next, dropping one, keeping one alone."""

from typing import Any, Protocol, get_args

from textual.app import App

from tui.conversation.conversation import join
from tui.errors import EngineError, TwiddleError
from tui.knobs.setting import parse_setting
from tui.presets.library import resolve
from tui.prompt_line.commands import SideAction
from tui.session.session import Session
from tui.session.side import Side
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.blind import BlindComparison
from tui.ui.controllers.comparison_view import ComparisonView
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.panes import MOST, Panes
from tui.ui.widgets.prompt.prompt import Prompt

_OF_SEVERAL = [(f"/{deed}",) for deed in get_args(SideAction) if deed != "tally"]
_OF_ONE = [("/preset",), ("/compare",), ("/tree",), ("/history",), ("/drop",), ("/only",)]
_TELLING = ("look", "toggle_knobs")
_DECIDING: dict[tuple[object, ...], bool] = {("/keep",): False, ("/vote",): True}
"""What one key does, and whether it does that with hidden sides."""
_ALONE = "There is one side only; F3 puts another beside it."


class Desk(Protocol):
    """What the screen does for a comparison."""

    active: int

    @property
    def app(self) -> App[Any]: ...
    @property
    def autosave(self) -> Autosave: ...
    def settle(self) -> None: ...
    def refresh_bindings(self) -> None: ...
    def set_class(self, add: bool, *class_names: str) -> object: ...


class Comparison:
    """Keeps the sides of a talk and the panes that show them in step."""

    def __init__(self, desk: Desk, session: Session, panes: list[Pane], prompt: Prompt) -> None:
        self._desk, self._session, self._panes, self._prompt = desk, session, panes, prompt
        self.view = ComparisonView(session, panes)
        """What is shown of their differences."""
        self.blind = BlindComparison(session, self.view, panes, self._changed)
        """Whether they are hidden, and what the votes came to."""
        self._only = False
        self.grid = Panes(panes)
        """Where the panes are."""

    @property
    def only(self) -> Side | None:
        """The side that is asked alone; None while all are."""
        return self._session.sides[self._desk.active] if self._only and len(self._panes) > 1 else None

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether something can be asked for now: much needs several sides, or would tell which hidden one is which."""
        if len(self._panes) < 2 and parameters in _OF_SEVERAL:
            return False
        if _DECIDING.get(parameters, self.blind.on) != self.blind.on:
            return False
        return not self.blind.on or (action not in _TELLING and parameters not in _OF_ONE)

    async def compare(self, setting: str | None) -> None:
        """Add a side with another setting, or a copy of the active one; raises TwiddleError."""
        side = self._session.sides[self._desk.active]
        if setting is None:
            await self.add(side.fork())
        else:
            await self.add(Side(resolve(parse_setting(setting)), conversation=side.conversation))

    async def run(self, action: SideAction) -> None:
        """Run a command about the sides; raises TwiddleError."""
        match action:
            case "next":
                self._desk.active = (self._desk.active + 1) % len(self._panes)
            case "keep":
                await self._keep()
            case "drop":
                await self._drop()
            case "only":
                self._turn_to_one()
            case "level":
                self.grid.level = not self.grid.level
                said = "The sides scroll together." if self.grid.level else "Each side scrolls alone."
                self._desk.app.notify(said, markup=False)
            case "differences":
                self.view.turn()
            case "parting":
                self.view.visit(alone=self.grid.level)
            case "blind":
                self._hide()
            case "vote":
                self.blind.vote(self._desk.app)
            case "tally":
                self.blind.tally(self._desk.app)

    async def add(self, side: Side) -> None:
        """Put a side beside the others; raises TwiddleError."""
        count = len(self._panes) + 1
        if self.blind.on:
            raise EngineError("The sides are hidden; F7 votes and shows which is which.")
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        if count > MOST:
            raise EngineError(f"There are {MOST} sides already; F8 drops the active one.")
        if lacking := self.grid.lacking(count):
            raise EngineError(f"{count} sides need a terminal of {lacking}.")
        self._session.sides.append(side)
        try:
            self._session.apply_settings()
        except TwiddleError:
            self._session.sides.pop()
            raise
        pane = Pane()
        pane.transcript.placeholder = self._panes[0].transcript.placeholder
        self._panes.append(pane)
        await self.grid.mount(pane)
        self.grid.spread()
        pane.transcript.show(side.conversation)
        self._desk.active = count - 1
        self._changed()

    async def _drop(self) -> None:
        if len(self._panes) == 1:
            raise EngineError(_ALONE)
        dropped = self._desk.active
        await self._leave([place for place in range(len(self._panes)) if place != dropped])

    async def _keep(self) -> None:
        if self.blind.on:
            self.blind.vote(self._desk.app)  # deciding blind is voting
        elif len(self._panes) == 1:
            raise EngineError(_ALONE)
        else:
            await self.alone()

    async def alone(self) -> None:
        """Have the active side alone."""
        if len(self._panes) > 1:
            await self._leave([self._desk.active])

    def _turn_to_one(self) -> None:
        if len(self._panes) == 1:
            raise EngineError(_ALONE)
        if self.blind.on:
            raise EngineError("While the sides are hidden all of them are asked.")
        self._only = not self._only
        self._changed()

    def _hide(self) -> None:
        if self.blind.on:
            self.blind.end()
        else:
            self.blind.begin()

    def _changed(self) -> None:
        self._only = self._only and not self.blind.on
        self.announce()
        self._desk.settle()

    def announce(self) -> None:
        """Show whom a question is for, and offer what can be done with so many sides."""
        count = len(self._panes)
        whom = "to this side alone" if self._only else "to both sides" if count == 2 else f"to all {count} sides"
        how = "blind: F7 votes" if self.blind.on else "F9"
        self._prompt.to = f"{whom} · {how}" if count > 1 else ""
        self._desk.set_class(self.blind.on, "-blind")
        self._desk.refresh_bindings()

    async def _leave(self, places: list[int]) -> None:
        gone = [pane for place, pane in enumerate(self._panes) if place not in places]
        left = [side for place, side in enumerate(self._session.sides) if place not in places]
        for side in left:
            self._session.end_replies(side)
        self._desk.autosave.save()
        self._session.sides[:] = [self._session.sides[place] for place in places]
        for side in left:
            self._session.what_if.forget(side)
        self._panes[:] = [self._panes[place] for place in places]
        self._desk.active = min(self._desk.active, len(places) - 1)
        self._only = False
        self._remember(left)
        self._changed()
        for pane in gone:  # last: other messages are handled meanwhile, and find sides and panes in step
            await pane.remove()
        self.grid.spread()

    def _remember(self, left: list[Side]) -> None:
        """What was said on sides that are left are versions of what is said on the active one."""
        side, pane = self._session.sides[self._desk.active], self._panes[self._desk.active]
        for each in left:
            if each.conversation.turns[:1] == side.conversation.turns[:1]:
                side.conversation = join(side.conversation, each.conversation)
        pane.transcript.messages.know(side.conversation)
