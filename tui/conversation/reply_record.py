"""Reply records: everything needed to inspect a reply, to branch from one of its tokens, and to replay it."""

from bisect import bisect_left

from msgspec import Struct
from msgspec.structs import replace

from tui.conversation.thinking import Thought
from tui.conversation.trace import Candidate, TokenTrace
from tui.knobs.table import Knobs


class KnobChange(Struct, frozen=True):
    """Knobs that apply from the token at `index` on."""

    index: int
    knobs: Knobs


class Stats(Struct, frozen=True):
    """Token counts and speed of a reply."""

    prompt_tokens: int
    reused_tokens: int
    """Number of prompt tokens found in the KV cache."""
    generated_tokens: int
    ttft_ms: float
    """Milliseconds from the request to the first token."""
    tokens_per_second: float
    """Speed after the first token."""


_STORED = {"inherited": "given", "first_index": "begun", "knob_changes": "lane", "offsets": "starts"}
"""Field names in stored JSON: those of the first edition."""


class ReplyRecord(Struct, frozen=True, rename=_STORED):
    """Record of a reply, token by token; `offsets`, `traces` and `records` have one entry a token."""

    preset: str
    model: str
    """Model of the preset, as FROM names it."""
    knobs: Knobs
    """Knobs of the request, with the seed that was used."""
    template: str = ""
    """TEMPLATE of the preset; empty for the model's own."""
    inherited: int = 0
    """Number of leading tokens taken from the reply that it branched from."""
    first_index: int = 0
    """Index of the first recorded token; above 0 where the reply continues a text that a person wrote."""
    knob_changes: tuple[KnobChange, ...] = ()
    """Knob changes after the inherited tokens."""
    offsets: tuple[int, ...] = ()
    """Index of each token's first character in the text."""
    traces: tuple[TokenTrace, ...] = ()
    """Traces of the tokens; the token that ended the reply is the last."""
    records: tuple[bytes, ...] = ()
    """Compressed logits of each token: see `tui.engine.sampling.logit_record`."""
    stats: Stats | None = None
    thinking: Knobs | None = None
    """Knobs for the thought, where they differ."""
    thought: Thought | None = None
    """Range of the thought in the text."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Token ids."""
        return tuple(trace.id for trace in self.traces)

    def truncate(self, count: int) -> "ReplyRecord":
        """Return the record of the first `count` tokens."""
        return replace(
            self,
            knob_changes=tuple(change for change in self.knob_changes if change.index < self.first_index + count),
            offsets=self.offsets[:count],
            traces=self.traces[:count],
            records=self.records[:count],
            stats=None,
            thought=None,
        )

    def with_next(self, text: str, trace: TokenTrace, record: bytes) -> "ReplyRecord":
        """Add the trace of the next token, as in a preview; `text` is the reply's text so far."""
        return self._with(len(text.rstrip("\ufffd")), trace, record)

    def _with(self, offset: int, trace: TokenTrace, record: bytes) -> "ReplyRecord":
        offsets, traces, records = (*self.offsets, offset), (*self.traces, trace), (*self.records, record)
        return replace(self, offsets=offsets, traces=traces, records=records)

    def index_at(self, character: int) -> int:
        """Return the index in `traces` of the token that a character of the text belongs to."""
        return max(bisect_left(self.offsets, character + 1) - 1, 0)


UNFINISHED = "\ufffd"
"""Mark at the end of a prefix whose tokens hold more than its text, such as half a character."""


class Prefix(Struct, frozen=True):
    """Start of a reply that the model continues."""

    text: str
    tokens: tuple[int, ...] = ()
    """Tokens of the text; empty where a person wrote it."""
    record: ReplyRecord | None = None
    """Record of these tokens."""
    unfinished: bool = False
    """True if the tokens hold more than the text, such as half a character, which the engine completes."""

    @property
    def message(self) -> str:
        """Text for the engine, with a mark at the end if it is unfinished."""
        return self.text + (UNFINISHED if self.unfinished else "")


_BRACKETS = (("<", ">"), ("[", "]"))
"""Brackets around the names of control tokens."""


def branched(text: str, record: ReplyRecord, index: int, other: Candidate) -> Prefix:
    """Build the prefix of a reply up to the token at `index`, with another candidate in its place."""
    head = record.truncate(index)
    before, trace = record.offsets[index], record.traces[index]
    rank = sum(each.p_raw > other.p_raw for each in trace.candidates)
    chosen = replace(trace, id=other.id, text=other.text, p_raw=other.p_raw, p=other.p, rank=rank)
    # Only the engine knows the text of half a character, of a token after one, and of a control token.
    hidden = before in head.offsets or "\ufffd" in other.text or (other.text[:1], other.text[-1:]) in _BRACKETS
    unfinished = hidden and not record.first_index
    return Prefix(
        text[:before] + ("" if unfinished else other.text),
        # Where a person wrote the text before, its tokens are not known.
        () if record.first_index else (*head.ids, other.id),
        head._with(before, chosen, record.records[index]),
        unfinished,
    )


def whole(text: str, tokens: tuple[int, ...], record: ReplyRecord | None) -> Prefix:
    """Build the prefix of a whole reply, to be continued; `tokens` are empty where a person edited the text."""
    head = record.truncate(len(tokens)) if record and tokens else None
    if tokens and text.endswith(UNFINISHED):
        return Prefix(text.rstrip(UNFINISHED), tokens, head, unfinished=True)
    return Prefix(text, tokens, head)
