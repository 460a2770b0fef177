"""Steps that can be taken back, and then taken again."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 200
"""Steps that are kept."""


@dataclass(frozen=True)
class UndoHistory(Generic[T]):
    """What something was before each change, and what it was when a change was taken back."""

    past: tuple[T, ...] = ()
    future: tuple[T, ...] = ()
    stroke: object = None
    """Which movement of the hand the last step is, if it can go on."""

    def push(self, before: T, stroke: object = None) -> "UndoHistory[T]":
        """A change was made. Changes of one stroke, such as a drag, are one step."""
        if stroke is not None and stroke == self.stroke:
            return replace(self, future=())
        return UndoHistory((*self.past, before)[-LIMIT:], (), stroke)

    def undo(self, now: T) -> "tuple[UndoHistory[T], T] | None":
        """A step back from how it is now: the steps that remain, and how it was; None when there is none."""
        past = self.past
        while past and past[-1] == now:  # a drag that ended where it began: going there would show nothing
            past = past[:-1]
        return (UndoHistory(past[:-1], (now, *self.future)), past[-1]) if past else None

    def redo(self, now: T) -> "tuple[UndoHistory[T], T] | None":
        """The step that was taken back last, once more; None when there is none."""
        return (UndoHistory((*self.past, now), self.future[1:]), self.future[0]) if self.future else None
