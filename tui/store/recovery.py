"""Repair of a damaged file: it is moved aside, never deleted, and all readable rows go into a new file."""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from tui.errors import StoreError
from tui.store.database import Database, Identity, decode, identity
from tui.store.page_salvage import salvaged_rows
from tui.store.schema import TABLES

_SIDE_FILES = ("-journal", "-wal", "-shm")
_GUESS = 2**17
"""Highest row id to try where the file does not tell it."""
_FAILURES = 5000
"""Failed reads of a table after which the rest is given up: behind a damaged root all reads fail."""

_PATIENCE = 10.0
"""Seconds to wait for another window that repairs the file."""

Row = tuple[object, ...]


def repair(path: Path, damaged: Identity) -> str:
    """Replace a damaged file by a new one with its readable rows; return a message for the user. Raises StoreError.

    The message is empty when another window has already replaced the file.
    """
    try:
        # Of two windows one mends, and the other finds it done.
        with FileLock(path.with_suffix(".lock"), timeout=_PATIENCE, mode=0o600):
            return _repair(path) if identity(path) == damaged else ""
    except Timeout as error:
        raise StoreError(
            f"The history {str(path)!r} is damaged, and another program has been mending it for {_PATIENCE:g} s."
        ) from error
    except OSError as error:
        raise StoreError(
            f"The history {str(path)!r} is damaged and cannot be mended: {error.strerror or error}."
        ) from error


def _repair(path: Path) -> str:
    fresh = path.with_name(f"{path.stem}.recovering-{os.getpid()}{path.suffix}")
    try:
        salvaged = _salvage(path, fresh)
        aside = _move_aside(path)
        fresh.rename(path)
    finally:
        for suffix in ("", *_SIDE_FILES):
            with suppress(OSError):
                fresh.with_name(fresh.name + suffix).unlink()
    return (
        f"The history was damaged. {salvaged['conversation']} conversations with {salvaged['turn']} messages were "
        f"recovered; the damaged file is kept as {str(aside)!r}."
    )


def _move_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.stem}.damaged-{stamp}{number}{path.suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
    aside = next(each for name in names if not (each := path.with_name(name)).exists())
    path.rename(aside)
    for suffix in _SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _salvage(path: Path, fresh: Path) -> dict[str, int]:
    """Copy all readable rows into a new file; return the number of rows by table."""
    # SQLite takes the log of an empty file for a stale one, and deletes it.
    modes = ("mode=rw", "immutable=1") if path.stat().st_size else ()
    database = Database(fresh)
    with closing(database), database.writing() as connection:
        # As SQLite reads it, which undoes or completes what was being written; then the bare file; then its pages.
        for mode in modes:
            with suppress(sqlite3.Error, UnicodeDecodeError), closing(_open(path, mode)) as damaged:
                for table, columns in TABLES.items():
                    for row in _rows(damaged, table, columns):
                        _add(connection, table, row)
        for table, row in salvaged_rows(path):
            _add(connection, table, row)
        _adopt(connection)
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=1, isolation_level=None)
    connection.text_factory = decode
    return connection


def _rows(damaged: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield every readable row: a range that fails is halved until the damaged rows are isolated."""
    number = columns[0]
    select = f"SELECT {', '.join(columns)} FROM {table} WHERE {number} BETWEEN ? AND ? ORDER BY {number}"
    stretches = deque([(0, _highest(damaged, table, number))])
    failures = 0
    while stretches and failures < _FAILURES:
        low, high = stretches.popleft()
        try:
            for row in damaged.execute(select, (low, high)):  # one by one: a history may be larger than the memory
                yield row
                low = row[0] + 1
        except UnicodeDecodeError:
            return  # what SQLite says of the damage quotes it
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                return  # there is no such table, or no database at all
            failures += 1
            if low < high:
                middle = (low + high) // 2
                stretches += [(low, middle), (middle + 1, high)]


def _highest(damaged: sqlite3.Connection, table: str, number: str) -> int:
    for question in (f"SELECT max({number}) FROM {table}", f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"):
        with suppress(sqlite3.Error, UnicodeDecodeError):
            found = damaged.execute(question).fetchone()
            if found and isinstance(found[0], int) and 0 < found[0] < 2**40:
                return found[0]
    return _GUESS


def _add(connection: sqlite3.Connection, table: str, row: Row) -> None:
    # What refers to a row that was lost is put right afterwards, or goes with it.
    with suppress(sqlite3.IntegrityError):
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _adopt(connection: sqlite3.Connection) -> None:
    """Create a conversation for turns that lost theirs, and delete replies, traces and sides that lost their row."""
    lost = "SELECT DISTINCT conversation FROM turn WHERE conversation NOT IN (SELECT id FROM conversation)"
    for (number,) in connection.execute(lost).fetchall():
        connection.execute(
            "INSERT INTO conversation SELECT ?, ?, 'Recovered: ' || substr(min(text), 1, 60), '', min(at), max(at), "
            "max(id), max(id) FROM turn WHERE conversation = ?",
            (number, uuid4().hex, number),
        )
    connection.execute("DELETE FROM seat WHERE conversation NOT IN (SELECT id FROM conversation)")
    for table in ("reply", "trace"):
        connection.execute(f"DELETE FROM {table} WHERE turn NOT IN (SELECT id FROM turn)")
    connection.execute("UPDATE reply SET model = NULL WHERE model NOT IN (SELECT id FROM model)")
