"""How all the knobs of a side stand: for the answer, and for the thought where that has some apart."""

from collections.abc import Iterable
from typing import NamedTuple

from tui.knobs.knob import Value
from tui.knobs.table import KNOBS, THOUGHT_KNOBS, WHILE_THINKING, Knobs, turn

ThoughtOverrides = tuple[tuple[str, Value], ...]
"""Knobs that are turned for the thought alone, by their names as `Knobs` has them."""


def apart(turned: Iterable[tuple[str, Value]]) -> ThoughtOverrides:
    """Of what is turned, by any name that can be, that which holds for the thought alone."""
    return tuple((name.removeprefix(WHILE_THINKING), value) for name, value in turned if name in THOUGHT_KNOBS)


class KnobPair(NamedTuple):
    """Both sets of knobs. What is not apart follows the answer's."""

    answer: Knobs
    """For the answer, and all that a reply has once."""
    thought: ThoughtOverrides = ()

    @property
    def thinking(self) -> Knobs | None:
        """The knobs while a reply thinks; None where they are the answer's."""
        return turn(self.answer, **dict(self.thought)) if self.thought else None

    def value(self, name: str) -> Value:
        """Where a knob stands, by any name that can be turned."""
        bare = name.removeprefix(WHILE_THINKING) if name in THOUGHT_KNOBS else name
        value: Value = getattr(self.answer, bare)
        return dict(self.thought).get(bare, value) if name in THOUGHT_KNOBS else value

    def turn(self, name: str, value: Value) -> "KnobPair":
        """The same with one knob turned, by any name that can be; raises KnobError."""
        if name not in THOUGHT_KNOBS:
            return self._replace(answer=turn(self.answer, **{name: value}))
        both = dict(self.thought) | {name.removeprefix(WHILE_THINKING): THOUGHT_KNOBS[name].check(value)}
        return self._replace(thought=tuple(both.items()))

    def differing(self, other: "KnobPair") -> tuple[str, ...]:
        """The names of the knobs that stand elsewhere than in the other, in table order, the thought's last."""
        here, there = dict(self.thought), dict(other.thought)
        names = (name for name in KNOBS if name in here or name in there)
        aside = (name for name in names if here.get(name, self.value(name)) != there.get(name, self.value(name)))
        return (*self.answer.differing(other.answer), *(WHILE_THINKING + name for name in aside))
