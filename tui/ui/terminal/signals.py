"""Signals and a lost terminal, after which Textual would leave the terminal raw, spin or tear the screen."""

import asyncio
import os
import select
import signal
import sys
from types import FrameType

from textual.app import App

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
"""Signals that end the app. The first three would leave the terminal raw; after the last, Textual would exit with 0."""

_CHECK_EVERY = 1.0
"""Seconds between two checks that the terminal is still there."""


def exit_on_signals(app: App[None]) -> None:
    """Make the app exit with 128 + n on a signal n that ends it."""
    loop = asyncio.get_running_loop()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it so
            loop.add_signal_handler(number, app.exit, None, 128 + number)


async def exit_without_terminal(app: App[None]) -> None:
    """Exit the app once its terminal is gone without a signal; Textual would read nothing for ever."""
    terminal = select.poll()
    terminal.register(sys.__stdin__ or 0, 0)  # only what is always told: POLLHUP and POLLERR
    while not terminal.poll(0):
        await asyncio.sleep(_CHECK_EVERY)
    app.exit(None, 128 + signal.SIGHUP)


class Suspension:
    """Ctrl+Z and `kill -STOP`: the shell gets the terminal back as it was, and the screen is redrawn on return."""

    def __init__(self, app: App[None]) -> None:
        """Wrap the handlers that Textual has installed already."""
        self._app = app
        self._stop, self._go_on = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
        self._stopped = False
        signal.signal(signal.SIGTSTP, self._stopping)
        signal.signal(signal.SIGCONT, self._going_on)

    def _stopping(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True
        if callable(self._stop):
            self._stop(number, frame)

    def _going_on(self, number: int, frame: FrameType | None) -> None:
        if self._stopped and callable(self._go_on):
            self._stopped = False
            self._go_on(number, frame)
        elif not self._stopped:
            # Nobody asked before it was stopped: begun anew, Textual would take the raw terminal for the shell's.
            self._app.call_later(self._app.refresh, layout=True)


def suspend() -> bool:
    """Suspend this process group, `uv run` included; return False if no shell could resume it."""
    if os.getpgrp() == os.getsid(0):
        return False
    os.kill(0, signal.SIGTSTP)
    return True
