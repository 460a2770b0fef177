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
    written = turn.record
    parts = [ENDINGS[turn.ending]] if turn.ending in ENDINGS else []
    parts += ["edited"] if turn.edited else []
    if written:
        parts += [_cost(written.stats)] if written.stats else []
        parts.append(f"seed {written.knobs.seed}")
    return " · ".join(parts)


def marks(turn: Turn) -> tuple[Mark, ...]:
    """Return marks for where a reply branched, and where its knobs were turned."""
    written = turn.record
    if not written:
        return ()
    return tuple(Mark(_at(turn, written, place), label, kind) for place, label, kind in notable(written))


def notable(written: ReplyRecord) -> Iterator[tuple[int, str, MarkKind]]:
    """Yield what happened during a reply: index of the next token, label, kind."""
    if _went_on(written):
        yield written.inherited, "from here on anew", "branch"
    knobs = [written.knobs, *(change.knobs for change in written.knob_changes)]
    for change, (before, after) in zip(written.knob_changes, pairwise(knobs), strict=True):
        if label := describe_turn(before, after):
            yield change.index - written.first_index, label, "knob"


def _went_on(written: ReplyRecord) -> bool:
    return bool(written.inherited or written.first_index)


def _at(turn: Turn, written: ReplyRecord, place: int) -> int:
    """Return the index in the text where a token starts; its end for a token that is not there."""
    return written.offsets[place] if 0 <= place < len(written.offsets) else len(turn.message.content)


def _cost(stats: Stats) -> str:
    return f"{stats.generated_tokens} tokens · {stats.tokens_per_second:.0f} tok/s · first after {stats.ttft_ms:.0f} ms"
