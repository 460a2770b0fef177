"""Signal handling for commands without a screen: the engine ends before the program."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from tui.engine.process.headless import HeadlessEngine

Result = TypeVar("Result")


def run_async(conversation: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine as `asyncio.run` does; SIGTERM and SIGHUP end it cleanly too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not when nohup has it ignored
            signal.signal(number, _end)
    return asyncio.run(conversation)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


@contextmanager
def stopped_by_ctrl_c(session: HeadlessEngine) -> Iterator[None]:
    """Let a first Ctrl+C stop the replies and keep their text, and a second one end the program."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        session.stop()

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
