"""Knob: one row of the table, with parsing, checking and slider arithmetic for its value."""

import math
import re
from typing import Literal

from msgspec import Struct

from tui.errors import KnobError, did_you_mean

Value = int | float | str | tuple[str, ...]
Scale = Literal["linear", "log"]

_ESCAPED = re.compile(r"\\[\\nt]")


class Knob(Struct, frozen=True, kw_only=True):
    """Description of one knob: help, range, slider, stage; see `tui.knobs.table`."""

    help: str
    """One line, in the words of the field."""
    group: str
    """Heading in the panel: sampling, repetition, reply, model and others."""
    low: float = -math.inf
    high: float = math.inf
    """Range of accepted values, both ends included."""
    span: tuple[float, float] | None = None
    """Ends of the slider where they are narrower than the range."""
    step: float = 1
    coarse: float = 10
    scale: Scale = "linear"
    """Mapping from slider width to values; "log" where factors matter more than differences."""
    unit: str = ""
    """Unit of the value, such as tokens, bits or threads; empty where it has none."""
    example: str = ""
    """Example of an entry, for a list with a form."""
    words: dict[int, str] = {}
    """Names of special values, such as {-1: "random"}."""
    neutral: Value | None = None
    """Value at which the stage has no effect; None if there is none."""
    stage: str | None = None
    """Sampler stage that reads the knob."""
    choices: tuple[str, ...] = ()
    """Allowed words. For a list: allowed entries, each at most once, typed with semicolons."""
    form: str = ""
    """Regular expression that every entry of a list must match."""
    live: bool = True
    """False for a knob that is fixed when the model is loaded."""
    whole: bool = False
    """True for a knob of the whole reply, which cannot differ between thought and answer."""

    # Read from the annotated field, never written in a row.
    name: str = ""
    kind: type = float
    default: Value = 0

    @property
    def slides(self) -> bool:
        """True if the knob has a slider: a number or a choice of words, but not a list or free text."""
        return self.kind in (int, float) or (self.kind is str and bool(self.choices))

    @property
    def orders(self) -> bool:
        """True if the value is an order: a list of distinct words out of `choices`."""
        return self.kind is tuple and bool(self.choices)

    @property
    def slider(self) -> tuple[float, float]:
        """Ends of the slider, as values, or as indices into `choices`."""
        return (0, len(self.choices) - 1) if self.choices else self.span or (self.low, self.high)

    def check(self, value: Value) -> Value:
        """Convert a value to the knob's type; raises KnobError when it is out of range."""
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
            self._check_word(entry)
            if self.form and not re.fullmatch(self.form, entry, re.DOTALL):
                raise KnobError(f"{self.name}: {entry!r} is not written like {self.example}.")
        if self.choices and len(set(entries)) < len(entries):
            raise KnobError(f"{self.name}: an entry is given twice; each may be given once.")
        return entries

    def _check_word(self, word: str) -> str:
        if self.choices and word not in self.choices:
            raise KnobError(
                f"{self.name}: there is no {word!r}.{did_you_mean(word, self.choices)} "
                f"It takes {', '.join(self.choices)}."
            )
        return word

    def parse(self, text: str) -> Value:
        """Parse a value that a person typed; raises KnobError."""
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
        """Split a text into list entries: at semicolons and blanks where `choices` are given, else one entry."""
        return tuple(filter(None, re.split(r"[;\s]+", text))) if self.choices else (text,)

    def write(self, value: Value) -> str:
        """Format the value for an editor: one list entry a line, with a newline inside an entry escaped as \\n."""
        if isinstance(value, tuple):
            return "\n".join(entry.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t") for entry in value)
        return value if isinstance(value, str) else self.show(value)

    def read(self, text: str) -> Value:
        """Parse the text of an editor, the reverse of `write`; raises KnobError."""
        if self.kind is tuple:
            return self.check(tuple(_ESCAPED.sub(_unescaped, line) for line in text.split("\n") if line))
        return self.parse(text)

    def show(self, value: Value) -> str:
        """Format the value as a person writes it."""
        if isinstance(value, tuple):
            return ";".join(value) if self.choices else " ".join(map(repr, value)) or "none"
        if isinstance(value, str):
            return value or "none"
        if value in self.words:
            return self.words[int(value)]
        return f"{value:g}" if self.kind is float else str(value)

    @property
    def range(self) -> str:
        """Accepted range in words: `from 0 to 5`."""
        low, high = (f"{end:g}" if self.kind is float else str(end) for end in (self.low, self.high))
        return f"from {low} up" if self.high == math.inf else f"from {low} to {high}"

    def move(self, value: Value, steps: int, *, coarse: bool = False) -> Value:
        """Return the value moved by some steps, clamped to the range and rounded to the grid of steps."""
        if isinstance(value, str):
            return self.choices[min(max(self.choices.index(value) + steps, 0), len(self.choices) - 1)]
        if isinstance(value, tuple):
            return value
        size = self.coarse if coarse else self.step
        moved = round(value / self.step) * self.step + steps * size
        if self.scale == "log" and not coarse and abs(value) >= 10 * self.step:
            # A fixed step is too small for a large number: move by a tenth of it, on the grid.
            moved = value + steps * max(self.step, round(value * 0.1 / self.step) * self.step)
        return self.kind(round(min(max(moved, self.low), self.high), 6))  # type: ignore[no-any-return]

    def at(self, share: float) -> Value:
        """Return the value at a position (0 to 1) on the slider."""
        low, high = self.slider
        share = min(max(share, 0.0), 1.0)
        if self.choices:
            return self.choices[round(share * high)]
        value = low + (math.expm1(share * math.log1p(high - low)) if self.scale == "log" else share * (high - low))
        return self.kind(round(round(value / self.step) * self.step, 6))  # type: ignore[no-any-return]

    def share(self, value: Value) -> float:
        """Return the position of a value on the slider, 0 to 1; values beyond an end are clamped."""
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
