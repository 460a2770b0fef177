"""How a reply came to be: what it takes to look at it again, to go on from a place in it, to write it anew."""

from bisect import bisect_left

from msgspec import Struct
from msgspec.structs import replace

from tui.conversation.thinking import Thought
from tui.conversation.trace import Candidate, TokenTrace
from tui.knobs.table import Knobs


class KnobChange(Struct, frozen=True):
    """A turn of the knobs: they hold from the token at this index on."""

    index: int
    knobs: Knobs


class Stats(Struct, frozen=True):
    """What a reply cost."""

    prompt_tokens: int
    reused_tokens: int
    """Prompt tokens that did not have to be evaluated again."""
    generated_tokens: int
    ttft_ms: float
    """From the request to the first token."""
    tokens_per_second: float
    """Of the tokens after the first."""


_STORED = {"inherited": "given", "first_index": "begun", "knob_changes": "lane", "offsets": "starts"}
"""Field names in stored JSON: those of the first edition."""


class ReplyRecord(Struct, frozen=True, rename=_STORED):
    """A reply, token by token: `starts`, `traces` and `records` are as long as each other."""

    preset: str
    model: str
    """What the preset's FROM says."""
    knobs: Knobs
    """As it was asked for with: the seed is set."""
    template: str = ""
    """An explicit TEMPLATE, where the preset had one."""
    inherited: int = 0
    """How many of these tokens were there before it was asked for: those of the reply that it branched from."""
    first_index: int = 0
    """The index of the first of these tokens: above 0 where the reply goes on from a text that a person wrote."""
    knob_changes: tuple[KnobChange, ...] = ()
    """The turns of the knobs after the given tokens."""
    offsets: tuple[int, ...] = ()
    """Where in the text each token begins."""
    traces: tuple[TokenTrace, ...] = ()
    """How each was chosen; the token that ended the reply is the last."""
    records: tuple[bytes, ...] = ()
    """The scores it was chosen from: see `tui.engine.sampling.logit_record`."""
    stats: Stats | None = None
    thinking: Knobs | None = None
    """The knobs for its thought, where they were others."""
    thought: Thought | None = None
    """What of its text was thought."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens."""
        return tuple(trace.id for trace in self.traces)

    def truncate(self, count: int) -> "ReplyRecord":
        """The same with its first tokens alone."""
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
        """The same, and how the token after its last would be chosen; `text` is all that it says."""
        start = len(text.rstrip("\ufffd"))
        return replace(
            self,
            offsets=(*self.offsets, start),
            traces=(*self.traces, trace),
            records=(*self.records, record),
        )

    def index_at(self, character: int) -> int:
        """The place in `traces` of the token that a character of the text belongs to."""
        place = bisect_left(self.offsets, character + 1) - 1
        return max(place, 0)


UNFINISHED = "\ufffd"
"""Stands at the end of a text, for what the tokens of a beginning say beyond it."""


class Prefix(Struct, frozen=True):
    """The part of a reply that is there before the model goes on with it."""

    text: str
    tokens: tuple[int, ...] = ()
    """What the text was written with; nothing where a person wrote it."""
    record: ReplyRecord | None = None
    """How these tokens came to be."""
    unfinished: bool = False
    """Whether the tokens say more than the text: a part of a character, of which the engine says the rest."""

    @property
    def message(self) -> str:
        """The text as the engine is told it: a sign stands for what is unfinished."""
        return self.text + (UNFINISHED if self.unfinished else "")


_BRACKETS = (("<", ">"), ("[", "]"))
"""What the names of control tokens stand in."""


def branched(text: str, written: ReplyRecord, place: int, other: Candidate) -> Prefix:
    """The beginning of a reply's text up to a token, with another candidate in that token's place."""
    kept = written.truncate(place)
    before, trace = written.offsets[place], written.traces[place]
    rank = sum(each.p_raw > other.p_raw for each in trace.candidates)
    chosen = replace(trace, id=other.id, text=other.text, p_raw=other.p_raw, p=other.p, rank=rank)
    # Only the engine knows what is said by half a character, by a token after one, and by a control token.
    unsaid = before in kept.offsets or "\ufffd" in other.text or (other.text[:1], other.text[-1:]) in _BRACKETS
    unfinished = unsaid and not written.first_index
    return Prefix(
        text[:before] + ("" if unfinished else other.text),
        # Where a person wrote what comes before, there are no tokens that say it all.
        () if written.first_index else (*kept.ids, other.id),
        replace(
            kept,
            offsets=(*kept.offsets, before),
            traces=(*kept.traces, chosen),
            records=(*kept.records, written.records[place]),
        ),
        unfinished,
    )


def whole(text: str, tokens: tuple[int, ...], written: ReplyRecord | None) -> Prefix:
    """All of a reply, to be gone on with; `tokens` are those of its text, nothing where a person wrote some of it."""
    kept = written.truncate(len(tokens)) if written and tokens else None
    if tokens and text.endswith(UNFINISHED):
        return Prefix(text.rstrip(UNFINISHED), tokens, kept, unfinished=True)
    return Prefix(text, tokens, kept)
