"""Line under a reply, and the marks inside its text."""

from collections.abc import Iterator
from itertools import pairwise

from tui.conversation.conversation import Turn
from tui.conversation.reply_record import ReplyRecord, Stats
from tui.session.side import describe_turn
from tui.ui.markdown import Mark, MarkKind

ENDINGS = {
    "length": "cut at the limit",
    "stopped": "stopped",
    "failed": "failed",
    "died": "the engine was lost",
    "interrupted": "interrupted: twiddle ended while it was written",
}
"""Notes on replies that did not end by themselves."""


def footnote(turn: Turn) -> str:
    """Return how a reply ended, its cost, and the seed that reproduces it."""
    record = turn.record
    parts = [ENDINGS[turn.ending]] if turn.ending in ENDINGS else []
    if record and record.thought and record.thought.answer is None and turn.ending in ("stop", "length"):
        parts.append("no answer: it ended within its thought")
    parts += ["edited"] if turn.edited else []
    if record:
        parts += [_cost(record.stats)] if record.stats else []
        parts.append(f"seed {record.knobs.seed}")
    return " · ".join(parts)


def marks(turn: Turn) -> tuple[Mark, ...]:
    """Return marks for where a reply branched, and where its knobs were turned."""
    record = turn.record
    if not record:
        return ()
    return tuple(Mark(_at(turn, record, place), label, kind) for place, label, kind in notable_events(record))


def notable_events(record: ReplyRecord) -> Iterator[tuple[int, str, MarkKind]]:
    """Yield what happened during a reply: index of the next token, label, kind."""
    if record.inherited or record.first_index:
        yield record.inherited, "from here on anew", "branch"
    knobs = [record.knobs, *(change.knobs for change in record.knob_changes)]
    for change, (before, after) in zip(record.knob_changes, pairwise(knobs), strict=True):
        if label := describe_turn(before, after):
            yield change.index - record.first_index, label, "knob"


def _at(turn: Turn, record: ReplyRecord, place: int) -> int:
    """Return the index in the text where a token starts; its end for a token that is not there."""
    return record.offsets[place] if 0 <= place < len(record.offsets) else len(turn.message.content)


def _cost(stats: Stats) -> str:
    return f"{stats.generated_tokens} tokens · {stats.tokens_per_second:.0f} tok/s · first token {stats.ttft_ms:.0f} ms"
