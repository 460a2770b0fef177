"""A conversation's tree, drawn as rows: a talk that goes straight on stays at its level, versions stand one deeper."""

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from tui.conversation.conversation import Conversation
from tui.conversation.reply_record import ReplyRecord
from tui.knobs.table import KNOBS


class TreeRow(Struct, frozen=True):
    """A turn in the drawing."""

    turn: int
    """Index in the conversation."""
    lead: str
    """The lines of the tree in front of it."""
    here: bool
    """Whether it is on the path being read."""
    before: int | None
    """The version before it."""


def outline(conversation: Conversation) -> Iterator[TreeRow]:
    """Every turn, each before what follows it."""
    after: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, turn in enumerate(conversation.turns):
        after[turn.parent].append(index)
    path = set(conversation.indices)
    # Not by recursion: a talk can be thousands of turns deep.
    waiting = _branches(after[None], "")
    while waiting:
        index, before, lead, below = waiting.pop()
        yield TreeRow(index, lead, index in path, before)
        waiting += _branches(after[index], below)


def _branches(turns: list[int], lead: str) -> list[tuple[int, int | None, str, str]]:
    """The turns that follow one, the last first: each with the one before, its lead, and that of what follows it."""
    if len(turns) < 2:
        return [(turn, None, lead, lead) for turn in turns]
    found = [(turn, before, lead + "├─ ", lead + "│  ") for before, turn in zip([None, *turns], turns, strict=False)]
    turn, before, _, _ = found.pop()
    return [(turn, before, lead + "└─ ", lead + "   "), *reversed(found)]


def about(conversation: Conversation, row: TreeRow) -> str:
    """What sets a reply apart from the version before it: where it branched, its preset and knobs, how it ended."""
    turn = conversation.turns[row.turn]
    written = turn.record
    before = None if row.before is None else conversation.turns[row.before].record
    parts = ["edited"] if turn.edited else []
    if written:
        parts += [_branched(written)] if written.inherited or written.first_index else []
        parts += [written.preset] if before is None or before.preset != written.preset else []
        parts += _turned(before, written) if before else []
        parts.append(f"{len(written.traces)} tokens")
    if turn.ending and turn.ending != "stop":
        parts.append(turn.ending)
    return " · ".join(parts)


def _turned(before: ReplyRecord, after: ReplyRecord) -> list[str]:
    changed = (name for name in after.knobs.differing(before.knobs) if name != "seed")
    return [f"{name} {KNOBS[name].show(getattr(after.knobs, name))}" for name in changed]


def _branched(written: ReplyRecord) -> str:
    if not written.inherited:
        return "goes on from an edited text"
    token = written.traces[written.inherited - 1]
    return f"from token {written.inherited} on, after {token.text!r}"
