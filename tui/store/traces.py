"""Packed traces and logit records of replies, and the limit on their size."""

import sqlite3
import zlib

import msgspec
from msgspec import msgpack
from msgspec.structs import replace

from tui.conversation.reply_record import ReplyRecord
from tui.conversation.trace import TokenTrace

LIMIT = 512 * 2**20
"""Bytes of traces in a file; the oldest are dropped beyond. Text, knobs and seed stay, so a reply can be replayed."""

_LARGEST = 64 * 2**20
"""Most bytes that the traces of one reply may unpack to."""

RECENT = 8 * 2**20
"""Packed bytes of the newest traces loaded with a conversation: unpacked in about a tenth of a second."""

Traces = tuple[tuple[TokenTrace, ...], tuple[bytes, ...]]
"""Traces and logit records of a reply."""

_decode = msgpack.Decoder(Traces).decode


def pack(written: ReplyRecord) -> bytes:
    """Pack the traces and logit records of a reply: MessagePack, deflated."""
    return zlib.compress(msgpack.encode((written.traces, written.records)))


def unpack(written: ReplyRecord, packed: bytes) -> ReplyRecord:
    """Return the record with its traces; unchanged if they cannot be unpacked."""
    try:
        inflate = zlib.decompressobj()
        traces, records = _decode(inflate.decompress(packed, _LARGEST))
    except (zlib.error, msgspec.MsgspecError):
        return written
    return replace(written, traces=traces, records=records)


def limit_traces(connection: sqlite3.Connection, limit: int) -> None:
    """Delete the oldest traces until the rest fits in `limit` bytes; call it inside a transaction."""
    (size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM trace").fetchone()
    for turn, bytes_ in connection.execute("SELECT turn, size FROM trace ORDER BY turn"):
        if size <= limit:
            return
        connection.execute("DELETE FROM trace WHERE turn = ?", (turn,))
        size -= bytes_
