"""A knob pair: the knobs for a side's answers, and those that differ while it thinks."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from tui.knobs.knob import Value
from tui.knobs.table import KNOBS, THOUGHT_KNOBS, WHILE_THINKING, Knobs, turn

ThoughtOverrides = tuple[tuple[str, Value], ...]
"""Knobs set for the thought only, by their field names in `Knobs`."""


def thought_overrides(turned: Iterable[tuple[str, Value]]) -> ThoughtOverrides:
    """Return the subset of `turned` that applies to the thought only."""
    return tuple((name.removeprefix(WHILE_THINKING), value) for name, value in turned if name in THOUGHT_KNOBS)


class KnobPair(NamedTuple):
    """All knobs of a side or a reply. A knob without an override in `thought` has the answer's value there too."""

    answer: Knobs
    thought: ThoughtOverrides = ()

    @classmethod
    def from_sets(cls, answer: Knobs, while_thinking: Knobs | None) -> "KnobPair":
        """Build the pair from two full sets, as the wire and the store have them."""
        if while_thinking is None:
            return cls(answer)
        names = (name.removeprefix(WHILE_THINKING) for name in THOUGHT_KNOBS)
        return cls(answer, tuple((name, getattr(while_thinking, name)) for name in names))

    @property
    def while_thinking(self) -> Knobs | None:
        """Full set of knobs for the thought; None without overrides."""
        return _overridden(self.answer, self.thought) if self.thought else None

    def effective_at(self, inside: bool) -> Knobs:
        """Return the knobs that choose tokens inside the thought, or outside."""
        return (self.while_thinking if inside else None) or self.answer

    def value(self, name: str) -> Value:
        """Return a knob's value; `name` may be that of a thought knob, such as `think_temperature`."""
        bare = name.removeprefix(WHILE_THINKING) if name in THOUGHT_KNOBS else name
        value: Value = getattr(self.answer, bare)
        return dict(self.thought).get(bare, value) if name in THOUGHT_KNOBS else value

    def turn(self, name: str, value: Value) -> "KnobPair":
        """Return the pair with one knob set; raises KnobError."""
        if name not in THOUGHT_KNOBS:
            return self._replace(answer=turn(self.answer, **{name: value}))
        overrides = dict(self.thought) | {name.removeprefix(WHILE_THINKING): THOUGHT_KNOBS[name].check(value)}
        return self._replace(thought=tuple(overrides.items()))

    def differing(self, other: "KnobPair") -> tuple[str, ...]:
        """Return the names of the knobs whose values differ, in table order, thought knobs last."""
        here, there = dict(self.thought), dict(other.thought)
        names = (name for name in KNOBS if name in here or name in there)
        apart = (name for name in names if here.get(name, self.value(name)) != there.get(name, self.value(name)))
        return (*self.answer.differing(other.answer), *(WHILE_THINKING + name for name in apart))


@lru_cache(maxsize=32)  # The engine reads it at every token, and checking all knobs takes some 30 µs.
def _overridden(answer: Knobs, overrides: ThoughtOverrides) -> Knobs:
    return turn(answer, **dict(overrides))
