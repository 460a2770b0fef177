"""The way to a terminal that may take nothing for a while: a slow line, a suspended window."""

from textual.drivers.linux_driver import LinuxDriver

from tui.ui.textual_private import is_stuck

_LOOK = 0.1
"""Seconds between two looks at whether it takes something again."""


class PatientDriver(LinuxDriver):
    """Leaves out what a stuck terminal does not take, and shows everything anew when it does.

    Textual's own waits for the terminal, and with it wait keys, engines and the history.
    """

    _behind = _leaving = False

    def write(self, data: str) -> None:
        """Write, unless there is so much to be written that it would take waiting."""
        if self._leaving or not (self._behind or is_stuck(self)):
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

    def _catch_up(self) -> None:
        if is_stuck(self):
            self._loop.call_later(_LOOK, self._catch_up)
        else:
            self._behind = False
            self._app.refresh(layout=True)
