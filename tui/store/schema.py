"""Tables, and the migrations from older files: named, in order, each in one transaction."""

import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

INTERRUPTED: Final = "interrupted"
"""Ending of a reply until it is finished, so that a crash leaves nothing to clean up."""

TABLES = {
    "conversation": ("id", "key", "title", "setting", "began", "changed", "newest", "tip"),
    "model": ("id", "path", "size", "modified", "sha256"),
    "turn": ("id", "conversation", "parent", "role", "text", "ending", "edited", "at"),
    "reply": ("turn", "model", "build", "opening", "tokens", "written"),
    "trace": ("turn", "size", "packed"),
    "seat": ("id", "conversation", "place", "setting", "system", "model", "tip"),
}
"""Columns of every table after the last migration, the row id first; a table comes after those it refers to."""

_SOURCE = Path(__file__).with_name("migrations.sql")
_SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"


class Migration(NamedTuple):
    """One migration of `migrations.sql`."""

    name: str
    statements: Sequence[str]


@cache
def migrations() -> tuple[Migration, ...]:
    """Read the migrations, oldest first."""
    text = re.sub("^-- (?!migration: ).*\n", "", _SOURCE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts = (part.strip().split("\n\n") for part in text.split("-- migration: ")[1:])
    # SQLite keeps the text of a statement: its further lines are indented as in the files of the first edition.
    return tuple(Migration(name, [each.replace("\n", "\n" + 12 * " ") for each in rest]) for name, *rest in parts)


def version(connection: sqlite3.Connection) -> int:
    """Return the number of migrations the file has had; more than there are here if a newer twiddle wrote it."""
    (made,) = connection.execute("PRAGMA user_version").fetchone()
    return int(made)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that are left. Another process may run them at once, and a kill leaves whole ones only."""
    while version(connection) < len(migrations()):
        connection.execute("BEGIN IMMEDIATE")
        try:
            made = version(connection)  # again, now that nobody else can change it
            if made < len(migrations()):
                step = migrations()[made]
                for statement in step.statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migration VALUES (?, ?)", (step.name, time.time()))
                connection.execute(f"PRAGMA user_version = {made + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def misshapen(connection: sqlite3.Connection) -> str:
    """Describe a part of the schema that differs from the migrations, such as a damaged trigger; empty if none."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        wanted = dict(fresh.execute(_SCHEMA).fetchall())
    there = dict(connection.execute(_SCHEMA).fetchall())
    return next((f"{name} is not as it was made" for name, sql in wanted.items() if there.get(name) != sql), "")
