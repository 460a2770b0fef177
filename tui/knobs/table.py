"""Table of all knobs, each declared once as a field of `Knobs`: name, type, default and the `Knob` that describes it.

`KNOBS` is the table read back from the fields; the command line, the side panel, the Modelfile reader and the README
are made from it. The comment above a field names its formula and its source.
"""

import secrets
from typing import Annotated, Any, get_args, get_type_hints

from msgspec.structs import replace

from tui.errors import KnobError, did_you_mean
from tui.knobs.knob import Knob
from tui.knobs.load_knobs import LoadKnobs

STAGES = ("penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature")
"""Sampler stages that can be reordered, in the default order of llama.cpp (common/common.h)."""

CONSTRAINTS = ("format", "schema", "regex", "choices", "grammar")
"""Knobs that constrain the text of a reply; one at a time can be set."""

_CHOOSING, _REPETITION, _REPLY = "sampling", "repetition", "reply"
_FINER, _DRY, _SEARCH, _SHAPE = "more sampling", "repeated sequences (DRY)", "strategy", "constraint"
_THINKING = "thinking"

EVERYDAY = (_CHOOSING, _REPETITION, _REPLY)
"""Groups that most people need."""


class Knobs(LoadKnobs, frozen=True, kw_only=True):
    """Values of all knobs. The defaults are those of llama.cpp."""

    # logit / T. llama-sampler.cpp, llama_sampler_temp_impl.
    temperature: Annotated[float, Knob(
        help="Divide the logits by this: below 1 sharpens the distribution, above 1 flattens it; 0 is greedy.",
        group=_CHOOSING, low=0, high=5, span=(0, 2), step=0.05, coarse=0.25, neutral=1.0, stage="temperature",
    )] = 0.8  # fmt: skip
    # Fan et al. 2018, arXiv:1805.04833.
    top_k: Annotated[int, Knob(
        help="Keep only the k most likely tokens; 0 keeps all.",
        group=_CHOOSING, unit="tokens", low=0, high=500_000, span=(0, 1000), coarse=10, scale="log",
        words={0: "off"}, neutral=0, stage="top_k",
    )] = 40  # fmt: skip
    # Smallest set of tokens with a total probability >= p. Holtzman et al. 2019, arXiv:1904.09751.
    top_p: Annotated[float, Knob(
        help="Nucleus sampling: keep the most likely tokens that together reach probability p; 1 keeps all.",
        group=_CHOOSING, low=0, high=1, step=0.01, coarse=0.1, neutral=1.0, stage="top_p",
    )] = 0.95  # fmt: skip
    # p_i >= min_p * max p. Nguyen et al. 2024, arXiv:2407.01082.
    min_p: Annotated[float, Knob(
        help="Drop tokens less likely than this share of the most likely one; 0 drops none.",
        group=_CHOOSING, low=0, high=1, step=0.01, coarse=0.1, neutral=0.0, stage="min_p",
    )] = 0.05  # fmt: skip
    seed: Annotated[int, Knob(
        help="Seed of the random draws: the same seed repeats them; random picks one and shows it.",
        group=_CHOOSING, low=-1, high=2**32 - 1, span=(-1, 9999), coarse=100, words={-1: "random"}, whole=True,
    )] = -1  # fmt: skip
    # logit / r if logit > 0, else logit * r. Keskar et al. 2019 (CTRL), arXiv:1909.05858.
    repeat_penalty: Annotated[float, Knob(
        help="Divide the logit of recent tokens by this; 1 is off, above 1 discourages repetition.",
        group=_REPETITION, low=0.1, high=5, span=(0.5, 2), step=0.05, coarse=0.25, neutral=1.0, stage="penalties",
    )] = 1.0  # fmt: skip
    repeat_last_n: Annotated[int, Knob(
        help="Number of recent tokens that the three penalties consider; 0 is off, all is the whole context.",
        group=_REPETITION, unit="tokens", low=-1, high=1_000_000, span=(-1, 2048), step=1, coarse=64, scale="log",
        words={-1: "all", 0: "off"}, neutral=0, stage="penalties",
    )] = 64  # fmt: skip
    # logit - presence * [count > 0]. llama-sampler.cpp, llama_sampler_penalties_apply.
    presence_penalty: Annotated[float, Knob(
        help="Subtract this once from the logit of every recent token.",
        group=_REPETITION, low=-5, high=5, span=(-2, 2), step=0.05, coarse=0.5, neutral=0.0, stage="penalties",
    )] = 0.0  # fmt: skip
    # logit - frequency * count. llama-sampler.cpp, llama_sampler_penalties_apply.
    frequency_penalty: Annotated[float, Knob(
        help="Subtract this from the logit of a recent token for each time it occurred.",
        group=_REPETITION, low=-5, high=5, span=(-2, 2), step=0.05, coarse=0.5, neutral=0.0, stage="penalties",
    )] = 0.0  # fmt: skip
    num_predict: Annotated[int, Knob(
        help="Maximum number of tokens in a reply.",
        group=_REPLY, unit="tokens", low=-1, high=1_000_000, span=(-1, 4096), step=1, coarse=64, scale="log",
        words={-1: "no limit"}, whole=True,
    )] = -1  # fmt: skip
    stop: Annotated[
        tuple[str, ...],
        Knob(help="Stop strings: the reply ends before the first of them, which is not shown.", group=_REPLY),
    ] = ()
    context_full: Annotated[str, Knob(
        help="When the context is full: stop ends the reply, shift drops the oldest tokens and continues.",
        group=_REPLY, choices=("stop", "shift"), whole=True,
    )] = "stop"  # fmt: skip
    num_keep: Annotated[int, Knob(
        help="Prompt tokens that a shift never drops; auto is the system prompt, which is always kept.",
        group=_REPLY, unit="tokens", low=-1, high=1_000_000, span=(-1, 4096), coarse=64, scale="log",
        words={-1: "auto"}, whole=True,
    )] = -1  # fmt: skip
    # T = low + (high - low) * (H / H_max) ** exponent, low and high being temperature -/+ range; llama-sampler.cpp,
    # llama_sampler_temp_ext_apply.
    dynatemp_range: Annotated[float, Knob(
        help="Dynamic temperature: vary it by up to this, lower where the model is sure, higher where it is not.",
        group=_FINER, low=0, high=5, span=(0, 2), step=0.05, coarse=0.25, neutral=0.0, words={0: "off"},
        stage="temperature",
    )] = 0.0  # fmt: skip
    dynatemp_exponent: Annotated[float, Knob(
        help="Exponent from normalized entropy to dynamic temperature: 1 is linear, above 1 stays cool longer.",
        group=_FINER, low=0.01, high=10, span=(0.1, 4), step=0.1, coarse=0.5, stage="temperature",
    )] = 1.0  # fmt: skip
    # Sorted by | -log p_i - H |. Meister et al. 2022, arXiv:2202.00666.
    typical_p: Annotated[float, Knob(
        help="Typical sampling: keep tokens with surprise nearest the entropy, up to probability p; 1 is off.",
        group=_FINER, low=0, high=1, step=0.01, coarse=0.1, neutral=1.0, words={1: "off"}, stage="typical_p",
    )] = 1.0  # fmt: skip
    # logit_i >= max logit - n * sigma. Tang et al. 2024, arXiv:2411.07641.
    top_n_sigma: Annotated[float, Knob(
        help="Keep tokens whose logit is within n standard deviations of the highest; -1 is off.",
        group=_FINER, low=-1, high=20, span=(-1, 5), step=0.1, coarse=0.5, neutral=-1.0, words={-1: "off"},
        stage="top_n_sigma",
    )] = -1.0  # fmt: skip
    # llama-sampler.cpp, llama_sampler_xtc_apply; first in text-generation-webui, pull request 6335.
    xtc_probability: Annotated[float, Knob(
        help="XTC, exclude top choices: chance to drop every likely token but the least likely of them.",
        group=_FINER, low=0, high=1, step=0.05, coarse=0.25, neutral=0.0, words={0: "off"}, stage="xtc",
    )] = 0.0  # fmt: skip
    xtc_threshold: Annotated[float, Knob(
        help="XTC: minimum probability of a top choice; above 0.5 nothing is dropped.",
        group=_FINER, low=0, high=1, step=0.01, coarse=0.05, stage="xtc",
    )] = 0.1  # fmt: skip
    # target = 2 * target - average of the chosen p. llama-sampler.cpp, llama_sampler_adaptive_p_apply; llama.cpp
    # pull request 17927.
    adaptive_target: Annotated[float, Knob(
        help="Adaptive-p: prefer tokens near this probability, corrected by the recent choices; -1 is off.",
        group=_FINER, low=-1, high=1, step=0.05, coarse=0.1, neutral=-1.0, words={-1: "off"}, stage="adaptive_p",
    )] = -1.0  # fmt: skip
    adaptive_decay: Annotated[float, Knob(
        help="Adaptive-p: decay of the average over recent choices; 0.9 remembers about ten tokens.",
        group=_FINER, low=0, high=0.99, step=0.01, coarse=0.1, stage="adaptive_p",
    )] = 0.9  # fmt: skip
    # Basu et al. 2021, arXiv:2007.14966.
    mirostat: Annotated[int, Knob(
        help="Keep the surprise of the text at tau: version 1 or 2. Of the other stages only temperature acts.",
        group=_FINER, low=0, high=2, step=1, coarse=1, neutral=0, words={0: "off"}, stage="mirostat",
    )] = 0  # fmt: skip
    mirostat_tau: Annotated[float, Knob(
        help="Mirostat: target surprise, in bits.",
        group=_FINER, unit="bits", low=0.1, high=20, span=(0.1, 10), step=0.1, coarse=1, stage="mirostat",
    )] = 5.0  # fmt: skip
    # mu = mu - eta * (surprise - tau), the surprise in bits.
    mirostat_eta: Annotated[float, Knob(
        help="Mirostat: learning rate of the correction towards tau.",
        group=_FINER, low=0, high=1, step=0.01, coarse=0.1, stage="mirostat",
    )] = 0.1  # fmt: skip
    sampler_order: Annotated[
        tuple[str, ...],
        Knob(help="Order in which the sampler stages run; a stage left out is off.", group=_FINER, choices=STAGES),
    ] = STAGES
    logit_bias: Annotated[tuple[str, ...], Knob(
        help="Add a bias to a logit: TEXT:BIAS for the first token of a text, #ID:BIAS for a token; -100 bans it.",
        group=_FINER, stage="logit_bias", form=r"(#\d+|(?s:.+)):[+-]?\d+(\.\d+)?",
        example="' Paris:-100' or '#504:2.5'",
    )] = ()  # fmt: skip
    # logit - multiplier * base ** (length - allowed_length). koboldcpp, pull request 982; llama-sampler.cpp,
    # llama_sampler_dry_apply.
    dry_multiplier: Annotated[float, Knob(
        help="DRY: strength of the penalty on repeating a sequence of tokens; 0 is off.",
        group=_DRY, low=0, high=10, span=(0, 2), step=0.05, coarse=0.25, neutral=0.0, words={0: "off"},
        stage="dry",
    )] = 0.0  # fmt: skip
    dry_base: Annotated[float, Knob(
        help="DRY: growth of the penalty with every further token of the repeated sequence.",
        group=_DRY, low=1, high=10, span=(1, 4), step=0.05, coarse=0.25, stage="dry",
    )] = 1.75  # fmt: skip
    dry_allowed_length: Annotated[int, Knob(
        help="DRY: longest repeated sequence without a penalty.",
        group=_DRY, unit="tokens", low=0, high=1000, span=(0, 20), coarse=5, stage="dry",
    )] = 2  # fmt: skip
    dry_penalty_last_n: Annotated[int, Knob(
        help="DRY: number of recent tokens to search for repetitions; 0 is off, all is the whole context.",
        group=_DRY, unit="tokens", low=-1, high=1_000_000, span=(-1, 2048), coarse=64, scale="log",
        words={-1: "all", 0: "off"}, neutral=0, stage="dry",
    )] = 64  # fmt: skip
    dry_sequence_breakers: Annotated[
        tuple[str, ...],
        Knob(help="DRY: texts at which a repeated sequence ends, such as a new line.", group=_DRY, stage="dry"),
    ] = ("\n", ":", '"', "*")
    strategy: Annotated[str, Knob(
        help="Decoding: sample draws at random, greedy takes the most likely token, beam and contrastive search.",
        group=_SEARCH, choices=("sample", "greedy", "beam", "contrastive"),
    )] = "sample"  # fmt: skip
    num_beams: Annotated[int, Knob(
        help="Beam search: number of hypotheses.",
        group=_SEARCH, unit="beams", low=2, high=8, coarse=2,
    )] = 4  # fmt: skip
    # sum of log p / length ** penalty. Hugging Face transformers, BeamSearchScorer.
    length_penalty: Annotated[float, Knob(
        help="Beam search: divide the log-probability by length to this power; above 0 favours longer replies.",
        group=_SEARCH, low=-5, high=5, span=(-2, 2), step=0.1, coarse=0.5,
    )] = 1.0  # fmt: skip
    early_stopping: Annotated[str, Knob(
        help="Beam search: when to end once enough hypotheses are complete: yes at once, no when a better one is "
        "unlikely, never when it is impossible.",
        group=_SEARCH, choices=("no", "yes", "never"),
    )] = "no"  # fmt: skip
    # (1 - alpha) * p - alpha * max cosine similarity. Su et al. 2022, arXiv:2202.06417.
    penalty_alpha: Annotated[float, Knob(
        help="Contrastive search: weight of the penalty for similarity to earlier tokens; 0 is greedy.",
        group=_SEARCH, low=0, high=1, step=0.05, coarse=0.1,
    )] = 0.6  # fmt: skip
    contrastive_k: Annotated[int, Knob(
        help="Contrastive search: number of candidates.",
        group=_SEARCH, unit="tokens", low=2, high=8, coarse=2,
    )] = 4  # fmt: skip
    format: Annotated[str, Knob(
        help="Output format: json makes the reply a JSON object.",
        group=_SHAPE, choices=("text", "json"), whole=True,
    )] = "text"  # fmt: skip
    schema: Annotated[str, Knob(help="JSON Schema that the reply must satisfy.", group=_SHAPE, whole=True)] = ""
    regex: Annotated[
        str, Knob(help="Regular expression that the whole reply must match.", group=_SHAPE, whole=True)
    ] = ""
    choices: Annotated[
        tuple[str, ...], Knob(help="Texts of which the reply must be one.", group=_SHAPE, whole=True)
    ] = ()
    grammar: Annotated[
        str, Knob(help="Grammar that the reply must follow, in Lark or GBNF.", group=_SHAPE, whole=True)
    ] = ""
    thinking: Annotated[str, Knob(
        help="Think before answering, where the model's template has a switch; auto leaves the template's default.",
        group=_THINKING, choices=("auto", "on", "off"), whole=True,
    )] = "auto"  # fmt: skip
    think_open: Annotated[str, Knob(
        help="Opening tag of a thought; empty means the one found in the chat template.",
        group=_THINKING, whole=True,
    )] = ""  # fmt: skip
    think_close: Annotated[
        str, Knob(help="Closing tag of a thought; set it together with think_open.", group=_THINKING, whole=True)
    ] = ""

    def __post_init__(self) -> None:
        for name, row in KNOBS.items():
            row.check(getattr(self, name))

    def differing(self, other: "Knobs") -> tuple[str, ...]:
        """Return the names of the knobs whose values differ, in table order."""
        return tuple(name for name in KNOBS if getattr(self, name) != getattr(other, name))


def _rows() -> dict[str, Knob]:
    defaults = dict(zip(reversed(Knobs.__struct_fields__), reversed(Knobs.__struct_defaults__), strict=False))
    rows = {}
    for name, hint in get_type_hints(Knobs, include_extras=True).items():
        kind, row = get_args(hint)
        rows[name] = replace(row, name=name, kind=getattr(kind, "__origin__", kind), default=defaults[name])
    # Load knobs come last: they are changed least.
    return dict(sorted(rows.items(), key=lambda item: not item[1].live))


KNOBS: dict[str, Knob] = _rows()
"""Knobs by name, in the order of the panel."""


WHILE_THINKING = "think_"
"""Prefix of a knob's name where it applies to the thought only."""

THOUGHT_KNOBS: dict[str, Knob] = {
    WHILE_THINKING + name: replace(row, name=WHILE_THINKING + name, help=f"While thinking: {row.help}")
    for name, row in KNOBS.items()
    if row.live and not row.whole
}
"""Knobs that can differ between thought and answer, by their names in a Modelfile or a setting."""

ROWS: dict[str, Knob] = KNOBS | THOUGHT_KNOBS
"""Knobs by every name that can be set, those of a thought included."""


def knob(name: str) -> Knob:
    """Return the knob of that name; raises KnobError with the nearest name."""
    try:
        return ROWS[name]
    except KeyError:
        raise KnobError(f"There is no knob {name!r}.{did_you_mean(name, ROWS)}") from None


def turn(knobs: Knobs, **values: Any) -> Knobs:
    """Return the knobs with some values changed; raises KnobError for a value out of range.

    Names of thought knobs are checked and left out: see `tui.knobs.pair`.
    """
    checked = {name: knob(name).check(value) for name, value in values.items()}
    return replace(knobs, **{name: value for name, value in checked.items() if name in KNOBS})


def fixed(knobs: Knobs) -> Knobs:
    """Return the load knobs of a model, with every other knob at its default."""
    return Knobs(**{name: getattr(knobs, name) for name, row in KNOBS.items() if not row.live})


def common_seed(*sides: Knobs) -> int:
    """Return one seed for several sides, so that only their knobs make a difference: the first set, or a random one."""
    return next((knobs.seed for knobs in sides if knobs.seed >= 0), with_seed(Knobs()).seed)


def with_seed(knobs: Knobs) -> Knobs:
    """Return the knobs with a random seed if none is set, so that it can be recorded and shown."""
    return replace(knobs, seed=secrets.randbelow(10**6)) if knobs.seed < 0 else knobs
