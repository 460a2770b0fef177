"""Comparison: adding, dropping and choosing among sides beside each other."""

from typing import get_args

from tui.conversation.conversation import join
from tui.errors import Refusal, TwiddleError
from tui.presets.library import read_setting, resolve
from tui.prompt_line.commands import SideAction
from tui.session.session import Session
from tui.session.side import Side
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.blind import BlindComparison
from tui.ui.controllers.comparison_view import ONE_SIDE, ComparisonView
from tui.ui.controllers.host import ChatHost, Column
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.panes import MOST, Panes
from tui.ui.widgets.prompt.prompt import Prompt

_FOR_SEVERAL_SIDES = [(f"/{action}",) for action in get_args(SideAction) if action != "tally"]
_NOT_BLIND = [("/preset",), ("/compare",), ("/tree",), ("/history",), ("/drop",), ("/only",)]
_REVEALING = ("look", "toggle_knobs")
_BLIND_ONLY: dict[tuple[object, ...], bool] = {("/keep",): False, ("/vote",): True}
"""Commands that share F7; True for the one offered while the sides are hidden."""


class Comparison:
    """Owner of the list of columns: adds and removes them, and decides which sides are asked."""

    def __init__(
        self, host: ChatHost, session: Session, columns: list[Column], prompt: Prompt, autosave: Autosave
    ) -> None:
        self._host, self._session, self._columns, self._prompt = host, session, columns, prompt
        self._autosave = autosave
        self.view = ComparisonView(session, columns)
        self.blind = BlindComparison(session, self.view, columns, self._on_changed)
        self._only_active = False
        self.grid = Panes([column.pane for column in columns])

    @property
    def only(self) -> Side | None:
        """Side that is asked alone; None while all are asked."""
        return self._host.side if self._only_active and len(self._columns) > 1 else None

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Return False for what needs several sides, and for what would reveal a hidden one."""
        if len(self._columns) < 2 and parameters in _FOR_SEVERAL_SIDES:
            return False
        if _BLIND_ONLY.get(parameters, self.blind.on) != self.blind.on:
            return False
        return not self.blind.on or (action not in _REVEALING and parameters not in _NOT_BLIND)

    async def compare(self, setting: str | None) -> None:
        """Add a side with another setting, or a copy of the active one; raises TwiddleError."""
        side = self._host.side
        if setting is None:
            await self.add(side.fork())
        else:
            await self.add(Side(resolve(read_setting(setting), side.model), conversation=side.conversation))

    async def run(self, action: SideAction) -> None:
        """Run a command about the sides; raises TwiddleError."""
        match action:
            case "next":
                self._host.active = (self._host.active + 1) % len(self._columns)
            case "keep":
                await self._keep()
            case "drop":
                self._require_several()
                await self._remove([self._columns[self._host.active]])
            case "only":
                self._toggle_only_active()
            case "level":
                self.grid.level = not self.grid.level
                sentence = "The sides scroll together." if self.grid.level else "Each side scrolls alone."
                self._host.app.notify(sentence, markup=False)
            case "differences":
                self.view.toggle_word_marks()
            case "parting":
                self.view.go_to_fork(alone=self.grid.level)
            case "blind":
                if self.blind.on:
                    self.blind.reveal()
                else:
                    self.blind.hide()
            case "vote":
                self.blind.vote(self._host.app)
            case "tally":
                self.blind.tally(self._host.app)

    async def add(self, side: Side) -> None:
        """Add a column with a side and make it active; raises TwiddleError."""
        count = len(self._columns) + 1
        if self.blind.on:
            raise Refusal("The sides are hidden; F7 votes and shows which is which.")
        self._session.require_idle()
        if count > MOST:
            raise Refusal(f"There are {MOST} sides already; F8 drops the active one.")
        if lacking := self.grid.lacking(count):
            raise Refusal(f"{count} sides need a terminal of {lacking}.")
        self._session.sides.append(side)
        try:
            self._session.apply_settings()
        except TwiddleError:
            self._session.sides.pop()
            raise
        column = Column(side, Pane())
        column.pane.transcript.placeholder = self._columns[0].pane.transcript.placeholder
        self._set_columns([*self._columns, column])
        await self.grid.mount(column.pane)
        self.grid.spread()
        column.pane.transcript.show(side.conversation)
        self._host.active = count - 1
        self._on_changed()

    async def keep_active(self) -> None:
        """Remove all columns but the active one."""
        if len(self._columns) > 1:
            await self._remove([each for each in self._columns if each.side is not self._host.side])

    async def _keep(self) -> None:
        if self.blind.on:
            self.blind.vote(self._host.app)  # the choice of a hidden side is a vote
        else:
            self._require_several()
            await self.keep_active()

    def _toggle_only_active(self) -> None:
        self._require_several()
        if self.blind.on:
            raise Refusal("While the sides are hidden all of them are asked.")
        self._only_active = not self._only_active
        self._on_changed()

    def _require_several(self) -> None:
        if len(self._columns) == 1:
            raise Refusal(ONE_SIDE)

    def _on_changed(self) -> None:
        self._only_active = self._only_active and not self.blind.on
        self.show_addressee()
        self._host.apply_settings()

    def show_addressee(self) -> None:
        """Show above the prompt which sides are asked, and update the keys offered."""
        count = len(self._columns)
        whom = "to this side alone" if self._only_active else "to both sides" if count == 2 else f"to all {count} sides"
        how = "blind: F7 votes" if self.blind.on else "F9"
        self._prompt.addressee = f"{whom} · {how}" if count > 1 else ""
        self._host.set_class(self.blind.on, "-blind")
        self._host.refresh_bindings()

    async def _remove(self, removed: list[Column]) -> None:
        for column in removed:
            self._session.end_replies(column.side)
        self._autosave.save()
        self._set_columns([column for column in self._columns if column not in removed])
        for column in removed:
            self._session.what_if.forget(column.side)
        self._host.active = min(self._host.active, len(self._columns) - 1)
        self._only_active = False
        self._join_conversations(removed)
        self._on_changed()
        for column in removed:  # last: other messages are handled during each await
            await column.pane.remove()
        self.grid.spread()

    def _set_columns(self, columns: list[Column]) -> None:
        self._columns[:] = columns
        self._session.sides[:] = [column.side for column in columns]
        self.grid.panes = [column.pane for column in columns]

    def _join_conversations(self, removed: list[Column]) -> None:
        """Add the turns of removed sides to the active side's conversation, as other versions."""
        column = self._columns[self._host.active]
        side = column.side
        for other in removed:
            if other.side.conversation.turns[:1] == side.conversation.turns[:1]:
                side.conversation = join(side.conversation, other.side.conversation)
        column.pane.transcript.messages.set_indices(side.conversation)
