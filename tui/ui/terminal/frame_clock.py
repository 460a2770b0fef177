"""Frame clock: widgets that change with every token are drawn at shared moments."""

import time
from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

FRAMES_PER_SECOND = 16
"""Frames per second: text flows, and the model keeps its cores, since a paint costs the same at any size."""


class FrameClock:
    """Callback at the next frame after a request; panes that ask at different moments are drawn in one paint."""

    def __init__(self, pump: MessagePump, callback: Callable[[], object], every: int = 1) -> None:
        """Call back at every `every`-th frame; 2 or 3 will do where less is seen."""
        self._pump, self._callback, self._length = pump, callback, every / FRAMES_PER_SECOND
        self._timer: Timer | None = None

    @property
    def waiting(self) -> bool:
        """True if a callback is due."""
        return self._timer is not None

    def request(self) -> None:
        """Request a call at the next frame."""
        if self._timer is None:
            self._timer = self._pump.set_timer(self._length - time.monotonic() % self._length, self._call)

    def _call(self) -> None:
        self._timer = None
        self._callback()
