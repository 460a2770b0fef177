"""The way to a terminal that may take nothing for a while: a slow line, a suspended window."""

from textual.drivers.linux_driver import LinuxDriver

_LOOK = 0.1
"""Seconds between two looks at whether it takes something again."""


class PatientDriver(LinuxDriver):
    """Leaves out what a stuck terminal does not take, and shows everything anew when it does.

    Textual's own waits for the terminal, and with it wait keys, engines and the history.
    """

    _behind = _leaving = False

    def write(self, data: str) -> None:
        """Write, unless there is so much to be written that it would take waiting."""
        if self._leaving or not (self._behind or self._is_stuck):
            super().write(data)
        elif not self._behind:
            self._behind = True
            self._loop.call_soon_threadsafe(self._catch_up)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._leaving = False
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was, however long it takes."""
        self._leaving = True
        super().stop_application_mode()

    @property
    def _is_stuck(self) -> bool:
        return self._writer_thread is not None and self._writer_thread._queue.full()

    def _catch_up(self) -> None:
        if self._is_stuck:
            self._loop.call_later(_LOOK, self._catch_up)
        else:
            self._behind = False
            self._app.refresh(layout=True)
