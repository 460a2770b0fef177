"""What a reply came to, in figures: pace, length, and how likely its tokens were."""

from math import exp, log

from msgspec import Struct

from tui.conversation.reply_record import ReplyRecord
from tui.session.side import RunningReply, Side


class ReplyStats(Struct, frozen=True):
    """Of one reply, complete or not."""

    tokens: int
    rate: float | None = None
    """Tokens a second."""
    ttft_ms: float | None = None
    """Milliseconds from the request to the first token."""
    p: float | None = None
    """The mean probability of its tokens as they were drawn."""
    p_raw: float | None = None
    """The same before any knob: at temperature 1, over the whole vocabulary."""
    perplexity: float | None = None
    """By that measure, of how many equally likely tokens each was one."""


class RunningStats:
    """The figures of a side's newest reply, kept up to date as it grows: each token is read once."""

    def __init__(self) -> None:
        self._begin(None)

    def update(self, side: Side) -> ReplyStats | None:
        """The figures now; None where nothing has been written."""
        path = side.conversation.path
        reply = side.reply or (path[-1].record if path else None)
        if reply is None:
            return None
        if reply is not self._reply:
            self._begin(reply)
        for trace in reply.traces[reply.inherited + self._count :]:
            self._count += 1
            self._p += trace.p
            self._p_raw += trace.p_raw
            self._surprise -= log(max(trace.p_raw, 1e-12))
        count = self._count
        likely = (self._p / count, self._p_raw / count, exp(self._surprise / count)) if count else ()
        return ReplyStats(*_pace(reply, count), *likely)

    def _begin(self, reply: RunningReply | ReplyRecord | None) -> None:
        self._reply = reply
        self._count = 0
        self._p = self._p_raw = self._surprise = 0.0


def _pace(reply: RunningReply | ReplyRecord, count: int) -> tuple[int, float | None, float | None]:
    """How many tokens, how many a second, and how soon the first came."""
    if reply.stats:
        return reply.stats.generated_tokens, reply.stats.tokens_per_second, reply.stats.ttft_ms
    if isinstance(reply, RunningReply):
        return count, reply.rate, reply.ttft_ms
    return count, None, None
