"""Reply as a row of spans: its tokens, text record by a person, labels of what happened between them."""

from collections.abc import Iterator
from typing import NamedTuple

from tui.conversation.reply_record import ReplyRecord
from tui.terminal import safe_line
from tui.ui.markdown import Mark
from tui.ui.widgets.transcript.reply_footer import notable_events


class TokenSpan(NamedTuple):
    """Token, text or label in a row."""

    text: str
    kind: str = "token"
    """`token`, `person` for text that somebody wrote, or `mark` for a label of twiddle's own."""
    nameless: str = "◦"
    """Sign for a token without visible text."""
    given: bool = False
    """True if the token was there before the reply was asked for."""


def token_spans(text: str, record: ReplyRecord, *, start: int = 0, ended: bool = True) -> Iterator[TokenSpan]:
    """Yield the spans from token `start` on; `ended` is True if these are all."""
    ends = (*record.offsets[1:], len(text))
    happened = list(notable_events(record))
    for place in range(start, len(record.traces)):
        begin, trace = record.offsets[place], record.traces[place]
        if not place and begin:
            yield TokenSpan(text[:begin], "person")
        yield from (TokenSpan(Mark(0, label, kind).chip.text, "mark") for at, label, kind in happened if at == place)
        last = ended and place == len(record.traces) - 1
        nameless = safe_line(trace.text) if last and "\ufffd" not in trace.text and trace.text else "◦"
        yield TokenSpan(text[begin : ends[place]], "token", nameless, place < record.inherited)
