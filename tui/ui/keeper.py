"""What is written down of the talk: every side in a conversation of its own, as it goes on."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from msgspec.structs import replace
from textual.app import App

from tui.chat import Conversation, Message, Turn
from tui.settings import Setting
from tui.side import Side
from tui.store.diary import Diary, new_key
from tui.store.page import Entry, Kept, Sheet, Source
from tui.store.replay import model_file
from tui.store.store import Store
from tui.talk import Talk
from tui.terminal import safe
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.status import Status

FLUSH = 0.5
"""Seconds between two looks at what is new: a crash costs no more of a reply than was written since."""


class Keeper:
    """Between the talk and the diary. Without a diary it keeps nothing."""

    def __init__(self, diary: Diary | None, talk: Talk, panes: Sequence[Pane], status: Status) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._diary, self._talk, self._panes, self._status = diary, talk, panes, status
        self._keys: dict[Side, str] = {}
        self._noted: dict[Side, tuple[Conversation, str]] = {}
        """Of each side what was noted last, and how much of a running reply."""
        self._is_ahead = False
        """Whether more is written down than the sides know."""

    def begin(self, app: App[None]) -> None:
        """Show what was opened, and from now on when something cannot be saved."""
        for side in self._talk.sides:
            self._show(side)
        if self._diary:
            self._diary.tell = lambda trouble: self._tell(app, trouble)
            self._status.set_interval(FLUSH, lambda: self._look(app))

    def open(self, side: Side, kept: Kept) -> None:
        """Have a side go on with a conversation that was kept."""
        side.forget()
        side.conversation = kept.conversation
        if self._diary:
            # Two sides that go on with one conversation part here: on one page they would write over each other.
            shared = kept.page.key in (self._keys.get(each) for each in self._talk.sides if each is not side)
            self._keys[side] = new_key() if shared else kept.page.key
            self._noted[side] = kept.conversation, ""
            if not shared:
                self._diary.open(kept.page)
        self._show(side)

    async def find(self, query: str) -> tuple[Entry, ...]:
        """Conversations that were kept; raises StoreError."""
        return await self._diary.ask(Store.list, query, 100) if self._diary else ()

    async def load(self, number: int) -> Kept | None:
        """One of them; raises StoreError."""
        return await self._diary.ask(Store.load, number) if self._diary else None

    async def ahead(self, coming: Mapping[Side, Conversation]) -> None:
        """Write down what is about to be asked, before the model sees it."""
        if self._diary is None:
            return
        for side, conversation in coming.items():
            self._diary.note(self._key(side), self._sheet(side, conversation))
            self._noted[side] = conversation, ""
        self._is_ahead = True
        if not self._diary.trouble:  # else it is told already, and saved when it can be
            await self._diary.settled()
        self._is_ahead = False

    def note(self) -> None:
        """Write down what is new."""
        if self._diary is None or self._is_ahead:
            return
        dropped = [side for side in self._noted if side not in self._talk.sides]
        for side in (*self._talk.sides, *dropped):
            self._note(self._diary, side)
        for side in dropped:
            self._keys.pop(side, None)
            del self._noted[side]

    def _note(self, diary: Diary, side: Side) -> None:
        text = side.writing.text if side.busy and side.writing else ""
        conversation, written = self._noted.get(side, (None, ""))
        if not side.conversation.turns:
            self._keys.pop(side, None)  # a new chat
        elif conversation is None and not side.busy:
            pass  # a side that was forked is worth keeping when something is said on it
        elif (conversation, written) != (side.conversation, text):
            diary.note(self._key(side), self._sheet(side, side.conversation))
        self._noted[side] = side.conversation, text

    def _show(self, side: Side) -> None:
        pane = self._panes[self._talk.sides.index(side)]
        if pane.is_mounted and side.conversation.turns:
            pane.transcript.clear()  # else what stands at the same place of the tree would stay on screen
            pane.transcript.show(side.conversation)

    def _key(self, side: Side) -> str:
        return self._keys.setdefault(side, new_key())

    def _sheet(self, side: Side, conversation: Conversation) -> Sheet:
        setting = Setting(side.preset.name, tuple((name, getattr(side.knobs, name)) for name in side.turned))
        model = model_file(Path(side.load.path)) if side.load else None
        source = Source(side.preset.opening, model, version("llama-cpp-python"))
        return Sheet(conversation, str(setting), _draft(side), source)

    def _look(self, app: App[None]) -> None:
        self.note()
        while self._diary and self._diary.notices:
            app.notify(safe(self._diary.notices.pop(0)), severity="warning", timeout=20, markup=False)

    def _tell(self, app: App[None], trouble: str) -> None:
        self._status.unsaved = bool(trouble)
        if trouble:
            said = f"{trouble} The chat goes on, and is saved as soon as it can be."
            app.notify(safe(said), title="Not saved", severity="warning", timeout=10, markup=False)


def _draft(side: Side) -> Turn | None:
    """The reply being written, as far as it is there; its traces come when it is done."""
    writing = side.writing
    if writing is None or not side.busy:
        return None
    written = replace(writing.written(side.preset), traces=(), records=())
    tokens = () if writing.begun else tuple(writing.ids)
    return Turn(Message("assistant", writing.text, tokens), side.conversation.tip, "interrupted", written=written)
