"""When things that change with every token are drawn: on beats that all of them share."""

import time
from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

BEATS_A_SECOND = 16
"""Often enough for text to flow, and it leaves the model its cores: a paint costs the same however much is in it."""


class FrameClock:
    """Calls back on a beat once it was asked to; panes that ask at different moments are drawn in one paint."""

    def __init__(self, pump: MessagePump, callback: Callable[[], object], every: int = 1) -> None:
        """`every` second or third beat will do for what eyes need less often."""
        self._pump, self._callback, self._length = pump, callback, every / BEATS_A_SECOND
        self._timer: Timer | None = None

    @property
    def waiting(self) -> bool:
        """True if a callback is due."""
        return self._timer is not None

    def ask(self) -> None:
        """Have the callback called on the next beat."""
        if self._timer is None:
            self._timer = self._pump.set_timer(self._length - time.monotonic() % self._length, self._call)

    def _call(self) -> None:
        self._timer = None
        self._callback()
