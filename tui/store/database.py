"""The SQLite file and its one connection, used on one thread only (see `tui.store.async_store`)."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui.errors import StoreError
from tui.paths import data_dir, make_private
from tui.store.schema import migrate, migrations, misshapen, version

PATIENCE = 1.0
"""Seconds to wait for a lock that another process holds."""

OLDEST = (3, 37, 0)
"""Oldest SQLite that has all features of the schema."""

SAFE_WAL = (3, 51, 3)
"""First SQLite in which two processes cannot damage a file through its write-ahead log."""

Identity = tuple[int, int] | None
"""Device and inode of a file; None where there is none."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REASONS = {
    sqlite3.SQLITE_BUSY: "another program holds it locked, or nothing can be locked where it lies",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk does not take or give what it should",
    sqlite3.SQLITE_TOOBIG: "a message is too long for it",
}


class DamagedFile(StoreError):
    """Raised when the file is not what SQLite wrote."""

    def __init__(self, message: str, file: Identity) -> None:
        super().__init__(message)
        self.file = file
        """Identity of the damaged file: another window may have replaced it before it is repaired."""


class MovedFile(StoreError):
    """Raised when the file was moved or replaced during a write, which is then not in the file at that path."""


class Database:
    """An open file. Raises StoreError if it cannot be opened, DamagedFile if it must be repaired first."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self.path, self._patience = path, patience
        self.readonly = ""
        """Reason that the file is read-only; empty when it can be written."""
        self._newer = False
        """True if a newer twiddle wrote it."""
        with self._explained():
            if sqlite3.sqlite_version_info < OLDEST:
                raise StoreError(
                    f"The history needs SQLite {'.'.join(map(str, OLDEST))} or newer, and this Python has "
                    f"{sqlite3.sqlite_version}."
                )
            self._create()
            self._identity = identity(path)
            if path.stat().st_size == 0 and _size(path, "-wal"):
                raise DamagedFile(f"The history {str(path)!r} is empty beside a log of changes to it.", self._identity)
            self._connection = self._connect()
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for reading; errors become StoreError."""
        with self._explained():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection in a transaction, committed at the end or rolled back on an error; raises StoreError."""
        if self.readonly:
            raise StoreError(self.readonly)
        connection = self._connection
        with self._explained():
            # From the start for writing: one that begins by reading is refused at once when another has written.
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._must_be_there()
                yield connection
                connection.execute("COMMIT")
                self._must_be_there()  # again: a window that repairs it may just have read it
            finally:
                with suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")

    @property
    def gone(self) -> bool:
        """True if the file was moved, removed or replaced: a write would be lost."""
        return identity(self.path) != self._identity

    def _must_be_there(self) -> None:
        if self.gone:
            raise MovedFile(f"The history {str(self.path)!r} is moved or replaced again and again.")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _create(self) -> None:
        folder = self.path.parent
        make_private(folder)
        if folder == data_dir():  # not one that a person named; and where models came first, this one is open to all
            with suppress(OSError):
                folder.chmod(0o700)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if not (os.access(self.path, os.W_OK) and os.access(folder, os.W_OK)):
            self.readonly = f"The history {str(self.path)!r} may only be read."

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.readonly else "rw"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=self._patience, isolation_level=None
        )
        connection.text_factory = decode
        return connection

    def _prepare(self) -> None:
        connection = self._connection
        made = version(connection)
        self._newer = made > len(migrations())
        if self._newer:
            self.readonly = f"The history {str(self.path)!r} was written by a newer twiddle; this one only reads it."
            connection.execute("PRAGMA query_only = ON")
        if self.readonly:
            return
        # Writes come at a person's pace: each may wait until the disk has it. EXTRA, since a journal that comes back
        # when the power goes would take back what was committed.
        journal = "WAL" if sqlite3.sqlite_version_info >= SAFE_WAL else "DELETE"
        for setting in (
            "synchronous = EXTRA", "foreign_keys = ON", "secure_delete = ON", "cell_size_check = ON",
            f"journal_mode = {journal}",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {setting}")
        if made:
            self.path.chmod(0o600)
        migrate(connection)
        if damage := misshapen(connection):
            raise DamagedFile(f"The history {str(self.path)!r} is damaged: {damage}.", self._identity)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # the connection on another thread: a fault of ours
        except UnicodeDecodeError as error:  # what SQLite says of the damage quotes it
            raise self._damage("it says so in letters that cannot be read") from error
        except sqlite3.Error as error:
            raise self._explain(error) from error
        except OSError as error:
            raise StoreError(f"The history {str(self.path)!r} cannot be used: {error.strerror or error}.") from error

    def _explain(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _DAMAGED:
            return self._damage(str(error))
        return StoreError(f"The history {str(self.path)!r} cannot be used: {_REASONS.get(code, error)}.")

    def _damage(self, what: str) -> StoreError:
        said = f"The history {str(self.path)!r} is damaged: {what}."
        if self._newer:  # repaired here, it would lose what this version does not know
            return StoreError(f"{said} It was written by a newer twiddle; open it with that one to mend it.")
        return DamagedFile(said, self._identity)


def identity(path: Path) -> Identity:
    """Return device and inode of the file at a path, or None."""
    # Never by opening it: to close any descriptor of the file would drop SQLite's locks on it.
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _size(path: Path, suffix: str) -> int:
    try:
        return path.with_name(path.name + suffix).stat().st_size
    except OSError:
        return 0


def decode(text: bytes) -> str:
    """Decode UTF-8; a damaged byte costs one character."""
    return text.decode("utf-8", "replace")
