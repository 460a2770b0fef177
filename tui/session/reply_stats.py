"""Statistics of a reply: length, speed, and how likely its tokens were."""

from math import exp, log

from msgspec import Struct

from tui.conversation.reply_record import ReplyRecord
from tui.session.side import RunningReply, Side


class ReplyStats(Struct, frozen=True):
    """Statistics of one reply, running or complete."""

    tokens: int
    rate: float | None = None
    """Tokens a second."""
    ttft_ms: float | None = None
    """Milliseconds from the request to the first token."""
    p: float | None = None
    """Mean probability of its tokens after all sampling stages."""
    p_raw: float | None = None
    """Mean probability before any knob: at temperature 1, over the whole vocabulary."""
    perplexity: float | None = None
    """exp of the mean surprise, from `p_raw`."""


class RunningStats:
    """Statistics of a side's newest reply, updated as it grows; each token is read once."""

    def __init__(self) -> None:
        self._start(None)

    def update(self, side: Side) -> ReplyStats | None:
        """Return the statistics now; None if there is no reply."""
        path = side.conversation.path
        reply = side.reply or (path[-1].record if path else None)
        if reply is None:
            return None
        if reply is not self._reply:
            self._start(reply)
        for trace in reply.traces[reply.inherited + self._count :]:
            self._count += 1
            self._p += trace.p
            self._p_raw += trace.p_raw
            self._surprise -= log(max(trace.p_raw, 1e-12))
        count = self._count
        means = (self._p / count, self._p_raw / count, exp(self._surprise / count)) if count else ()
        return ReplyStats(*_pace(reply, count), *means)

    def _start(self, reply: RunningReply | ReplyRecord | None) -> None:
        self._reply = reply
        self._count = 0
        self._p = self._p_raw = self._surprise = 0.0


def _pace(reply: RunningReply | ReplyRecord, count: int) -> tuple[int, float | None, float | None]:
    """Return number of tokens, tokens a second, and milliseconds to the first token."""
    if reply.stats:
        return reply.stats.generated_tokens, reply.stats.tokens_per_second, reply.stats.ttft_ms
    if isinstance(reply, RunningReply):
        return count, reply.rate, reply.ttft_ms
    return count, None, None
