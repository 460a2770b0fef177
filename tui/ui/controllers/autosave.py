"""What is written down of the talk while it goes on: a conversation, and all sides that it is talked to with."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from operator import is_
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from textual.app import App

from tui.conversation.conversation import Conversation, Message, Turn, until, with_record
from tui.conversation.trace import common_prefix
from tui.errors import EngineError
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.presets.library import reference_to
from tui.presets.preset import Preset
from tui.session.session import Session
from tui.session.side import ReplyOrigin, Side
from tui.store.async_store import AsyncStore, new_key
from tui.store.records import ReplySource, SavedPosition, SideRow, Snapshot, StoredConversation, Summary
from tui.store.replay import model_file
from tui.store.store import Store
from tui.terminal import safe
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.status import Status

FLUSH = 0.5
"""Seconds between two looks at what is new: a crash costs no more of a reply than was written since."""


class SavedState(NamedTuple):
    """Of a side what was noted last."""

    side: Side
    conversation: Conversation
    text: str
    """How much of a running reply."""
    place: tuple[int, int]
    """Which of how many sides it was."""
    setting: tuple[Preset, KnobPair]


class Autosave:
    """Between the talk and the diary. Without a diary it keeps nothing."""

    def __init__(self, store: AsyncStore | None, session: Session, panes: Sequence[Pane], status: Status) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._store, self._session, self._panes, self._status = store, session, panes, status
        self._names: dict[int, str] = {}
        """What each side is noted under."""
        self._noted: dict[int, SavedState] = {}
        self._is_ahead = False
        """Whether more is written down than the sides know."""

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._store is not None

    def begin(self, app: App[None]) -> None:
        """Show what was opened, and from now on when something cannot be saved."""
        for side in self._session.sides:
            self._show(side)
        if self._store:
            self._store.on_trouble = lambda trouble: self._tell(app, trouble)
            self._status.set_interval(FLUSH, lambda: self._look(app))

    def go_on(self, kept: StoredConversation) -> None:
        """Have the sides go on with a conversation where each left it."""
        for side, row in zip(self._session.sides, kept.sides or (SideRow(""),), strict=False):
            self.open(kept, side, row.tip)

    def open(self, kept: StoredConversation, side: Side, tip: int | None = None) -> None:
        """Have a side go on with a conversation that was kept, from a turn of it."""
        side.clear()
        side.conversation = kept.conversation if tip is None else until(kept.conversation, tip)
        if self._store:
            name = self._names[id(side)] = new_key()
            self._store.open(kept.position, name)
        for each in self._session.sides:
            if self._key(each) == kept.position.key:
                self._noted[id(each)] = self._now(each)  # it stands as it was left
        self._show(side)

    async def find(self, query: str) -> tuple[Summary, ...]:
        """Conversations that were kept; raises StoreError."""
        return await self._store.ask(Store.list, query, 100) if self._store else ()

    async def load(self, number: int) -> StoredConversation | None:
        """One of them; raises StoreError."""
        return await self._store.ask(Store.load, number) if self._store else None

    async def recall(self, side: Side, index: int) -> None:
        """Fetch how the tokens of an older reply were chosen, which a conversation is not opened with.

        Raises StoreError, and EngineError where that is no longer kept.
        """
        turn = side.conversation.turns[index]
        if turn.record is None or turn.record.traces or not turn.message.content:
            return
        turns = self._store.position(self._names.get(id(side), "")).turns if self._store else ()
        if self._store and index < len(turns):
            whole = await self._store.ask(Store.recall, turns[index], turn.record)
            if whole.traces:
                side.conversation = with_record(side.conversation, index, whole)
                return
        raise EngineError("How these tokens were chosen is no longer kept; `twiddle replay` writes them anew.")

    async def save_first(self, coming: Mapping[Side, Conversation]) -> None:
        """Write down what is about to be asked, before the model sees it."""
        if self._store is None:
            return
        for side, conversation in coming.items():
            self._write(self._now(side)._replace(conversation=conversation))
        self._is_ahead = True
        if not self._store.trouble:  # else it is told already, and saved when it can be
            await self._store.wait_saved()
        self._is_ahead = False

    def save(self) -> None:
        """Write down what is new."""
        if self._store is None or self._is_ahead:
            return
        for side in self._session.sides:
            now = self._now(side)
            if not side.conversation.turns:
                self._names.pop(id(side), None)  # a new chat
                self._noted.pop(id(side), None)
            elif self._noted.get(id(side)) != now:
                self._write(now)
        for dropped in self._names.keys() - map(id, self._session.sides):
            del self._names[dropped]
            self._noted.pop(dropped, None)

    def close(self) -> None:
        """Write down the end: what is being written stays as far as it is there."""
        self._session.end_replies()
        self._is_ahead = False
        self.save()

    def _write(self, now: SavedState) -> None:
        if self._store:
            self._store.save(self._name(now), self._sheet(now))
            self._noted[id(now.side)] = now

    def _now(self, side: Side) -> SavedState:
        text = side.reply.text if side.busy and side.reply else ""
        return SavedState(side, side.conversation, text, self._place(side), (side.preset, side.pair))

    def _place(self, side: Side) -> tuple[int, int]:
        """Which side it is of those that keep the same conversation, and of how many."""
        alike = [each for each in self._session.sides if self._key(each) == self._key(side)]
        return alike.index(side), len(alike)

    def _key(self, side: Side) -> str:
        name = self._names.get(id(side), "")
        return self._store.position(name).key if self._store else name

    def _name(self, now: SavedState) -> str:
        """What a side is noted under. One that goes on from what is said on another keeps the same conversation."""
        found = self._names.get(id(now.side))
        if found or self._store is None:
            return found or ""
        name = self._names[id(now.side)] = new_key()
        for other in self._session.sides:
            noted = self._noted.get(id(other))
            if other is not now.side and noted and noted.conversation.turns[:1] == now.conversation.turns[:1]:
                page = self._store.position(self._names[id(other)])
                common = common_prefix(noted.conversation.turns, now.conversation.turns, is_)
                self._store.open(SavedPosition(page.key, page.turns[:common]), name)
                break
        return name

    def _show(self, side: Side) -> None:
        pane = self._panes[self._session.sides.index(side)]
        if pane.is_mounted and side.conversation.turns:
            pane.transcript.clear()  # else what stands at the same place of the tree would stay on screen
            pane.transcript.show(side.conversation)

    def _sheet(self, now: SavedState) -> Snapshot:
        side = now.side
        setting = Setting(reference_to(side.preset), tuple((name, side.pair.value(name)) for name in side.turned))
        place, of = self._place(side)  # again: it may have got its name just now
        return Snapshot(
            conversation=now.conversation,
            setting=str(setting),
            draft=_draft(side),
            source=_source(side.origin),
            sources={place: _source(origin) for place, origin in side.origins.items()},
            system=side.preset.system,
            model=side.preset.model,
            side=place,
            side_count=of,
        )

    def _look(self, app: App[None]) -> None:
        self.save()
        while self._store and self._store.notices:
            app.notify(safe(self._store.notices.pop(0)), severity="warning", timeout=20, markup=False)

    def _tell(self, app: App[None], trouble: str) -> None:
        self._status.unsaved = bool(trouble)
        if trouble:
            said = f"{trouble} The chat goes on, and is saved as soon as it can be."
            app.notify(safe(said), title="Not saved", severity="warning", timeout=10, markup=False)


def _source(origin: ReplyOrigin) -> ReplySource:
    model = model_file(Path(origin.load.path)) if origin.load else None
    return ReplySource(origin.preset.opening, model, version("llama-cpp-python"))


def _draft(side: Side) -> Turn | None:
    """The reply being written, as far as it is there; its traces come when it is done."""
    writing = side.reply
    if writing is None or not side.busy:
        return None
    written = replace(writing.record(side.origin.preset), traces=(), records=())
    tokens = () if writing.first_index else tuple(writing.ids)
    return Turn(Message("assistant", writing.text, tokens), side.conversation.tip, "interrupted", record=written)
