"""Protocol between the two processes: commands in, events out, one JSON object a line.

For each reply of a Generate the engine sends Token events and then exactly one Finished or Failed. `Silent`, `Answers`
and `Died` are never sent: the client makes them of what it does not hear.
"""

from msgspec import MsgspecError, Struct, json

from tui.conversation.conversation import Ending, Message
from tui.conversation.reply_record import KnobChange, Stats
from tui.conversation.thinking import Thought
from tui.conversation.trace import TokenTrace
from tui.engine.hardware import Machine
from tui.engine.loaded_model import ModelInfo
from tui.errors import KnobError
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs

# --- commands -------------------------------------------------------------------------------------------------------


class Load(Struct, frozen=True, tag="load"):
    """Load a model, in place of the one loaded. Answered by Progress events, then Loaded or LoadFailed."""

    path: str
    knobs: Knobs
    """Only those that are not live are read: see `tui.knobs.table.fixed`."""


class TwoKnobSets:
    """Knobs of a command: for the answer, and those for the thought where they differ."""

    __slots__ = ()
    knobs: Knobs
    thinking: Knobs | None

    @property
    def pair(self) -> KnobPair:
        """Knobs for the answer and for the thought."""
        return KnobPair.from_sets(self.knobs, self.thinking)


class ReplyRequest(TwoKnobSets, Struct, frozen=True, rename={"knob_changes": "lane"}):
    """One reply asked for. When the last message is the assistant's, the reply goes on from its end."""

    id: str
    messages: tuple[Message, ...]
    knobs: Knobs
    """`seed` must be set: whoever asks draws it, and so can record it."""
    knob_changes: tuple[KnobChange, ...] = ()
    """Changes to make on the way, in order: with the tokens' draws they are what it takes to write a reply again."""
    template: str = ""
    """A chat template in Ollama's Go syntax, in place of the model's own."""
    thinking: Knobs | None = None
    """Knobs while it thinks; None if they are the same."""


class Generate(Struct, frozen=True, tag="generate"):
    """Write these replies, side by side. Those whose prompts are equal are decoded once for as long as they agree."""

    replies: tuple[ReplyRequest, ...]


class SetKnobs(TwoKnobSets, Struct, frozen=True, tag="set_knobs"):
    """Turn the knobs of a running reply; they act on its very next token."""

    id: str
    knobs: Knobs
    thinking: Knobs | None = None
    """As in ReplyRequest."""


class Stop(Struct, frozen=True, tag="stop"):
    """End a reply. It finishes as `stopped`."""

    id: str


class Preview(TwoKnobSets, Struct, frozen=True, tag="preview"):
    """Show how the next token would be chosen, without choosing it. Answered by Previewed; a newer one replaces it."""

    id: str
    messages: tuple[Message, ...]
    """When the last message is the assistant's, the token after it; else the first token of the reply."""
    knobs: Knobs
    template: str = ""
    thinking: Knobs | None = None
    """As in ReplyRequest."""


class Render(Struct, frozen=True, tag="render"):
    """Show the prompt that messages make, without reading it. Answered by Rendered, or Failed."""

    id: str
    messages: tuple[Message, ...]
    template: str = ""
    """As in ReplyRequest."""
    think: str = "auto"
    """As the knob says it."""


class Remember(Struct, frozen=True, tag="remember", rename={"first_index": "begun"}):
    """Tell the engine of a reply written before, so that it can answer WhatIf for it. It remembers what it wrote.

    Answered by Remembered, or Refused.
    """

    id: str
    messages: tuple[Message, ...]
    """Messages that the reply answered; what a person wrote of the reply itself is the last, the assistant's."""
    tokens: tuple[int, ...]
    records: tuple[bytes, ...]
    knobs: Knobs
    template: str = ""
    first_index: int = 0
    """The index of the first of these tokens."""


class WhatIf(Struct, frozen=True, tag="what_if"):
    """Ask how every token of a finished reply would have been chosen with these knobs. A newer one replaces it."""

    id: str
    """The reply's."""
    knobs: Knobs
    looked: int = -1
    """Index of a token to explain in full."""
    alone: bool = False
    """True if only that token is asked about, since the others are known."""


class Describe(Struct, frozen=True, tag="describe"):
    """Ask what the engine can do on this machine. Answered by Machine."""


class Ping(Struct, frozen=True, tag="ping"):
    """Ask whether anybody is there. Answered by Pong at once, whatever else the engine is at."""


Command = Load | Generate | SetKnobs | Stop | Preview | Render | Remember | WhatIf | Describe | Ping

# --- events ---------------------------------------------------------------------------------------------------------


class Progress(Struct, frozen=True, tag="progress"):
    """Progress of the load, 0 to 1."""

    share: float


class Loaded(Struct, frozen=True, tag="loaded"):
    """The model is ready."""

    info: ModelInfo


class LoadFailed(Struct, frozen=True, tag="load_failed"):
    """The model could not be loaded; the reason is the engine's own."""

    reason: str


class Waits(Struct, frozen=True, tag="waits"):
    """The reply begins when what was asked before it is done: `reproducible on` has one at a time."""

    id: str


class Prefill(Struct, frozen=True, tag="prefill"):
    """Progress of a prompt: `done` of `total` tokens are evaluated."""

    id: str
    done: int
    total: int


class Token(Struct, frozen=True, tag="token"):
    """One token of a reply; `text` is what became readable with it, empty while a character or stop is undecided."""

    id: str
    index: int
    text: str
    trace: TokenTrace
    used: int
    """Context tokens this reply occupies."""
    record: bytes = b""
    """The logits it was chosen from, packed by `tui.engine.sampling.logit_record`; WhatIf is answered from it."""


class Hypothesis(Struct, frozen=True):
    """A way that a reply may go, or could have gone."""

    text: str
    """All of it, or what comes after the last Token while the reply is being written."""
    score: float
    """Log-probability over length to the power of length_penalty."""
    complete: bool = False


class Hypotheses(Struct, frozen=True, tag="hypotheses"):
    """Hypotheses of a running beam search, the best first. A newer event replaces it."""

    id: str
    index: int
    """Index of the token that they begin with."""
    hypotheses: tuple[Hypothesis, ...]


class Shifted(Struct, frozen=True, tag="shifted"):
    """The context was full: so many of its oldest tokens are forgotten, and the reply goes on."""

    id: str
    index: int
    dropped: int


class Refused(Struct, frozen=True, tag="refused"):
    """A turn of the knobs could not be taken; the reply goes on with those before."""

    id: str
    reason: str


class Notice(Struct, frozen=True, tag="notice"):
    """Something that a person should know about the prompt of this reply, before its first token; said once a model."""

    id: str
    text: str


class KnobsTurned(Struct, frozen=True, tag="knobs_turned"):
    """Change of the knobs in effect, from the token at this index on.

    It is also sent where a thought begins or ends and both sets are the same.
    """

    id: str
    index: int
    before: Knobs
    after: Knobs


class Thinking(Struct, frozen=True, tag="thinking"):
    """The reply begins to think, or its thought ends, with the token at this index: the next Token."""

    id: str
    index: int
    thought: Thought
    """Its places are counted from the beginning of the whole reply, the part included that was there before."""


class Finished(Struct, frozen=True, tag="finished", rename={"knob_changes": "lane"}):
    """The reply is complete."""

    id: str
    text: str
    ending: Ending
    seed: int
    tokens: tuple[int, ...]
    stats: Stats
    tail: str = ""
    """The end of the text where no Token brought it: what had been held back as the possible start of a stop text."""
    knob_changes: tuple[KnobChange, ...] = ()
    """Every change of the knobs on the way. With the Reply as it was asked for, it writes the same again."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """Hypotheses that a beam search found, the best first."""
    thought: Thought | None = None
    """Thought of the reply; as in Thinking."""


class Failed(Struct, frozen=True, tag="failed"):
    """The reply could not be written, or not to its end; the engine goes on."""

    id: str
    reason: str


class Previewed(Struct, frozen=True, tag="previewed"):
    """The answer to a Preview."""

    id: str
    trace: TokenTrace
    used: int
    record: bytes = b""
    """The scores it would be chosen from, as `tui.engine.sampling.logit_record` keeps them."""


class PromptPiece(Struct, frozen=True, array_like=True):
    """A stretch of a prompt."""

    text: str
    control: bool
    """True for a control token, which steers the model, and not the text of one."""


class Rendered(Struct, frozen=True, tag="rendered"):
    """The answer to a Render."""

    id: str
    pieces: tuple[PromptPiece, ...]


class Remembered(Struct, frozen=True, tag="remembered"):
    """The answer to a Remember: WhatIf can be asked of the reply now."""

    id: str


class WhatIfs(Struct, frozen=True, tag="what_ifs"):
    """A part of the answer to a WhatIf; `complete` with the last."""

    id: str
    knobs: Knobs
    first: int
    """Index of the first token that this part is about."""
    p: tuple[float, ...]
    """The probability of each token, had the stages been set so."""
    cut: tuple[str, ...]
    """The stage that would have cut it; empty where none would."""
    complete: bool
    looked: TokenTrace | None = None
    """The token asked for in full."""


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to a Ping."""


class Silent(Struct, frozen=True, tag="silent"):
    """The engine runs, and answers nothing."""

    seconds: float
    """For how long."""


class Answers(Struct, frozen=True, tag="answers"):
    """The engine answers again."""


class Died(Struct, frozen=True, tag="died"):
    """The engine process is gone."""

    returncode: int
    reason: str
    last_words: str
    """The end of its log."""
    asked: bool = False
    """True if the person ended it."""
    spent: bool = False
    """True if it is not started again by itself, since it was started too often."""

    @property
    def account(self) -> str:
        """The reason, and the last line of what it said."""
        last = self.last_words.strip().rpartition("\n")[2]
        return f"{self.reason} Its last words: {last}" if last and not self.asked else self.reason


Event = (
    Progress | Loaded | LoadFailed | Machine | Pong | Silent | Answers | Died
    | Waits | Prefill | Token | Hypotheses | KnobsTurned | Thinking | Notice | Refused | Shifted | Finished | Failed
    | Previewed | Rendered | Remembered | WhatIfs
)  # fmt: skip

# --- lines ----------------------------------------------------------------------------------------------------------

encode = json.Encoder().encode
"""A command or event as one line of JSON, without its newline."""

GARBAGE = (MsgspecError, KnobError, UnicodeDecodeError, RecursionError)
"""Exceptions of a line that is neither a command nor an event."""

decode_command = json.Decoder(Command).decode
decode_event = json.Decoder(Event).decode
