"""The tables, and the way from an older file to the newest: named steps in order, each whole or not at all."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Final, NamedTuple

LONGEST_INDEXED = 1_000_000
"""Characters of a message that can be searched for; a longer one is kept whole and found by its beginning."""

INTERRUPTED: Final = "interrupted"
"""What a reply counts as until it is done, so that nobody has to clean up after a crash."""

TABLES = {
    "conversation": ("id", "key", "title", "setting", "began", "changed", "newest", "tip"),
    "model": ("id", "path", "size", "modified", "sha256"),
    "turn": ("id", "conversation", "parent", "role", "text", "ending", "edited", "at"),
    "reply": ("turn", "model", "build", "opening", "tokens", "written"),
    "trace": ("turn", "size", "packed"),
    "seat": ("id", "conversation", "place", "setting", "system", "model", "tip"),
}
"""The columns of every table after the last step, the number that its rows go by first; who is referred to, earlier."""

_SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"


class Migration(NamedTuple):
    """A step, for as long as there are files that have not made it: never change one that was released."""

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
                written TEXT                             -- a ReplyRecord without its traces; JSON
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
    """How many steps the file has made; more than there are here, if a newer twiddle wrote it."""
    (made,) = connection.execute("PRAGMA user_version").fetchone()
    return int(made)


def migrate(connection: sqlite3.Connection) -> None:
    """Make the steps that are left. Whoever else is at it goes first, and a kill leaves whole steps only."""
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
    """What is not as the steps made it, such as a trigger with a damaged byte; empty if nothing is."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        wanted = dict(fresh.execute(_SCHEMA).fetchall())
    there = dict(connection.execute(_SCHEMA).fetchall())
    return next((f"{name} is not as it was made" for name, sql in wanted.items() if there.get(name) != sql), "")
