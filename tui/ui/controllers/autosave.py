"""Autosave: stores conversations while they grow, and each question before the engine gets it."""

from collections.abc import Sequence
from importlib.metadata import version
from operator import is_
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from textual.app import App

from tui.conversation.conversation import Conversation, Message, Turn, until, with_record
from tui.conversation.trace import common_prefix
from tui.errors import Refusal
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.models.reference import STARTER
from tui.presets.library import reference_to
from tui.presets.preset import Preset
from tui.session.session import Asked, Session
from tui.session.side import ReplyOrigin, Side
from tui.store.async_store import AsyncStore, new_key
from tui.store.records import ReplySource, SavedPosition, SideRow, Snapshot, StoredConversation, Summary
from tui.store.replay import model_file
from tui.store.store import Store
from tui.terminal import safe
from tui.ui.controllers.host import Column, pane_of
from tui.ui.widgets.status import Status

FLUSH = 0.5
"""Seconds between saves; a crash loses no more of a running reply than was generated since."""


class SavedState(NamedTuple):
    """State of a side at its last save."""

    side: Side
    conversation: Conversation
    text: str
    """Text of a running reply."""
    position: tuple[int, int]
    """Index among the sides of its conversation, and their number."""
    setting: tuple[Preset, KnobPair]


class Autosave:
    """Saver of all sides. Without a store it saves nothing."""

    def __init__(self, store: AsyncStore | None, session: Session, columns: Sequence[Column], status: Status) -> None:
        self._store, self._session, self._columns, self._status = store, session, columns, status
        self._names: dict[Side, str] = {}
        """Names of the sides in the store."""
        self._saved: dict[Side, SavedState] = {}
        self._asked: dict[Side, Conversation] = {}
        """Conversations with a question that is being stored and is not committed yet."""

    @property
    def enabled(self) -> bool:
        """True if there is a store."""
        return self._store is not None

    def start(self, app: App[None]) -> None:
        """Show the conversations opened so far, and start to save."""
        for side in self._session.sides:
            self._show(side)
        if self._store:
            self._store.on_trouble = lambda trouble: self._on_trouble(app, trouble)
            self._status.set_interval(FLUSH, lambda: self._on_tick(app))

    def open_sides(self, stored: StoredConversation) -> None:
        """Open a stored conversation on all sides, each at the turn where it was left."""
        for side, row in zip(self._session.sides, stored.sides or (SideRow(""),), strict=False):
            self.open(stored, side, row.tip)

    def open(self, stored: StoredConversation, side: Side, tip: int | None = None) -> None:
        """Open a stored conversation on a side, at turn `tip` or where it was left."""
        side.clear()
        side.conversation = stored.conversation if tip is None else until(stored.conversation, tip)
        if self._store:
            name = self._names[side] = new_key()
            self._store.open(stored.position, name)
        for each in self._session.sides:
            if self._key(each) == stored.position.key:
                self._saved[each] = self._state(each)  # nothing to save yet
        self._show(side)

    async def find(self, query: str) -> tuple[Summary, ...]:
        """Return summaries of stored conversations that match, the newest first; raises StoreError."""
        return await self._store.ask(Store.list, query, 100) if self._store else ()

    async def load(self, number: int) -> StoredConversation | None:
        """Return a stored conversation; raises StoreError."""
        return await self._store.ask(Store.load, number) if self._store else None

    async def recall(self, side: Side, index: int) -> None:
        """Load the traces of an older reply, which a conversation is opened without.

        Raises StoreError, and Refusal where they are no longer stored.
        """
        turn = side.conversation.turns[index]
        if turn.record is None or turn.record.traces or not turn.message.content:
            return
        turns = self._store.position(self._names.get(side, "")).turns if self._store else ()
        if self._store and index < len(turns):
            whole = await self._store.ask(Store.recall, turns[index], turn.record)
            if whole.traces:
                side.conversation = with_record(side.conversation, index, whole)
                return
        raise Refusal("How these tokens were chosen is no longer kept; `twiddle replay` writes them anew.")

    async def save_first(self, asked: Asked) -> None:
        """Store a question before the model sees it; without a working disk, wait no longer than the store's limit."""
        if self._store is None:
            return
        self._asked = asked.after
        try:
            self.save()
            if not self._store.trouble:  # else a notice has said so, and the store tries again by itself
                await self._store.wait_saved()
        finally:
            self._asked = {}

    def save(self) -> None:
        """Store the sides that have changed since their last save."""
        if self._store is None:
            return
        for side in self._session.sides:
            now = self._state(side)
            if not now.conversation.turns:
                self._names.pop(side, None)  # a new chat
                self._saved.pop(side, None)
            elif self._saved.get(side) != now:
                self._write(now)
        for dropped in self._names.keys() - set(self._session.sides):
            del self._names[dropped]
            self._saved.pop(dropped, None)

    def close(self) -> None:
        """End running replies and store them with the text so far."""
        self._session.end_replies()
        self._asked = {}
        self.save()

    def _write(self, now: SavedState) -> None:
        if self._store:
            self._store.save(self._name(now), self._snapshot(now))
            self._saved[now.side] = now

    def _state(self, side: Side) -> SavedState:
        text = side.reply.text if side.busy and side.reply else ""
        conversation = self._asked.get(side, side.conversation)
        return SavedState(side, conversation, text, self._position(side), (side.preset, side.pair))

    def _position(self, side: Side) -> tuple[int, int]:
        """Return its index among the sides of its conversation, and their number."""
        alike = [each for each in self._session.sides if self._key(each) == self._key(side)]
        return alike.index(side), len(alike)

    def _key(self, side: Side) -> str:
        name = self._names.get(side, "")
        return self._store.position(name).key if self._store else name

    def _name(self, now: SavedState) -> str:
        """Return a side's name in the store; a new side that starts like another shares its stored conversation."""
        found = self._names.get(now.side)
        if found or self._store is None:
            return found or ""
        name = self._names[now.side] = new_key()
        for other in self._session.sides:
            saved = self._saved.get(other)
            if other is not now.side and saved and saved.conversation.turns[:1] == now.conversation.turns[:1]:
                position = self._store.position(self._names[other])
                common = common_prefix(saved.conversation.turns, now.conversation.turns, is_)
                self._store.open(SavedPosition(position.key, position.turns[:common]), name)
                break
        return name

    def _show(self, side: Side) -> None:
        pane = pane_of(self._columns, side)
        if pane.is_mounted and side.conversation.turns:
            pane.transcript.clear()  # else another turn with the same index would stay on screen
            pane.transcript.show(side.conversation)

    def _snapshot(self, now: SavedState) -> Snapshot:
        side = now.side
        turned = tuple((name, side.pair.value(name)) for name in side.turned)
        model = side.model if side.preset.any_model and side.model != STARTER else ""
        setting = Setting(reference_to(side.preset), turned, model)
        index, number = self._position(side)  # again: the side may have just been named
        return Snapshot(
            conversation=now.conversation,
            setting=str(setting),
            draft=_draft(side),
            source=_source(side.origin),
            sources={turn: _source(origin) for turn, origin in side.origins.items()},
            system=side.preset.system,
            model=side.preset.model,
            side=index,
            side_count=number,
        )

    def _on_tick(self, app: App[None]) -> None:
        self.save()
        while self._store and self._store.notices:
            app.notify(safe(self._store.notices.pop(0)), severity="warning", timeout=20, markup=False)

    def _on_trouble(self, app: App[None], trouble: str) -> None:
        self._status.unsaved = bool(trouble)
        if trouble:
            text = f"{trouble} The chat goes on, and is saved as soon as it can be."
            app.notify(safe(text), title="Not saved", severity="warning", timeout=10, markup=False)


def _source(origin: ReplyOrigin) -> ReplySource:
    model = model_file(Path(origin.load.path)) if origin.load else None
    return ReplySource(origin.preset.opening, model, version("llama-cpp-python"))


def _draft(side: Side) -> Turn | None:
    """Return the running reply as a turn, without traces: they are stored when it is complete."""
    reply = side.reply
    if reply is None or not side.busy:
        return None
    record = replace(reply.record(side.origin.preset), traces=(), records=())
    tokens = () if reply.first_index else tuple(reply.ids)
    return Turn(Message("assistant", reply.text, tokens), side.conversation.tip, "interrupted", record=record)
