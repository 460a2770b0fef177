"""The store of conversations, over one SQLite file. Used on one thread only."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from tui.conversation.conversation import Conversation
from tui.conversation.reply_record import ReplyRecord
from tui.errors import StoreError
from tui.store import rows
from tui.store.database import PATIENCE, DamagedFile, Database, MovedFile
from tui.store.export import ExportedConversation, ExportedTurn
from tui.store.records import (
    ModelFile,
    SavedPosition,
    Snapshot,
    StoredConversation,
    StoredReply,
    Summary,
    title_of,
    writable,
)
from tui.store.recovery import repair
from tui.store.search import entries, find
from tui.store.traces import LIMIT, RECENT, limit_traces, unpack

Answer = TypeVar("Answer")
Job = Callable[[sqlite3.Connection], Answer]
Transaction = Callable[[Database], AbstractContextManager[sqlite3.Connection]]


class Store:
    """One file of conversations. Every method raises StoreError with a message for the user."""

    def __init__(self, path: Path, *, patience: float = PATIENCE, limit: int = LIMIT) -> None:
        """Open the file, create it if missing, repair it if damaged.

        `patience`: seconds to wait for a lock of another process; `limit`: bytes of traces to keep.
        """
        self._path, self._patience, self._limit = path, patience, limit
        self.notice = ""
        """Message about the file, such as that it was repaired; empty if none."""
        self._database: Database | None = self._open()

    @property
    def readonly(self) -> str:
        """Reason that nothing can be saved; empty when it can."""
        return self._database.readonly if self._database else ""

    def save(self, position: SavedPosition, snapshot: Snapshot) -> SavedPosition:
        """Save the new turns of a conversation and return its new position. When it returns, the disk has it."""

        def write(connection: sqlite3.Connection) -> SavedPosition:
            conversation = rows.ensure_conversation(connection, position.key, snapshot, title_of(_question(snapshot)))
            stored = rows.TurnWriter(connection, conversation, position).write(snapshot)
            limit_traces(connection, self._limit)
            return stored

        return self._write(write)

    def list(self, query: str = "", limit: int = 50, offset: int = 0) -> tuple[Summary, ...]:
        """List conversations, the most recently used first; with a query, those that match all its words."""
        if query.split():
            return self._read(lambda connection: tuple(find(connection, query.split(), limit, offset)))
        return self._read(lambda connection: tuple(entries(connection, limit, offset)))

    def load(self, number: int, recent: int = RECENT) -> StoredConversation:
        """Load a conversation with the traces of its newest replies, up to `recent` packed bytes."""

        def read(connection: sqlite3.Connection) -> StoredConversation:
            stored = rows.load(connection, number)
            turns = list(stored.conversation.turns)
            left = recent
            for index in reversed(range(len(turns))):
                size = rows.trace_size(connection, stored.position.turns[index]) if turns[index].record else 0
                left -= size
                if left < 0:
                    break
                if size:
                    whole = _unpacked(connection, stored.position.turns[index], turns[index].record)
                    turns[index] = replace(turns[index], record=whole)
            return replace(stored, conversation=replace(stored.conversation, turns=tuple(turns)))

        return self._read(read)

    def newest(self) -> int | None:
        """Return the number of the most recently used conversation, or None."""
        found = self.list(limit=1)
        return found[0].id if found else None

    def reply(self, turn: int | None = None) -> StoredReply:
        """Load a reply by the number of its turn, else the newest, with its traces where they are still there."""

        def read(connection: sqlite3.Connection) -> StoredReply:
            number = rows.reply_number(connection, turn)
            stored = rows.load(connection, rows.conversation_with(connection, number))
            index = stored.position.turns.index(number)
            written = stored.conversation.turns[index].record
            if written is None:
                raise StoreError(f"Nothing is known of how message {number} was written.")
            whole = _unpacked(connection, number, written) or written
            return StoredReply(stored, index, whole, rows.source_of(connection, number))

        return self._read(read)

    def recall(self, turn: int, written: ReplyRecord) -> ReplyRecord:
        """Return a reply's record with its traces where they are still there."""
        return self._read(lambda connection: _unpacked(connection, turn, written) or written)

    def export(self, number: int) -> ExportedConversation:
        """Load a whole conversation with all traces, for export."""

        def read(connection: sqlite3.Connection) -> ExportedConversation:
            stored = rows.load(connection, number)
            said = []
            for turn, identifier, at in zip(stored.conversation.turns, stored.position.turns, stored.at, strict=True):
                whole = replace(turn, record=_unpacked(connection, identifier, turn.record))
                said.append(ExportedTurn(whole, at, rows.source_of(connection, identifier)))
            return ExportedConversation(
                key=stored.position.key,
                title=stored.title,
                setting=stored.setting,
                began=stored.began,
                changed=stored.changed,
                tip=stored.conversation.tip,
                said=tuple(said),
                sides=stored.sides,
            )

        return self._read(read)

    def add(self, exported: ExportedConversation) -> int:
        """Import an exported conversation and return its number; raises StoreError if it is here already."""

        def write(connection: sqlite3.Connection) -> int:
            there = connection.execute("SELECT id FROM conversation WHERE key = ?", (exported.key,)).fetchone()
            if there:
                raise StoreError(f"That conversation is here already: it is number {there[0]}.")
            number = rows.ensure_conversation(
                connection, exported.key, Snapshot(Conversation(), exported.setting), exported.title
            )
            rows.TurnWriter(connection, number, SavedPosition(exported.key)).copy(
                [(each.turn, each.at, each.source) for each in exported.said], exported.tip, exported.sides
            )
            connection.execute(
                "UPDATE conversation SET began = ?, changed = ? WHERE id = ?",
                (exported.began, exported.changed, number),
            )
            limit_traces(connection, self._limit)
            return number

        return self._write(write)

    def rename(self, number: int, title: str) -> None:
        """Rename a conversation."""
        self._change("UPDATE conversation SET title = ? WHERE id = ?", number, writable(title)[:1000])

    def remove(self, number: int) -> None:
        """Delete a conversation and overwrite its text in the file."""
        self._change("DELETE FROM conversation WHERE id = ?", number)
        self._write(lambda connection: connection.execute("INSERT INTO words (words) VALUES ('optimize')"))

    def note_sha256(self, model: ModelFile, sha256: str) -> None:
        """Save the sha256 of a model file."""
        self._write(
            lambda connection: connection.execute(
                "UPDATE model SET sha256 = ? WHERE path = ? AND size = ? AND modified = ?",
                (sha256, model.path, model.size, model.modified),
            )
        )

    def back_up(self, target: Path) -> None:
        """Copy the whole file as of one moment, also while it is written."""

        def copy(connection: sqlite3.Connection) -> None:
            with closing(sqlite3.connect(target)) as other:
                connection.backup(other)

        self._read(copy)

    def close(self) -> None:
        """Close the file."""
        if self._database:
            self._database.close()
            self._database = None

    def _change(self, statement: str, number: int, *values: str) -> None:
        def change(connection: sqlite3.Connection) -> None:
            if connection.execute(statement, (*values, number)).rowcount == 0:
                raise StoreError(f"There is no conversation {number}; `twiddle history list` shows them.")

        self._write(change)

    # --- the file ---------------------------------------------------------------------------------------------------

    def _read(self, job: Job[Answer]) -> Answer:
        return self._run(job, Database.reading)

    def _write(self, job: Job[Answer]) -> Answer:
        try:
            return self._run(job, Database.writing)
        except MovedFile:
            return self._run(job, Database.writing)  # in the file that stands there now

    def _run(self, job: Job[Answer], transaction: Transaction) -> Answer:
        try:
            with transaction(self._sound()) as connection:
                return job(connection)
        except DamagedFile as damage:
            with transaction(self._repaired(damage)) as connection:
                return job(connection)

    def _open(self) -> Database:
        try:
            return Database(self._path, self._patience)
        except DamagedFile as damage:
            self.notice = repair(self._path, damage.file)
            return Database(self._path, self._patience)

    def _sound(self) -> Database:
        database = self._database
        if database and not database.gone and not database.readonly:
            return database
        if database and database.gone:
            self.notice = (
                f"The history {str(self._path)!r} was moved or replaced while it was in use; "
                "what is open here is saved in the one that is there now."
            )
        self.close()  # where it can only be read: it may have become writable again
        self._database = database = self._open()
        return database

    def _repaired(self, damage: DamagedFile) -> Database:
        self.close()  # and where it cannot be mended, the next call opens it anew
        self.notice = repair(self._path, damage.file)
        self._database = database = Database(self._path, self._patience)
        return database


def _unpacked(connection: sqlite3.Connection, turn: int, written: ReplyRecord | None) -> ReplyRecord | None:
    packed = connection.execute("SELECT packed FROM trace WHERE turn = ?", (turn,)).fetchone()
    return unpack(written, packed[0]) if written and packed else written


def _question(snapshot: Snapshot) -> str:
    asked = (turn.message.content for turn in snapshot.conversation.turns if turn.message.role == "user")
    return next(asked, "")
