"""Signals, for the commands without a screen: the engine is gone before the program is."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from tui.engine.process.headless import HeadlessEngine

Result = TypeVar("Result")


def converse(conversation: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run`, which SIGTERM and SIGHUP end in good order too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not when nohup has it ignored
            signal.signal(number, _end)
    return asyncio.run(conversation)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


@contextmanager
def stopped_by_ctrl_c(session: HeadlessEngine) -> Iterator[None]:
    """Meanwhile a first Ctrl+C stops the replies, which keeps what is written; a second one ends the program."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        session.stop()

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
