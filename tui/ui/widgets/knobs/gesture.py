"""Grouping of turns into strokes, each undone as one step."""

from collections.abc import Callable
from time import monotonic

REST = 0.7
"""Seconds that end a stroke: longer than a held key takes to repeat for the first time."""


class Gesture:
    """Detector of strokes: a held key or a spin of the wheel, told from single turns."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._movement: object = None
        self._stroke = object()
        self._moved = 0.0

    def stroke(self, movement: object) -> object:
        """Return the stroke of a turn: the last one while the same movement continues without a rest."""
        now = self._clock()
        if movement != self._movement or now - self._moved > REST:
            self._stroke = object()
        self._movement, self._moved = movement, now
        return self._stroke

    def leave(self) -> None:
        """End the stroke: the next turn starts another."""
        self._movement = None
