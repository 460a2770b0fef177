"""Search for conversations: every word is matched literally, whatever characters it has."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from tui.store.records import Summary
from tui.store.schema import INTERRUPTED

_TERM = 3
"""Characters of an index term; shorter words are searched in the messages themselves."""
_BEFORE, _AFTER = 30, 90
"""Characters shown before and after the match."""

_ENTRY = (
    "SELECT id, title, setting, began, changed, (SELECT count(*) FROM turn WHERE conversation = conversation.id) "
    "FROM conversation "
)


def entries(connection: sqlite3.Connection, limit: int, offset: int) -> Iterator[Summary]:
    """List conversations, the most recently used first."""
    for row in connection.execute(f"{_ENTRY} ORDER BY newest DESC, id DESC LIMIT ? OFFSET ?", (limit, offset)):
        yield Summary(*row)


def find(connection: sqlite3.Connection, words: Sequence[str], limit: int, offset: int) -> Iterator[Summary]:
    """Find conversations with all these words in one message or in the title, the newest message first."""
    words = [word.replace("\0", "") for word in words]
    best: dict[int, tuple[int, str]] = {}
    for conversation, turn, text in _messages(connection, words):
        if conversation not in best:
            best[conversation] = (turn, _excerpt(text, words))
            if len(best) >= limit + offset:
                break
    for (conversation,) in connection.execute(
        f"SELECT id FROM conversation WHERE {_likes('title', words)}", _likeness(words)
    ):
        best.setdefault(conversation, (0, ""))
    found = sorted(best.items(), key=lambda item: item[1][0] or _newest(connection, item[0]), reverse=True)
    for conversation, (turn, excerpt) in islice(found, offset, offset + limit):
        row = connection.execute(f"{_ENTRY} WHERE id = ?", (conversation,)).fetchone()
        yield replace(Summary(*row), found=excerpt, turn=turn or None)


def _messages(connection: sqlite3.Connection, words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Find messages with all the words, newest first; interrupted ones, which are not indexed, come last."""
    long = [word for word in words if len(word) >= _TERM]
    short = [word for word in words if len(word) < _TERM]
    if long:
        terms = " AND ".join('"{}"'.format(word.replace('"', '""')) for word in long)
        sql = "SELECT conversation, id, turn.text FROM words JOIN turn ON id = words.rowid WHERE words MATCH ? "
        if short:
            sql += f"AND {_likes('turn.text', short)} "
        yield from connection.execute(f"{sql} ORDER BY words.rowid DESC", (terms, *_likeness(short)))
        # By name: SQLite does not see by itself that the few are better found by their own index.
        among = "turn INDEXED BY turn_interrupted"
        where = f"ending = '{INTERRUPTED}' AND {_likes('text', words)}"
        yield from connection.execute(f"SELECT conversation, id, text FROM {among} WHERE {where}", _likeness(words))
    else:
        where = _likes("text", words)
        yield from connection.execute(
            f"SELECT conversation, id, text FROM turn WHERE {where} ORDER BY id DESC", _likeness(words)
        )


def _likes(column: str, words: Sequence[str]) -> str:
    return " AND ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(words))


def _likeness(words: Sequence[str]) -> list[str]:
    literal = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
    return [f"%{word.translate(literal)}%" for word in words]


def _newest(connection: sqlite3.Connection, conversation: int) -> int:
    (newest,) = connection.execute("SELECT newest FROM conversation WHERE id = ?", (conversation,)).fetchone()
    return int(newest)


def _excerpt(text: str, words: Sequence[str]) -> str:
    """Cut one line out of a message around the first of the words."""
    place = max(0, text.lower().find(words[0].lower()))
    start, end = max(0, place - _BEFORE), min(len(text), place + _AFTER)
    part = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{part}{'…' if end < len(text) else ''}"
