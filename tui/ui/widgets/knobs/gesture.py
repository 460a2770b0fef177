"""The hand on the knobs: which turns are one movement."""

from collections.abc import Callable
from time import monotonic

REST = 0.7
"""Seconds after which a hand has rested: longer than a held key takes to repeat for the first time."""


class Gesture:
    """Tells a held key, or a turn of the wheel, from turns that have nothing to do with each other."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._movement: object = None
        self._stroke = object()
        self._moved = 0.0

    def stroke(self, movement: object) -> object:
        """What a turn belongs to: the same as the turn before while the same movement goes on without a rest."""
        now = self._clock()
        if movement != self._movement or now - self._moved > REST:
            self._stroke = object()
        self._movement, self._moved = movement, now
        return self._stroke

    def leave(self) -> None:
        """Something else is done: the next turn is another movement."""
        self._movement = None
