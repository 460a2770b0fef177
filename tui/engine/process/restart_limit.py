"""Restart limit for an engine that keeps dying."""

import time
from collections import deque
from collections.abc import Callable

from tui.errors import EngineError

MOST = 3
"""Starts within a WINDOW; after that somebody has to ask for another one."""

WINDOW = 60.0
"""Seconds."""


class RestartLimit:
    """The starts of an engine. What kills it each time would otherwise load a model for ever."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: deque[float] = deque(maxlen=MOST)

    @property
    def spent(self) -> bool:
        """True if there were MOST starts within a WINDOW."""
        return len(self._made) == MOST and self._clock() - self._made[0] < WINDOW

    def count_start(self) -> None:
        """Count a start; raises EngineError when there were too many."""
        if self.spent:
            raise EngineError(f"The engine was lost {MOST} times within a minute. F12 shows why, and starts it again.")
        self._made.append(self._clock())

    def reset(self) -> None:
        """Forget the starts counted so far: somebody asked for another one."""
        self._made.clear()
