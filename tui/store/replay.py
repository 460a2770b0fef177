"""Replay of a saved reply from its record, and its first difference."""

import hashlib
from pathlib import Path

from msgspec import Struct

from tui.conversation.conversation import Message, until
from tui.conversation.reply_record import UNFINISHED
from tui.conversation.trace import TokenTrace, common_prefix
from tui.engine.protocol import ReplyRequest
from tui.errors import ModelError, StoreError
from tui.store.records import ModelFile, StoredReply


class ReplayDifference(Struct, frozen=True):
    """First token that differs."""

    index: int
    was: str
    now: str


def request(stored: StoredReply) -> ReplyRequest:
    """Build the request that makes the engine write a saved reply again; raises StoreError."""
    written, conversation = stored.record, stored.conversation.conversation
    turn = conversation.turns[stored.index]
    messages = stored.source.opening + until(conversation, turn.parent).messages
    if written.inherited or written.first_index:
        messages += (_beginning(stored),)
    return ReplyRequest("replay", messages, written.knobs, written.knob_changes, written.template, written.thinking)


def expected(stored: StoredReply) -> tuple[int, ...]:
    """Return the token ids that the engine wrote; without the end token where the traces were dropped."""
    written, tokens = stored.record, stored.conversation.conversation.turns[stored.index].message.tokens
    return written.ids[written.inherited :] if written.traces else tokens


def difference(stored: StoredReply, now: tuple[TokenTrace, ...]) -> ReplayDifference | None:
    """Return the first difference of a replayed reply, or None."""
    wanted = expected(stored)
    traces = stored.record.traces[stored.record.inherited :]
    index = common_prefix(wanted, [each.id for each in now])
    if index == len(wanted):
        return None
    was = traces[index].text if index < len(traces) else f"token {wanted[index]}"
    return ReplayDifference(index, was, now[index].text if index < len(now) else "nothing")


def model_file(path: Path) -> ModelFile | None:
    """Return path, size and time of a model file without its hash, or None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return ModelFile(str(path), found.st_size, found.st_mtime_ns)


def check_model(recorded: ModelFile) -> str:
    """Return the sha256 of a recorded model file; raises ModelError if the file has changed."""
    there = model_file(Path(recorded.path))
    if there is None:
        raise ModelError(f"The model that wrote it is gone: {recorded.path!r}.")
    if there.size != recorded.size:
        raise ModelError(f"{recorded.path!r} is another file now: it has {there.size} bytes and had {recorded.size}.")
    sha256 = _sha256(Path(recorded.path))
    if recorded.sha256 and sha256 != recorded.sha256:
        raise ModelError(f"{recorded.path!r} is another file now: its content has changed.")
    if not recorded.sha256 and there.modified != recorded.modified:
        raise ModelError(
            f"{recorded.path!r} was changed since, and what was in it is not known; "
            "replay one of its replies before the file changes, and it will be."
        )
    return sha256


def _beginning(stored: StoredReply) -> Message:
    """Return the beginning of the reply that was there before the engine continued it."""
    written, text = stored.record, stored.conversation.conversation.turns[stored.index].message.content
    if not written.offsets:
        raise StoreError("This reply goes on from a beginning that is no longer kept: its traces were dropped.")
    if written.inherited >= len(written.offsets):
        return Message("assistant", text, written.ids[: written.inherited])
    begun = text[: written.offsets[written.inherited]]
    if written.first_index:
        return Message("assistant", begun)
    return Message("assistant", begun + UNFINISHED, written.ids[: written.inherited])  # they may say more than the text


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
