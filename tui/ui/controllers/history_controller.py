"""Conversations that were kept: choosing one, and going on with it."""

from typing import Any, Protocol

from textual.app import App

from tui.errors import EngineError
from tui.session.restore import restore_setting
from tui.session.session import Session
from tui.session.side import Side
from tui.store.records import StoredConversation
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.comparison import Comparison
from tui.ui.error_toast import refusals
from tui.ui.screens.history import HistoryPicker


class Desk(Protocol):
    """What the screen does for whoever opens a conversation."""

    @property
    def app(self) -> App[Any]: ...
    @property
    def side(self) -> Side: ...
    def settle(self) -> None: ...


class HistoryController:
    """Between the history and the sides."""

    def __init__(self, desk: Desk, session: Session, comparison: Comparison, autosave: Autosave) -> None:
        self._desk, self._session, self._comparison, self._autosave = desk, session, comparison, autosave

    def choose(self) -> None:
        """Ask which one to go on with."""

        async def chosen(number: int | None) -> None:
            if number is not None:
                await self._open(number)

        self._desk.app.push_screen(HistoryPicker(self._autosave.find), chosen)

    async def _open(self, number: int) -> None:
        with refusals(self._desk.app):
            if self._desk.side.busy:
                raise EngineError("A reply is being written; press Esc to stop it first.")
            kept = await self._autosave.load(number)
            if kept is None:
                return
            self._autosave.save()
            if len(kept.sides) > 1:
                await self._compare(kept)
            else:
                self._autosave.open(kept, self._desk.side)
        self._session.preview(self._desk.side)

    async def _compare(self, kept: StoredConversation) -> None:
        """Have its sides beside each other again, set as they were; as many of them as can be."""
        if self._session.busy:
            raise EngineError("A reply is being written beside this one; press Esc to stop it first.")
        first, *others = [restore_setting(row) for row in kept.sides]
        await self._comparison.alone()
        with self._session.undo_on_error():
            self._desk.side.use_preset(first.preset, first.pair)
            self._desk.settle()
        self._autosave.open(kept, self._desk.side, kept.sides[0].tip)
        for chosen, row in zip(others, kept.sides[1:], strict=True):
            await self._comparison.add(side := Side(chosen))
            self._autosave.open(kept, side, row.tip)
