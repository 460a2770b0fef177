-- Migrations from older files: named, in order, each run in one transaction; a blank line ends a statement.
-- Never change a released one, not even a comment: a file whose SQL differs counts as damaged. A message
-- is indexed up to its 1,000,000th character; a longer one is stored whole and found by its beginning.

-- migration: conversations as trees

CREATE TABLE migration (name TEXT PRIMARY KEY, at REAL NOT NULL) STRICT

CREATE TABLE conversation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,                -- what it is called across files
    title TEXT NOT NULL,
    setting TEXT NOT NULL,                   -- the one in use when it was left
    began REAL NOT NULL,
    changed REAL NOT NULL,
    newest INTEGER NOT NULL DEFAULT 0,       -- its newest turn: clocks may jump, ids do not
    tip INTEGER                              -- the turn that it was left at
) STRICT

CREATE INDEX conversation_newest ON conversation (newest)

CREATE TABLE turn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,    -- in the order they were said
    conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
    parent INTEGER,                          -- the turn it answers
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    ending TEXT,
    edited INTEGER NOT NULL DEFAULT 0,
    at REAL NOT NULL
) STRICT

CREATE INDEX turn_conversation ON turn (conversation)

CREATE INDEX turn_interrupted ON turn (id) WHERE ending = 'interrupted'

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,               -- nanoseconds
    sha256 TEXT NOT NULL DEFAULT '',         -- once somebody has computed it
    UNIQUE (path, size, modified)
) STRICT

CREATE TABLE reply (
    turn INTEGER PRIMARY KEY REFERENCES turn ON DELETE CASCADE,
    model INTEGER REFERENCES model,
    build TEXT NOT NULL DEFAULT '',          -- of llama.cpp
    opening TEXT NOT NULL DEFAULT '[]',      -- what the model read before the conversation; JSON
    tokens BLOB NOT NULL,                    -- of its text; MessagePack
    written TEXT                             -- tui.written.Written without its traces; JSON
) STRICT

CREATE TABLE trace (
    turn INTEGER PRIMARY KEY REFERENCES turn ON DELETE CASCADE,
    size INTEGER NOT NULL,
    packed BLOB NOT NULL                     -- see tui.store.traces
) STRICT

CREATE INDEX trace_size ON trace (turn, size)

-- Without a copy of the text; every run of three characters is a term, so that any text is found literally.
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'trigram')

CREATE TRIGGER turn_said AFTER INSERT ON turn WHEN new.ending IS NOT 'interrupted' BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, substr(new.text, 1, 1000000));
END

CREATE TRIGGER turn_done AFTER UPDATE ON turn
    WHEN old.ending IS 'interrupted' AND new.ending IS NOT 'interrupted' BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, substr(new.text, 1, 1000000));
END

CREATE TRIGGER turn_gone AFTER DELETE ON turn WHEN old.ending IS NOT 'interrupted' BEGIN
    INSERT INTO words (words, rowid, text)
    VALUES ('delete', old.id, substr(old.text, 1, 1000000));
END

-- migration: sides of a conversation

CREATE TABLE seat (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
    place INTEGER NOT NULL,                  -- among the sides beside each other
    setting TEXT NOT NULL,
    system TEXT,
    model TEXT NOT NULL,
    tip INTEGER,                             -- the turn that this side was left at
    UNIQUE (conversation, place)
) STRICT
