"""Tables, and the migrations from older files: named, in order, each in one transaction."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Final, NamedTuple

LONGEST_INDEXED = 1_000_000
"""Indexed characters of a message; a longer one is stored whole and found by its beginning."""

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

_SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"


class Migration(NamedTuple):
    """One migration. Never change a released one, not even a comment: a file whose SQL differs counts as damaged."""

    name: str
    statements: Sequence[str]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "conversations as trees",
        (
            """CREATE TABLE migration (name TEXT PRIMARY KEY, at REAL NOT NULL) STRICT""",
            """CREATE TABLE conversation (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                key TEXT NOT NULL UNIQUE,                -- what it is called across files
                title TEXT NOT NULL,
                setting TEXT NOT NULL,                   -- the one in use when it was left
                began REAL NOT NULL,
                changed REAL NOT NULL,
                newest INTEGER NOT NULL DEFAULT 0,       -- its newest turn: clocks may jump, ids do not
                tip INTEGER                              -- the turn that it was left at
            ) STRICT""",
            """CREATE INDEX conversation_newest ON conversation (newest)""",
            """CREATE TABLE turn (
                id INTEGER PRIMARY KEY AUTOINCREMENT,    -- in the order they were said
                conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
                parent INTEGER,                          -- the turn it answers
                role TEXT NOT NULL,
                text TEXT NOT NULL,
                ending TEXT,
                edited INTEGER NOT NULL DEFAULT 0,
                at REAL NOT NULL
            ) STRICT""",
            """CREATE INDEX turn_conversation ON turn (conversation)""",
            f"""CREATE INDEX turn_interrupted ON turn (id) WHERE ending = '{INTERRUPTED}'""",
            """CREATE TABLE model (
                id INTEGER PRIMARY KEY,
                path TEXT NOT NULL,
                size INTEGER NOT NULL,
                modified INTEGER NOT NULL,               -- nanoseconds
                sha256 TEXT NOT NULL DEFAULT '',         -- once somebody has computed it
                UNIQUE (path, size, modified)
            ) STRICT""",
            """CREATE TABLE reply (
                turn INTEGER PRIMARY KEY REFERENCES turn ON DELETE CASCADE,
                model INTEGER REFERENCES model,
                build TEXT NOT NULL DEFAULT '',          -- of llama.cpp
                opening TEXT NOT NULL DEFAULT '[]',      -- what the model read before the conversation; JSON
                tokens BLOB NOT NULL,                    -- of its text; MessagePack
                written TEXT                             -- tui.written.Written without its traces; JSON
            ) STRICT""",
            """CREATE TABLE trace (
                turn INTEGER PRIMARY KEY REFERENCES turn ON DELETE CASCADE,
                size INTEGER NOT NULL,
                packed BLOB NOT NULL                     -- see tui.store.traces
            ) STRICT""",
            """CREATE INDEX trace_size ON trace (turn, size)""",
            # Without a copy of the text; every run of three characters is a term, so that any text is found literally.
            """CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'trigram')""",
            f"""CREATE TRIGGER turn_said AFTER INSERT ON turn WHEN new.ending IS NOT '{INTERRUPTED}' BEGIN
                INSERT INTO words (rowid, text) VALUES (new.id, substr(new.text, 1, {LONGEST_INDEXED}));
            END""",
            f"""CREATE TRIGGER turn_done AFTER UPDATE ON turn
                WHEN old.ending IS '{INTERRUPTED}' AND new.ending IS NOT '{INTERRUPTED}' BEGIN
                INSERT INTO words (rowid, text) VALUES (new.id, substr(new.text, 1, {LONGEST_INDEXED}));
            END""",
            f"""CREATE TRIGGER turn_gone AFTER DELETE ON turn WHEN old.ending IS NOT '{INTERRUPTED}' BEGIN
                INSERT INTO words (words, rowid, text)
                VALUES ('delete', old.id, substr(old.text, 1, {LONGEST_INDEXED}));
            END""",
        ),
    ),
    Migration(
        "sides of a conversation",
        (
            """CREATE TABLE seat (
                id INTEGER PRIMARY KEY,
                conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
                place INTEGER NOT NULL,                  -- among the sides beside each other
                setting TEXT NOT NULL,
                system TEXT,
                model TEXT NOT NULL,
                tip INTEGER,                             -- the turn that this side was left at
                UNIQUE (conversation, place)
            ) STRICT""",
        ),
    ),
)


def version(connection: sqlite3.Connection) -> int:
    """Return the number of migrations the file has had; more than there are here if a newer twiddle wrote it."""
    (made,) = connection.execute("PRAGMA user_version").fetchone()
    return int(made)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the migrations that are left. Another process may run them at once, and a kill leaves whole ones only."""
    while version(connection) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            made = version(connection)  # again, now that nobody else can change it
            if made < len(MIGRATIONS):
                step = MIGRATIONS[made]
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
