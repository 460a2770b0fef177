"""Rows of a conversation's tree: turns without versions stay at one level, versions are indented one deeper."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from tui.conversation.conversation import Conversation
from tui.conversation.reply_record import ReplyRecord
from tui.knobs.table import KNOBS


class TreeRow(Struct, frozen=True):
    """Turn as a row of the tree."""

    turn: int
    """Index of the turn in the conversation."""
    lead: str
    """Tree lines in front of it."""
    here: bool
    """True if it is on the current path."""
    before: int | None
    """Index of the version before it, if there is one."""


def outline(conversation: Conversation) -> Iterator[TreeRow]:
    """Yield a row for every turn, each before the turns that follow it."""
    after: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, turn in enumerate(conversation.turns):
        after[turn.parent].append(index)
    path = set(conversation.indices)
    # Not by recursion: a conversation can be thousands of turns deep.
    waiting = _branches(after[None], "")
    while waiting:
        index, before, lead, below = waiting.pop()
        yield TreeRow(index, lead, index in path, before)
        waiting += _branches(after[index], below)


def _branches(turns: list[int], lead: str) -> list[tuple[int, int | None, str, str]]:
    """Return turn, version before it, lead and lead of the turns below, for each of the turns, last first."""
    if len(turns) < 2:
        return [(turn, None, lead, lead) for turn in turns]
    found = [(turn, before, lead + "├─ ", lead + "│  ") for before, turn in zip([None, *turns], turns, strict=False)]
    turn, before, _, _ = found.pop()
    return [(turn, before, lead + "└─ ", lead + "   "), *reversed(found)]


def about(conversation: Conversation, row: TreeRow) -> str:
    """Describe how a reply differs from the version before it: branch, preset, knobs, length, ending."""
    turn = conversation.turns[row.turn]
    record = turn.record
    before = None if row.before is None else conversation.turns[row.before].record
    parts = ["edited"] if turn.edited else []
    if record:
        parts += [_branch_point(record)] if record.inherited or record.first_index else []
        parts += [record.preset] if before is None or before.preset != record.preset else []
        parts += _changed_knobs(before, record) if before else []
        parts.append(f"{len(record.traces)} tokens")
    if turn.ending and turn.ending != "stop":
        parts.append(turn.ending)
    return " · ".join(parts)


def _changed_knobs(before: ReplyRecord, after: ReplyRecord) -> list[str]:
    changed = (name for name in after.knobs.differing(before.knobs) if name != "seed")
    return [f"{name} {KNOBS[name].show(getattr(after.knobs, name))}" for name in changed]


def _branch_point(record: ReplyRecord) -> str:
    if not record.inherited:
        return "continues an edited text"
    token = record.traces[record.inherited - 1]
    return f"from token {record.inherited} on, after {token.text!r}"
