"""The knobs: everything a person can turn, declared once.

A field of `Knobs` is the declaration: its name, type and default, annotated with the row that says the rest. `KNOBS`
is the table read back from those fields; the command line, the sidebar, the Modelfile reader and the README are made
from it.
"""

import secrets
from typing import Annotated, Any, get_args, get_type_hints

from msgspec.structs import replace

from tui.errors import KnobError, did_you_mean
from tui.knobs.knob import Knob
from tui.knobs.load_knobs import LoadKnobs

STAGES = ("penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature")
"""The stages that can be put in order, in llama.cpp's."""

CONSTRAINTS = ("format", "schema", "regex", "choices", "grammar")
"""The knobs that bind what a reply may say, of which one at a time can be set."""

_CHOOSING, _REPETITION, _REPLY = "choosing", "repetition", "reply"
_FINER, _DRY, _SEARCH, _SHAPE = "finer choosing", "repeated runs (DRY)", "strategy", "constraint"
_THINKING = "thinking"

EVERYDAY = (_CHOOSING, _REPETITION, _REPLY)
"""The groups that most people turn."""


class Knobs(LoadKnobs, frozen=True, kw_only=True):
    """The value of every knob. The defaults are llama.cpp's own."""

    temperature: Annotated[
        float,
        Knob(
            help="How far to flatten the odds: 0 always takes the likeliest token, 1 is the model's own spread.",
            group=_CHOOSING, low=0, high=5, span=(0, 2), step=0.05, coarse=0.25, neutral=1.0, stage="temperature",
        ),
    ] = 0.8  # fmt: skip
    top_k: Annotated[
        int,
        Knob(
            help="Keep only the k likeliest tokens; 0 keeps all.",
            group=_CHOOSING, unit="tokens", low=0, high=500_000, span=(0, 1000), coarse=10, scale="log",
            words={0: "off"}, neutral=0, stage="top_k",
        ),
    ] = 40  # fmt: skip
    top_p: Annotated[
        float,
        Knob(
            help="Nucleus: keep the likeliest tokens that together reach probability p; 1 keeps all.",
            group=_CHOOSING, low=0, high=1, step=0.01, coarse=0.1, neutral=1.0, stage="top_p",
        ),
    ] = 0.95  # fmt: skip
    min_p: Annotated[
        float,
        Knob(
            help="Drop tokens less likely than this share of the likeliest one; 0 drops none.",
            group=_CHOOSING, low=0, high=1, step=0.01, coarse=0.1, neutral=0.0, stage="min_p",
        ),
    ] = 0.05  # fmt: skip
    seed: Annotated[
        int,
        Knob(
            help="The same seed makes the same draws; unset, one is drawn at random and shown.",
            group=_CHOOSING, low=-1, high=2**32 - 1, span=(-1, 9999), coarse=100, words={-1: "random"}, whole=True,
        ),
    ] = -1  # fmt: skip
    repeat_penalty: Annotated[
        float,
        Knob(
            help="Divide the logit of tokens seen lately by this; 1 is off, above 1 discourages repetition.",
            group=_REPETITION, low=0.1, high=5, span=(0.5, 2), step=0.05, coarse=0.25, neutral=1.0, stage="penalties",
        ),
    ] = 1.0  # fmt: skip
    repeat_last_n: Annotated[
        int,
        Knob(
            help="How many of the last tokens the three penalties look at; 0 is off, all is the whole context.",
            group=_REPETITION, unit="tokens", low=-1, high=1_000_000, span=(-1, 2048), step=1, coarse=64, scale="log",
            words={-1: "all", 0: "off"}, neutral=0, stage="penalties",
        ),
    ] = 64  # fmt: skip
    presence_penalty: Annotated[
        float,
        Knob(
            help="Lower the logit of every token seen lately by this much, once.",
            group=_REPETITION, low=-5, high=5, span=(-2, 2), step=0.05, coarse=0.5, neutral=0.0, stage="penalties",
        ),
    ] = 0.0  # fmt: skip
    frequency_penalty: Annotated[
        float,
        Knob(
            help="Lower the logit of a token by this much for each time it was seen lately.",
            group=_REPETITION, low=-5, high=5, span=(-2, 2), step=0.05, coarse=0.5, neutral=0.0, stage="penalties",
        ),
    ] = 0.0  # fmt: skip
    num_predict: Annotated[
        int,
        Knob(
            help="The most tokens in a reply.",
            group=_REPLY, unit="tokens", low=-1, high=1_000_000, span=(-1, 4096), step=1, coarse=64, scale="log",
            words={-1: "no limit"}, whole=True,
        ),
    ] = -1  # fmt: skip
    stop: Annotated[
        tuple[str, ...],
        Knob(help="Texts that end the reply where they would appear; they are not shown.", group=_REPLY),
    ] = ()
    context_full: Annotated[
        str,
        Knob(
            help="When the context is full: stop the reply, or shift: forget the oldest tokens and go on.",
            group=_REPLY, choices=("stop", "shift"), whole=True,
        ),
    ] = "stop"  # fmt: skip
    num_keep: Annotated[
        int,
        Knob(
            help="Prompt tokens that a shift never forgets; auto is the system prompt, which is always kept.",
            group=_REPLY, unit="tokens", low=-1, high=1_000_000, span=(-1, 4096), coarse=64, scale="log",
            words={-1: "auto"}, whole=True,
        ),
    ] = -1  # fmt: skip
    dynatemp_range: Annotated[
        float,
        Knob(
            help="Let temperature move this far to both sides: cooler where the model is sure, hotter where it is not.",
            group=_FINER, low=0, high=5, span=(0, 2), step=0.05, coarse=0.25, neutral=0.0, words={0: "off"},
            stage="temperature",
        ),
    ] = 0.0  # fmt: skip
    dynatemp_exponent: Annotated[
        float,
        Knob(
            help="How entropy maps to temperature within that range: 1 evenly, above 1 it stays cool for longer.",
            group=_FINER, low=0.01, high=10, span=(0.1, 4), step=0.1, coarse=0.5, stage="temperature",
        ),
    ] = 1.0  # fmt: skip
    typical_p: Annotated[
        float,
        Knob(
            help="Keep the tokens whose surprise is nearest to what is expected, up to probability p; 1 keeps all.",
            group=_FINER, low=0, high=1, step=0.01, coarse=0.1, neutral=1.0, words={1: "off"}, stage="typical_p",
        ),
    ] = 1.0  # fmt: skip
    top_n_sigma: Annotated[
        float,
        Knob(
            help="Keep logits within n standard deviations of the best; -1 is off.",
            group=_FINER, low=-1, high=20, span=(-1, 5), step=0.1, coarse=0.5, neutral=-1.0, words={-1: "off"},
            stage="top_n_sigma",
        ),
    ] = -1.0  # fmt: skip
    xtc_probability: Annotated[
        float,
        Knob(
            help="Exclude top choices: how often to drop every likely token but the least likely of them.",
            group=_FINER, low=0, high=1, step=0.05, coarse=0.25, neutral=0.0, words={0: "off"}, stage="xtc",
        ),
    ] = 0.0  # fmt: skip
    xtc_threshold: Annotated[
        float,
        Knob(
            help="From which probability on a token counts as likely for that; above 0.5 nothing is dropped.",
            group=_FINER, low=0, high=1, step=0.01, coarse=0.05, stage="xtc",
        ),
    ] = 0.1  # fmt: skip
    adaptive_target: Annotated[
        float,
        Knob(
            help="Adaptive-p: prefer tokens near this probability, corrected by what was chosen so far; -1 is off.",
            group=_FINER, low=-1, high=1, step=0.05, coarse=0.1, neutral=-1.0, words={-1: "off"}, stage="adaptive_p",
        ),
    ] = -1.0  # fmt: skip
    adaptive_decay: Annotated[
        float,
        Knob(
            help="How slowly adaptive-p forgets: 0.9 remembers about ten tokens.",
            group=_FINER, low=0, high=0.99, step=0.01, coarse=0.1, stage="adaptive_p",
        ),
    ] = 0.9  # fmt: skip
    mirostat: Annotated[
        int,
        Knob(
            help="Hold the surprise of the text at tau: version 1 or 2. Of the other stages only temperature acts.",
            group=_FINER, low=0, high=2, step=1, coarse=1, neutral=0, words={0: "off"}, stage="mirostat",
        ),
    ] = 0  # fmt: skip
    mirostat_tau: Annotated[
        float,
        Knob(
            help="The surprise that mirostat aims at, in bits.",
            group=_FINER, unit="bits", low=0.1, high=20, span=(0.1, 10), step=0.1, coarse=1, stage="mirostat",
        ),
    ] = 5.0  # fmt: skip
    mirostat_eta: Annotated[
        float,
        Knob(
            help="How quickly mirostat corrects itself.",
            group=_FINER, low=0, high=1, step=0.01, coarse=0.1, stage="mirostat",
        ),
    ] = 0.1  # fmt: skip
    sampler_order: Annotated[
        tuple[str, ...],
        Knob(help="The stages in the order they run; one left out is off.", group=_FINER, choices=STAGES),
    ] = STAGES
    logit_bias: Annotated[
        tuple[str, ...],
        Knob(
            help="TEXT:BIAS adds to the logit of the first token of a text, #ID:BIAS to a token; -100 bans it.",
            group=_FINER, stage="logit_bias", form=r"(#\d+|.+):[+-]?\d+(\.\d+)?",
            example="' Paris:-100' or '#504:2.5'",
        ),
    ] = ()  # fmt: skip
    dry_multiplier: Annotated[
        float,
        Knob(
            help="DRY: how hard to press against repeating whole runs of tokens; 0 is off.",
            group=_DRY, low=0, high=10, span=(0, 2), step=0.05, coarse=0.25, neutral=0.0, words={0: "off"},
            stage="dry",
        ),
    ] = 0.0  # fmt: skip
    dry_base: Annotated[
        float,
        Knob(
            help="DRY: by how much the pressure grows with every further token of the run.",
            group=_DRY, low=1, high=10, span=(1, 4), step=0.05, coarse=0.25, stage="dry",
        ),
    ] = 1.75  # fmt: skip
    dry_allowed_length: Annotated[
        int,
        Knob(
            help="DRY: how long a repeated run may get unpunished.",
            group=_DRY, unit="tokens", low=0, high=1000, span=(0, 20), coarse=5, stage="dry",
        ),
    ] = 2  # fmt: skip
    dry_penalty_last_n: Annotated[
        int,
        Knob(
            help="DRY: how many of the last tokens it looks at; 0 is off, all is the whole context.",
            group=_DRY, unit="tokens", low=-1, high=1_000_000, span=(-1, 2048), coarse=64, scale="log",
            words={-1: "all", 0: "off"}, neutral=0, stage="dry",
        ),
    ] = 64  # fmt: skip
    dry_sequence_breakers: Annotated[
        tuple[str, ...],
        Knob(help="DRY: texts at which a run ends, such as a new line.", group=_DRY, stage="dry"),
    ] = ("\n", ":", '"', "*")
    strategy: Annotated[
        str,
        Knob(
            help="How a reply is found: sample draws, greedy takes the likeliest, beam and contrastive look ahead.",
            group=_SEARCH, choices=("sample", "greedy", "beam", "contrastive"),
        ),
    ] = "sample"  # fmt: skip
    num_beams: Annotated[
        int,
        Knob(
            help="Beam search: how many hypotheses run side by side.",
            group=_SEARCH, unit="beams", low=2, high=8, coarse=2,
        ),
    ] = 4  # fmt: skip
    length_penalty: Annotated[
        float,
        Knob(
            help="Beam search: a log-probability is divided by length to this power; above 0 favours longer replies.",
            group=_SEARCH, low=-5, high=5, span=(-2, 2), step=0.1, coarse=0.5,
        ),
    ] = 1.0  # fmt: skip
    early_stopping: Annotated[
        str,
        Knob(
            help="Beam search ends when enough hypotheses are complete: yes at once, no when none is likely to beat "
            "them, never when none can.",
            group=_SEARCH, choices=("no", "yes", "never"),
        ),
    ] = "no"  # fmt: skip
    penalty_alpha: Annotated[
        float,
        Knob(
            help="Contrastive search: how much a token is held back for saying what was said before; 0 is greedy.",
            group=_SEARCH, low=0, high=1, step=0.05, coarse=0.1,
        ),
    ] = 0.6  # fmt: skip
    contrastive_k: Annotated[
        int,
        Knob(
            help="Contrastive search: how many candidates it weighs.",
            group=_SEARCH, unit="tokens", low=2, high=8, coarse=2,
        ),
    ] = 4  # fmt: skip
    format: Annotated[
        str, Knob(help="json makes the reply a JSON object.", group=_SHAPE, choices=("text", "json"), whole=True)
    ] = "text"
    schema: Annotated[str, Knob(help="The reply is JSON that this JSON Schema accepts.", group=_SHAPE, whole=True)] = ""
    regex: Annotated[
        str, Knob(help="The reply matches this regular expression as a whole.", group=_SHAPE, whole=True)
    ] = ""
    choices: Annotated[tuple[str, ...], Knob(help="The reply is one of these texts.", group=_SHAPE, whole=True)] = ()
    grammar: Annotated[
        str, Knob(help="The reply follows this grammar, written in Lark or GBNF.", group=_SHAPE, whole=True)
    ] = ""
    thinking: Annotated[
        str,
        Knob(
            help="Whether to think before answering, where the model's template has a switch; auto is its own default.",
            group=_THINKING, choices=("auto", "on", "off"), whole=True,
        ),
    ] = "auto"  # fmt: skip
    think_open: Annotated[
        str, Knob(help="What a thought begins with; unset, it is found from the template.", group=_THINKING, whole=True)
    ] = ""
    think_close: Annotated[
        str, Knob(help="What a thought ends with; set it together with think_open.", group=_THINKING, whole=True)
    ] = ""

    def __post_init__(self) -> None:
        for name, row in KNOBS.items():
            row.check(getattr(self, name))

    def differing(self, other: "Knobs") -> tuple[str, ...]:
        """The names of the knobs whose values are not the other's, in table order."""
        return tuple(name for name in KNOBS if getattr(self, name) != getattr(other, name))


def _rows() -> dict[str, Knob]:
    defaults = dict(zip(reversed(Knobs.__struct_fields__), reversed(Knobs.__struct_defaults__), strict=False))
    rows = {}
    for name, hint in get_type_hints(Knobs, include_extras=True).items():
        kind, row = get_args(hint)
        rows[name] = replace(row, name=name, kind=getattr(kind, "__origin__", kind), default=defaults[name])
    # What a model is loaded with comes last: it is turned least.
    return dict(sorted(rows.items(), key=lambda item: not item[1].live))


KNOBS: dict[str, Knob] = _rows()
"""Every knob by name, in the order people meet them."""


WHILE_THINKING = "think_"
"""What the name of a knob begins with where only the thought is meant."""

THOUGHT_KNOBS: dict[str, Knob] = {
    WHILE_THINKING + name: replace(row, name=WHILE_THINKING + name, help=f"While thinking: {row.help}")
    for name, row in KNOBS.items()
    if row.live and not row.whole
}
"""The knobs that a thought can have apart from the answer, by their names in a Modelfile or a setting."""

ROWS: dict[str, Knob] = KNOBS | THOUGHT_KNOBS
"""Every name that can be turned."""


def knob(name: str) -> Knob:
    """The row of that name; raises KnobError with the nearest name."""
    try:
        return ROWS[name]
    except KeyError:
        raise KnobError(f"There is no knob {name!r}.{did_you_mean(name, ROWS)}") from None


def turn(knobs: Knobs, **values: Any) -> Knobs:
    """The knobs with some of them turned; raises KnobError for a value out of range.

    What is named for a thought alone is left aside: see `tui.conversation.thinking.apart`.
    """
    checked = {name: knob(name).check(value) for name, value in values.items()}
    return replace(knobs, **{name: value for name, value in checked.items() if name in KNOBS})


def fixed(knobs: Knobs) -> Knobs:
    """What of the knobs a loaded model is bound to: every live one is at its default."""
    return Knobs(**{name: getattr(knobs, name) for name, row in KNOBS.items() if not row.live})


def common_seed(*sides: Knobs) -> int:
    """The seed of sides that are to differ only because of their knobs: the first one set, else one at random."""
    return next((knobs.seed for knobs in sides if knobs.seed >= 0), with_seed(Knobs()).seed)


def with_seed(knobs: Knobs) -> Knobs:
    """The knobs with a seed drawn at random where none is set, so that it can be recorded and shown."""
    return replace(knobs, seed=secrets.randbelow(10**6)) if knobs.seed < 0 else knobs
