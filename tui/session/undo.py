"""Undo and redo of any value."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 200
"""Steps that can be undone; older ones are dropped."""


@dataclass(frozen=True)
class UndoHistory(Generic[T]):
    """Values before each change, and after each undone one."""

    past: tuple[T, ...] = ()
    future: tuple[T, ...] = ()
    stroke: object = None
    """Drag or key repeat that the last step belongs to, while it can go on."""

    def push(self, before: T, stroke: object = None) -> "UndoHistory[T]":
        """Return the history after a change; changes of one stroke are one step."""
        if stroke is not None and stroke == self.stroke:
            return replace(self, future=())
        return UndoHistory((*self.past, before)[-LIMIT:], (), stroke)

    def undo(self, now: T) -> "tuple[UndoHistory[T], T] | None":
        """Return the history after an undo and the value to go back to; None if there is nothing to undo."""
        past = self.past
        while past and past[-1] == now:  # a drag that ended where it began: going there would show nothing
            past = past[:-1]
        return (UndoHistory(past[:-1], (now, *self.future)), past[-1]) if past else None

    def redo(self, now: T) -> "tuple[UndoHistory[T], T] | None":
        """Return the history after a redo and the value to go to; None if there is nothing to redo."""
        return (UndoHistory((*self.past, now), self.future[1:]), self.future[0]) if self.future else None
