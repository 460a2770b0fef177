"""Terminal driver that never waits for the terminal, be it a slow line or a suspended window."""

from textual.drivers.linux_driver import LinuxDriver

from tui.ui.textual_private import is_stuck

_CHECK_EVERY = 0.1
"""Seconds between two checks of a stuck terminal."""


class PatientDriver(LinuxDriver):
    """Driver that drops output while the terminal is stuck, and redraws the screen once it is not.

    Textual's own waits for the terminal, and with it wait keys, engines and the history.
    """

    _behind = _leaving = False

    def write(self, data: str) -> None:
        """Write, unless that would have to wait."""
        if self._leaving or not (self._behind or is_stuck(self)):
            super().write(data)
        elif not self._behind:
            self._behind = True
            self._loop.call_soon_threadsafe(self._catch_up)

    def start_application_mode(self) -> None:
        """Set the terminal up for the app."""
        self._leaving = False
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Restore the terminal, however long it takes."""
        self._leaving = True
        super().stop_application_mode()

    def _catch_up(self) -> None:
        if is_stuck(self):
            self._loop.call_later(_CHECK_EVERY, self._catch_up)
        else:
            self._behind = False
            self._app.refresh(layout=True)
