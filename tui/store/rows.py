"""Conversion between conversation values and table rows, always inside a transaction of the store."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar, cast, get_args

import msgspec
from msgspec import json, msgpack
from msgspec.structs import replace

from tui.conversation.conversation import Conversation, Ending, Message, Role, Turn, last_reply
from tui.conversation.reply_record import ReplyRecord
from tui.errors import KnobError, StoreError
from tui.store.records import ModelFile, ReplySource, SavedPosition, SideRow, Snapshot, StoredConversation, writable
from tui.store.schema import INTERRUPTED
from tui.store.traces import pack

_read_record: Callable[[str], ReplyRecord | None] = json.Decoder(ReplyRecord).decode
_read_opening = json.Decoder(tuple[Message, ...]).decode
_read_tokens = msgpack.Decoder(tuple[int, ...]).decode

Packed = TypeVar("Packed", str, bytes)
Value = TypeVar("Value")


def ensure_conversation(connection: sqlite3.Connection, key: str, snapshot: Snapshot, title: str) -> int:
    """Return the row id of a conversation, inserting it if it is new."""
    now = time.time()
    (number,) = connection.execute(
        "INSERT INTO conversation (key, title, setting, began, changed) VALUES (?, ?, ?, ?, ?) "
        # Never REPLACE: it would delete the row, and every turn with it.
        "ON CONFLICT (key) DO UPDATE SET changed = excluded.changed RETURNING id",
        (key, writable(title), writable(snapshot.setting), now, now),
    ).fetchone()
    return int(number)


class TurnWriter:
    """Writer of the turns of one conversation.

    Turns are only ever added. Turns that another window or side has added stay as branches of the same tree, and a
    turn that both have is stored once.
    """

    def __init__(self, connection: sqlite3.Connection, conversation: int, position: SavedPosition) -> None:
        self._connection, self._conversation, self._page = connection, conversation, position
        found = connection.execute(
            "SELECT id, role, text, parent, ending FROM turn WHERE conversation = ?", (conversation,)
        )
        self._there = {number: row for number, *row in found}
        is_draft = position.draft in self._there and self._there[position.draft][-1] == INTERRUPTED
        self._draft = position.draft if is_draft else None
        self._others = self._there.keys() - {*position.turns, position.draft}
        """Row ids of turns that another window or side has added."""

    def write(self, snapshot: Snapshot) -> SavedPosition:
        """Insert new turns and update the side; return the new position."""
        turns = snapshot.conversation.turns
        numbers: list[int] = []
        newest_reply = last_reply(snapshot.conversation)
        for index, turn in enumerate(turns):
            known = self._page.turns[index] if index < len(self._page.turns) else None
            if known is None or not self._is(known, turn, numbers):
                source = snapshot.sources.get(index) or (snapshot.source if index == newest_reply else ReplySource())
                known = self._same(turn, numbers) or self._add(turn, numbers, source)
            numbers.append(known)
        tip = snapshot.conversation.tip
        at = numbers[tip] if tip is not None else None
        draft = self._draft
        if snapshot.draft:
            at = draft = self._put(snapshot.draft, numbers, snapshot.source, INTERRUPTED)
        elif draft is not None:
            self._withdraw(draft)
            draft = None
        newest = max((*numbers, draft or 0), default=0)
        self._connection.execute(
            "UPDATE conversation SET newest = max(newest, ?) WHERE id = ?", (newest, self._conversation)
        )
        row = SideRow(snapshot.setting, snapshot.system, snapshot.model, at)
        save_side(self._connection, self._conversation, snapshot.side, row)
        drop_sides(self._connection, self._conversation, snapshot.side_count)
        return SavedPosition(self._page.key, tuple(numbers), draft)

    def _is(self, number: int, turn: Turn, numbers: list[int]) -> bool:
        """Return True if the row with this id holds this turn: looked up, not trusted.

        The file may have been replaced, or repaired with new ids; and a question saved ahead may never have been asked.
        """
        role, text, parent, _ = self._there.get(number, (None, None, None, None))
        above = numbers[turn.parent] if turn.parent is not None else None
        said = turn.message.content
        return (role, parent) == (turn.message.role, above) and text in (said, writable(said))

    def _same(self, turn: Turn, numbers: list[int]) -> int | None:
        """Return the row id of the same turn written by another side, such as a question asked of both, or None."""
        if not self._others or turn.ending == INTERRUPTED:  # that one may still be written
            return None
        found = self._connection.execute(
            "SELECT id, written FROM turn LEFT JOIN reply ON turn = id "
            "WHERE conversation = ? AND parent IS ? AND role = ? AND text = ? AND ending IS ? AND edited = ?",
            (
                self._conversation,
                numbers[turn.parent] if turn.parent is not None else None,
                turn.message.role,
                writable(turn.message.content),
                turn.ending,
                turn.edited,
            ),
        )
        wanted = _bare(turn.record)
        for number, bare in found:
            if number in self._others and bare == wanted:
                self._others.remove(number)
                return int(number)
        return None

    def copy(self, said: Sequence[tuple[Turn, float, ReplySource]], tip: int | None, sides: Sequence[SideRow]) -> None:
        """Insert a whole conversation with the time and the source of every turn."""
        numbers: list[int] = []
        for turn, at, source in said:
            numbers.append(self._put(turn, numbers, source, turn.ending, new=True))
            self._connection.execute("UPDATE turn SET at = ? WHERE id = ?", (at, numbers[-1]))
            if source.model and source.model.sha256:
                identity = (source.model.sha256, source.model.path, source.model.size, source.model.modified)
                self._connection.execute(
                    "UPDATE model SET sha256 = ? WHERE path = ? AND size = ? AND modified = ?", identity
                )
        self._connection.execute(
            "UPDATE conversation SET tip = ?, newest = ? WHERE id = ?",
            (numbers[tip] if tip is not None else None, max(numbers, default=0), self._conversation),
        )
        for place, row in enumerate(sides):
            row = replace(row, tip=numbers[row.tip] if row.tip is not None else None)
            save_side(self._connection, self._conversation, place, row)

    def _withdraw(self, draft: int) -> None:
        """Delete a draft that came to nothing, unless another window has continued from it."""
        self._connection.execute(
            "DELETE FROM turn WHERE id = ? AND NOT EXISTS (SELECT 1 FROM turn WHERE conversation = ? AND parent = ?)",
            (draft, self._conversation, draft),
        )

    def _add(self, turn: Turn, numbers: list[int], source: ReplySource) -> int:
        if self._draft is None or turn.message.role != "assistant":
            return self._put(turn, numbers, source, turn.ending, new=True)
        number = self._put(turn, numbers, source, turn.ending)
        self._draft = None
        return number

    def _put(
        self, turn: Turn, numbers: list[int], source: ReplySource, ending: str | None, *, new: bool = False
    ) -> int:
        """Insert a turn, or write it over the draft; return its row id."""
        parent = numbers[turn.parent] if turn.parent is not None else None
        text = writable(turn.message.content)
        if self._draft is None or new:
            cursor = self._connection.execute(
                "INSERT INTO turn (conversation, parent, role, text, ending, edited, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._conversation, parent, turn.message.role, text, ending, turn.edited, time.time()),
            )
            number = int(cursor.lastrowid or 0)
        else:
            number = self._draft
            self._connection.execute(
                "UPDATE turn SET parent = ?, text = ?, ending = ?, edited = ? WHERE id = ?",
                (parent, text, ending, turn.edited, number),
            )
        if turn.message.role == "assistant":
            self._put_reply(number, turn, source)
        return number

    def _put_reply(self, number: int, turn: Turn, source: ReplySource) -> None:
        if turn.record is None and not turn.message.tokens:
            return
        written = turn.record
        self._connection.execute(
            "INSERT INTO reply (turn, model, build, opening, tokens, written) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (turn) DO UPDATE SET (model, build, opening, tokens, written) = "
            "(excluded.model, excluded.build, excluded.opening, excluded.tokens, excluded.written)",
            (
                number,
                self._model(source.model) if source.model else None,
                source.build,
                json.encode(source.opening).decode(),
                msgpack.encode(turn.message.tokens),
                _bare(written),
            ),
        )
        if written and written.traces:
            packed = pack(written)
            self._connection.execute("REPLACE INTO trace VALUES (?, ?, ?)", (number, len(packed), packed))

    def _model(self, model: ModelFile) -> int:
        identity = (model.path, model.size, model.modified)
        self._connection.execute("INSERT OR IGNORE INTO model (path, size, modified) VALUES (?, ?, ?)", identity)
        (number,) = self._connection.execute(
            "SELECT id FROM model WHERE path = ? AND size = ? AND modified = ?", identity
        ).fetchone()
        return int(number)


def _bare(written: ReplyRecord | None) -> str | None:
    """Encode a record as JSON without its traces and logit records, which are stored packed."""
    return json.encode(replace(written, traces=(), records=())).decode() if written else None


# --- reading --------------------------------------------------------------------------------------------------------


def load(connection: sqlite3.Connection, number: int) -> StoredConversation:
    """Load a conversation as far as its rows can be read; raises StoreError when there is none."""
    head = connection.execute(
        "SELECT key, title, setting, began, changed, tip FROM conversation WHERE id = ?", (number,)
    ).fetchone()
    if head is None:
        raise StoreError(f"There is no conversation {number}; `twiddle history list` shows them.")
    found = connection.execute(
        "SELECT id, parent, role, text, ending, edited, at, tokens, written FROM turn LEFT JOIN reply ON turn = id "
        "WHERE conversation = ? ORDER BY id",
        (number,),
    ).fetchall()
    places: dict[int, int] = {}
    turns: list[Turn] = []
    for identifier, parent, role, text, ending, edited, _, tokens, written in found:
        # A parent comes before its children; one that does not is damage.
        above = places.get(parent) if parent is not None else None
        message = Message(_role(role), text, _decoded(_read_tokens, tokens, ()))
        turns.append(Turn(message, above, _ending(ending, role), bool(edited), _decoded(_read_record, written, None)))
        places[identifier] = len(turns) - 1
    key, title, setting, began, changed, tip = head
    return StoredConversation(
        id=number,
        position=SavedPosition(key, tuple(places)),
        title=title,
        setting=setting,
        began=began,
        changed=changed,
        conversation=Conversation(tuple(turns), places.get(tip, len(turns) - 1 if turns else None)),
        at=tuple(row[6] for row in found),
        sides=tuple(load_sides(connection, number, places)),
    )


def reply_number(connection: sqlite3.Connection, turn: int | None) -> int:
    """Return the row id of a reply after checking it, else that of the newest; raises StoreError when there is none."""
    if turn is None:
        newest = connection.execute("SELECT max(turn) FROM reply WHERE written IS NOT NULL").fetchone()[0]
        if newest is None:
            raise StoreError("No reply has been saved yet.")
        return int(newest)
    role = connection.execute("SELECT role FROM turn WHERE id = ?", (turn,)).fetchone()
    if role is None:
        raise StoreError(f"There is no message {turn}; `twiddle history show` gives the numbers.")
    if role[0] != "assistant":
        raise StoreError(f"Message {turn} is not a reply.")
    return turn


def conversation_with(connection: sqlite3.Connection, turn: int) -> int:
    """Return the row id of the conversation of a turn."""
    (number,) = connection.execute("SELECT conversation FROM turn WHERE id = ?", (turn,)).fetchone()
    return int(number)


def trace_size(connection: sqlite3.Connection, turn: int) -> int:
    """Return the packed bytes of a reply's traces; 0 where there are none."""
    found = connection.execute("SELECT size FROM trace INDEXED BY trace_size WHERE turn = ?", (turn,)).fetchone()
    return int(found[0]) if found else 0


def source_of(connection: sqlite3.Connection, turn: int) -> ReplySource:
    """Load the source of a reply, as far as it is known."""
    found = connection.execute(
        "SELECT opening, build, path, size, modified, sha256 FROM reply LEFT JOIN model ON model = id WHERE turn = ?",
        (turn,),
    ).fetchone()
    if found is None:
        return ReplySource()
    opening, build, path, *identity = found
    return ReplySource(
        _decoded(_read_opening, opening, ()), ModelFile(path, *identity) if path is not None else None, build
    )


def _role(text: str) -> Role:
    return cast(Role, text) if text in get_args(Role) else "user"


def _ending(text: str | None, role: str) -> Ending | None:
    if role != "assistant":
        return None
    return cast(Ending, text) if text in get_args(Ending) else INTERRUPTED


def _decoded(decode: Callable[[Packed], Value], packed: Packed | None, damaged: Value) -> Value:
    """Decode a column; return `damaged` if it is empty or cannot be decoded."""
    try:
        return decode(packed) if packed else damaged
    except (msgspec.MsgspecError, KnobError):
        return damaged


def save_side(connection: sqlite3.Connection, conversation: int, place: int, row: SideRow) -> None:
    """Save one side (its tip is a turn's row id); the tip of side 0 is that of the conversation."""
    connection.execute(
        "INSERT INTO seat (conversation, place, setting, system, model, tip) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (conversation, place) DO UPDATE SET (setting, system, model, tip) = "
        "(excluded.setting, excluded.system, excluded.model, excluded.tip)",
        (
            conversation,
            place,
            writable(row.setting),
            writable(row.system) if row.system is not None else None,
            writable(row.model),
            row.tip,
        ),
    )
    if place == 0:
        connection.execute("UPDATE conversation SET tip = ? WHERE id = ?", (row.tip, conversation))


def drop_sides(connection: sqlite3.Connection, conversation: int, left: int) -> None:
    """Delete the sides from index `count` on, and list the settings of the others as the conversation's setting."""
    connection.execute("DELETE FROM seat WHERE conversation = ? AND place >= ?", (conversation, left))
    settings = "SELECT setting FROM seat WHERE conversation = ? ORDER BY place"
    called = " | ".join(setting for (setting,) in connection.execute(settings, (conversation,)))
    connection.execute("UPDATE conversation SET setting = ? WHERE id = ?", (called, conversation))


def load_sides(connection: sqlite3.Connection, conversation: int, places: Mapping[int, int]) -> Iterator[SideRow]:
    """Load the sides of a conversation; `places` maps row ids of turns to their indices."""
    sql = "SELECT setting, system, model, tip FROM seat WHERE conversation = ? ORDER BY place"
    for setting, system, model, tip in connection.execute(sql, (conversation,)):
        yield SideRow(setting, system, model, places.get(tip))
