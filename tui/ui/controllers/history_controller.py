"""History controller: opens stored conversations."""

from tui.session.session import Session
from tui.session.side import Side, restore_setting
from tui.store.records import StoredConversation
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.comparison import Comparison
from tui.ui.controllers.host import ChatHost, refusals
from tui.ui.screens.history import HistoryPicker


class HistoryController:
    """Opener of stored conversations on the sides."""

    def __init__(self, host: ChatHost, session: Session, comparison: Comparison, autosave: Autosave) -> None:
        self._host, self._session, self._comparison, self._autosave = host, session, comparison, autosave

    def choose(self) -> None:
        """Open the list of stored conversations, and then the chosen one."""

        async def chosen(number: int | None) -> None:
            if number is not None:
                await self._open(number)

        self._host.app.push_screen(HistoryPicker(self._autosave.find), chosen)

    async def _open(self, number: int) -> None:
        with refusals(self._host.app):
            if self._host.side.busy:
                self._session.require_idle()
            stored = await self._autosave.load(number)
            if stored is None:
                return
            self._autosave.save()
            if len(stored.sides) > 1:
                await self._compare(stored)
            else:
                self._autosave.open(stored, self._host.side)
        self._session.preview(self._host.side)

    async def _compare(self, stored: StoredConversation) -> None:
        """Open the stored sides beside each other, with their settings; as many as there is room for."""
        self._session.require_idle()
        first, *others = [restore_setting(row) for row in stored.sides]
        await self._comparison.keep_active()
        with self._session.undo_on_error():
            self._host.side.use_preset(first.preset, first.pair)
            self._host.apply_settings()
        self._autosave.open(stored, self._host.side, stored.sides[0].tip)
        for chosen, row in zip(others, stored.sides[1:], strict=True):
            await self._comparison.add(side := Side(chosen))
            self._autosave.open(stored, side, row.tip)
