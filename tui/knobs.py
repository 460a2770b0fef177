"""The knobs: everything a person can turn, declared once.

A field of `Knobs` is the declaration: its name, type and default, annotated with the row that says the rest. `KNOBS`
is the table read back from those fields; the command line, the sidebar, the Modelfile reader and the README are made
from it.
"""

import math
import secrets
from typing import Annotated, Any, Literal, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from tui.errors import KnobError, did_you_mean

Value = int | float | tuple[str, ...]
Scale = Literal["linear", "log"]


class Knob(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    help: str
    """One line, in the words of the field."""
    group: str
    """The heading it stands under: choosing, repetition, reply or model."""
    low: float = -math.inf
    high: float = math.inf
    """The values it accepts, both ends included."""
    span: tuple[float, float] | None = None
    """The ends of its slider where they are narrower than what it accepts."""
    step: float = 1
    coarse: float = 10
    scale: Scale = "linear"
    """How a slider maps its width to values; "log" for values that people think of in factors."""
    words: dict[int, str] = {}
    """Values with a name of their own, such as {-1: "random"}."""
    neutral: Value | None = None
    """The value at which its stage does nothing, if there is one."""
    stage: str | None = None
    """The sampler stage it drives (an entry of `STAGES`)."""
    live: bool = True
    """False for what is fixed when the model is loaded."""

    # Read from the annotated field, never written in a row.
    name: str = ""
    kind: type = float
    default: Value = 0

    @property
    def slider(self) -> tuple[float, float]:
        """The ends of its slider."""
        return self.span or (self.low, self.high)

    def check(self, value: Value) -> Value:
        """The value itself, in the knob's own type; raises KnobError when it is out of range."""
        if isinstance(value, tuple):
            if any(not stop for stop in value):
                raise KnobError(f"{self.name}: an empty text would end every reply at once; leave it out.")
            return value
        if not self.low <= value <= self.high:  # NaN is not either
            raise KnobError(f"{self.name}: {self.show(value)} is out of range; it goes {self.range}.")
        number: Value = self.kind(value)
        if number != value:
            raise KnobError(f"{self.name}: {value} is not a whole number.")
        return number

    def parse(self, text: str) -> Value:
        """The value that a person typed; raises KnobError."""
        text = text.strip()
        if self.kind is tuple:
            return self.check((text,))
        for value, word in self.words.items():
            if text.lower() == word:
                return value
        try:
            return self.check(self.kind(text))
        except ValueError:
            kind = "a whole number" if self.kind is int else "a number"
            raise KnobError(f"{self.name}: {text!r} is not {kind}; it goes {self.range}.") from None

    def show(self, value: Value) -> str:
        """The value as a person writes it."""
        if isinstance(value, tuple):
            return " ".join(repr(stop) for stop in value) or "none"
        if value in self.words:
            return self.words[int(value)]
        return f"{value:g}" if self.kind is float else str(value)

    @property
    def range(self) -> str:
        """What it accepts, as words: `from 0 to 5`."""
        low, high = (f"{end:g}" if self.kind is float else str(end) for end in (self.low, self.high))
        return f"from {low} up" if self.high == math.inf else f"from {low} to {high}"

    def move(self, value: float, steps: int, *, coarse: bool = False) -> Value:
        """The value that many steps further on, kept within range and on the grid of steps."""
        size = self.coarse if coarse else self.step
        moved = round(value / self.step) * self.step + steps * size
        if self.scale == "log" and not coarse and abs(value) >= 10 * self.step:
            # A fixed step is nothing to a large number: go a tenth of it, on the grid.
            moved = value + steps * max(self.step, round(value * 0.1 / self.step) * self.step)
        return self.kind(round(min(max(moved, self.low), self.high), 6))  # type: ignore[no-any-return]

    def at(self, share: float) -> Value:
        """The value at a share (0 to 1) of its slider."""
        low, high = self.slider
        share = min(max(share, 0.0), 1.0)
        value = low + (math.expm1(share * math.log1p(high - low)) if self.scale == "log" else share * (high - low))
        return self.kind(round(round(value / self.step) * self.step, 6))  # type: ignore[no-any-return]

    def share(self, value: float) -> float:
        """Where a value stands on its slider, 0 to 1; values past an end stand at that end."""
        low, high = self.slider
        value = min(max(value, low), high)
        if self.scale == "log":
            return math.log1p(value - low) / math.log1p(high - low)
        return (value - low) / (high - low)


STAGES = ("penalties", "top_k", "top_p", "min_p", "temperature")
"""The stages that choose a token, in llama.cpp's order."""

_CHOOSING, _REPETITION, _REPLY, _MODEL = "choosing", "repetition", "reply", "model"


class Knobs(Struct, frozen=True, kw_only=True):
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
            group=_CHOOSING, low=0, high=500_000, span=(0, 1000), coarse=10, scale="log", words={0: "off"}, neutral=0,
            stage="top_k",
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
            group=_CHOOSING, low=-1, high=2**32 - 1, span=(-1, 9999), coarse=100, words={-1: "random"},
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
            group=_REPETITION, low=-1, high=1_000_000, span=(-1, 2048), step=1, coarse=64, scale="log",
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
            group=_REPLY, low=-1, high=1_000_000, span=(-1, 4096), step=1, coarse=64, scale="log",
            words={-1: "no limit"},
        ),
    ] = -1  # fmt: skip
    stop: Annotated[
        tuple[str, ...],
        Knob(help="Texts that end the reply where they would appear; they are not shown.", group=_REPLY),
    ] = ()
    num_ctx: Annotated[
        int,
        Knob(
            help="Context length in tokens; auto is the model's own, at most 8192.",
            group=_MODEL, low=0, high=2**22, coarse=1024, words={0: "auto"}, live=False,
        ),
    ] = 0  # fmt: skip
    num_batch: Annotated[
        int,
        Knob(help="Prompt tokens evaluated at once.", group=_MODEL, low=32, high=8192, coarse=128, live=False),
    ] = 512
    num_thread: Annotated[
        int,
        Knob(
            help="CPU threads; auto leaves one core to the screen while a reply is being written.",
            group=_MODEL, low=0, high=512, coarse=4, words={0: "auto"}, live=False,
        ),
    ] = 0  # fmt: skip
    num_gpu: Annotated[
        int,
        Knob(
            help="Layers kept on the GPU; all is every layer, where the build can offload.",
            group=_MODEL, low=-1, high=1000, words={-1: "all"}, live=False,
        ),
    ] = -1  # fmt: skip

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
    return rows


KNOBS: dict[str, Knob] = _rows()
"""Every knob by name, in the order people meet them."""


def knob(name: str) -> Knob:
    """The row of that name; raises KnobError with the nearest name."""
    try:
        return KNOBS[name]
    except KeyError:
        raise KnobError(f"There is no knob {name!r}.{did_you_mean(name, KNOBS)}") from None


def turn(knobs: Knobs, **values: Any) -> Knobs:
    """The knobs with some of them turned; raises KnobError for a value out of range."""
    return replace(knobs, **{name: knob(name).check(value) for name, value in values.items()})


def fixed(knobs: Knobs) -> Knobs:
    """What of the knobs a loaded model is bound to: every live one is at its default."""
    return Knobs(**{name: getattr(knobs, name) for name, row in KNOBS.items() if not row.live})


def with_seed(knobs: Knobs) -> Knobs:
    """The knobs with a seed drawn at random where none is set, so that it can be recorded and shown."""
    return replace(knobs, seed=secrets.randbelow(10**6)) if knobs.seed < 0 else knobs
