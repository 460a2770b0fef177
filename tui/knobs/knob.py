"""A knob: one row of the table, and what can be done with its value."""

import math
import re
from typing import Literal

from msgspec import Struct

from tui.errors import KnobError, did_you_mean

Value = int | float | str | tuple[str, ...]
Scale = Literal["linear", "log"]

_ESCAPED = re.compile(r"\\[\\nt]")


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
    unit: str = ""
    """What it counts, where it counts something: tokens, bits, threads."""
    example: str = ""
    """For a list with a form: an entry."""
    words: dict[int, str] = {}
    """Values with a name of their own, such as {-1: "random"}."""
    neutral: Value | None = None
    """The value at which its stage does nothing, if there is one."""
    stage: str | None = None
    """The sampler stage it drives."""
    choices: tuple[str, ...] = ()
    """The words it can be. For a list: what its entries can be, each at most once, typed with semicolons."""
    form: str = ""
    """For a list: a regular expression that every entry matches."""
    live: bool = True
    """False for what is fixed when the model is loaded."""
    whole: bool = False
    """True for what a reply has once: a thought cannot have it apart from the answer."""

    # Read from the annotated field, never written in a row.
    name: str = ""
    kind: type = float
    default: Value = 0

    @property
    def slides(self) -> bool:
        """Whether it has a slider: numbers do, and words to choose from; lists and free texts do not."""
        return self.kind in (int, float) or (self.kind is str and bool(self.choices))

    @property
    def orders(self) -> bool:
        """Whether it is an order: a list whose entries are words to choose from."""
        return self.kind is tuple and bool(self.choices)

    @property
    def slider(self) -> tuple[float, float]:
        """The ends of its slider, in values, or in places among its words."""
        return (0, len(self.choices) - 1) if self.choices else self.span or (self.low, self.high)

    def check(self, value: Value) -> Value:
        """The value itself, in the knob's own type; raises KnobError when it is out of range."""
        if isinstance(value, tuple):
            return self._check_entries(value)
        if isinstance(value, str):
            return self._check_word(value)
        if not self.low <= value <= self.high:  # NaN is not either
            raise KnobError(f"{self.name}: {self.show(value)} is out of range; it goes {self.range}.")
        number: Value = self.kind(value)
        if number != value:
            raise KnobError(f"{self.name}: {value} is not a whole number.")
        return number

    def _check_entries(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if not entry:
                raise KnobError(f"{self.name}: an empty text is no entry; leave it out.")
            if self.choices and entry not in self.choices:
                raise KnobError(
                    f"{self.name}: there is no {entry!r}.{did_you_mean(entry, self.choices)} "
                    f"It takes {', '.join(self.choices)}."
                )
            if self.form and not re.fullmatch(self.form, entry, re.DOTALL):
                raise KnobError(f"{self.name}: {entry!r} is not written like {self.example}.")
        if self.choices and len(set(entries)) < len(entries):
            raise KnobError(f"{self.name}: an entry stands twice; each may stand once.")
        return entries

    def _check_word(self, word: str) -> str:
        if self.choices and word not in self.choices:
            raise KnobError(
                f"{self.name}: there is no {word!r}.{did_you_mean(word, self.choices)} "
                f"It takes {', '.join(self.choices)}."
            )
        return word

    def parse(self, text: str) -> Value:
        """The value that a person typed; raises KnobError."""
        if self.kind is tuple:
            return self.check(self.entries(text))
        if self.kind is str:
            return self.check(text.strip().lower() if self.choices else text)
        text = text.strip()
        for value, word in self.words.items():
            if text.lower() == word:
                return value
        try:
            return self.check(self.kind(text))
        except ValueError:
            kind = "a whole number" if self.kind is int else "a number"
            raise KnobError(f"{self.name}: {text!r} is not {kind}; it goes {self.range}.") from None

    def entries(self, text: str) -> tuple[str, ...]:
        """The entries of a list that a text names: several, with semicolons, where they are words to choose from."""
        return tuple(filter(None, re.split(r"[;\s]+", text))) if self.choices else (text,)

    def write(self, value: Value) -> str:
        """The value as an editor holds it: an entry a line, in which a new line is written as \\n."""
        if isinstance(value, tuple):
            return "\n".join(entry.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t") for entry in value)
        return value if isinstance(value, str) else self.show(value)

    def read(self, text: str) -> Value:
        """The value that an editor holds; raises KnobError."""
        if self.kind is tuple:
            return self.check(tuple(_ESCAPED.sub(_unescaped, line) for line in text.split("\n") if line))
        return self.parse(text)

    def show(self, value: Value) -> str:
        """The value as a person writes it."""
        if isinstance(value, tuple):
            return ";".join(value) if self.choices else " ".join(map(repr, value)) or "none"
        if isinstance(value, str):
            return value or "none"
        if value in self.words:
            return self.words[int(value)]
        return f"{value:g}" if self.kind is float else str(value)

    @property
    def range(self) -> str:
        """What it accepts, as words: `from 0 to 5`."""
        low, high = (f"{end:g}" if self.kind is float else str(end) for end in (self.low, self.high))
        return f"from {low} up" if self.high == math.inf else f"from {low} to {high}"

    def move(self, value: Value, steps: int, *, coarse: bool = False) -> Value:
        """The value that many steps further on, kept within range and on the grid of steps."""
        if isinstance(value, str):
            return self.choices[min(max(self.choices.index(value) + steps, 0), len(self.choices) - 1)]
        if isinstance(value, tuple):
            return value
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
        if self.choices:
            return self.choices[round(share * high)]
        value = low + (math.expm1(share * math.log1p(high - low)) if self.scale == "log" else share * (high - low))
        return self.kind(round(round(value / self.step) * self.step, 6))  # type: ignore[no-any-return]

    def share(self, value: Value) -> float:
        """Where a value stands on its slider, 0 to 1; values past an end stand at that end."""
        low, high = self.slider
        if isinstance(value, str):
            return self.choices.index(value) / high
        if isinstance(value, tuple):
            return 0.0
        value = min(max(value, low), high)
        if self.scale == "log":
            return math.log1p(value - low) / math.log1p(high - low)
        return (value - low) / (high - low)


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(found[0][1], "\\")
