"""How each token was chosen, packed; and how much of that is kept."""

import sqlite3
import zlib

import msgspec
from msgspec import msgpack
from msgspec.structs import replace

from tui.conversation.reply_record import ReplyRecord
from tui.conversation.trace import TokenTrace

LIMIT = 512 * 2**20
"""Bytes of traces in a file. Beyond, the oldest are dropped: what was said, its knobs and its seed stay, and from them
the reply can be written again."""

_LARGEST = 64 * 2**20
"""Bytes that the traces of one reply may unpack to."""

RECENT = 8 * 2**20
"""Packed bytes of traces that a conversation is opened with, its newest: unpacked in about a tenth of a second."""

Traces = tuple[tuple[TokenTrace, ...], tuple[bytes, ...]]
"""The traces and records of a reply."""

_decode = msgpack.Decoder(Traces).decode


def pack(written: ReplyRecord) -> bytes:
    """The part of a reply's record that grows with every token."""
    return zlib.compress(msgpack.encode((written.traces, written.records)))


def unpack(written: ReplyRecord, packed: bytes) -> ReplyRecord:
    """A reply's record with that part; as it is where the part cannot be read."""
    try:
        inflate = zlib.decompressobj()
        traces, records = _decode(inflate.decompress(packed, _LARGEST))
    except (zlib.error, msgspec.MsgspecError):
        return written
    return replace(written, traces=traces, records=records)


def keep_within(connection: sqlite3.Connection, limit: int) -> None:
    """Drop the oldest traces, so that those that are left take no more than `limit` bytes; inside a transaction."""
    (size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM trace").fetchone()
    for turn, bytes_ in connection.execute("SELECT turn, size FROM trace ORDER BY turn"):
        if size <= limit:
            return
        connection.execute("DELETE FROM trace WHERE turn = ?", (turn,))
        size -= bytes_
