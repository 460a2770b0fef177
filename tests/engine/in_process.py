"""The engine's loop on threads of this process, for tests of widgets: no process starts, and every line is encoded."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from tests.engine.scripted import open_scripted
from tui.engine.loop import EngineLoop
from tui.engine.process.client import Engine
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.protocol import Command, Died, Event, decode_command, decode_event, encode
from tui.engine.sampling.what_if_worker import Question
from tui.errors import EngineError

_END: Any = object()
"""Command that ends the thread that reads it."""


class ThreadLoop(EngineLoop):
    """A loop that sends its lines to a function, and whose threads can be ended."""

    def __init__(self, send_line: Callable[[bytes], None]) -> None:
        super().__init__(-1, open_scripted, JinjaTemplate)
        self._send_line = send_line

    def emit(self, event: Event) -> None:
        self._send_line(encode(event))

    def run(self) -> None:
        with suppress(SystemExit):
            super().run()

    def _answer_questions(self) -> None:
        with suppress(SystemExit):
            super()._answer_questions()

    def start(self) -> None:
        threading.Thread(target=self.run, daemon=True).start()

    def end(self) -> None:
        """End both threads; what the model is at is broken off."""
        self._questions.put(_END)
        self._commands.put(_END)
        if self._backend:
            self._backend.interrupt.set()

    def _run_command(self, command: Command) -> None:
        if command is _END:
            raise SystemExit
        super()._run_command(command)

    def _answer(self, question: Question) -> None:
        if cast(Any, question) is _END:
            raise SystemExit
        super()._answer(question)


class InProcessEngine(Engine):
    """An engine without a process, and so without a process id: what dies or hangs needs the real one."""

    _loop: ThreadLoop | None = None
    _lines: "asyncio.Queue[bytes]"

    @property
    def alive(self) -> bool:
        return self._loop is not None

    @property
    def pid(self) -> None:
        return None

    async def start(self) -> None:
        if self._loop:
            return
        self.restart_limit.count_start()
        self._asked = False
        running, self._lines = asyncio.get_running_loop(), asyncio.Queue()

        def send_line(put: Callable[[bytes], None], line: bytes) -> None:
            with suppress(RuntimeError):  # the test is over
                running.call_soon_threadsafe(put, line)

        self._loop = ThreadLoop(partial(send_line, self._lines.put_nowait))
        self._loop.start()

    def send(self, command: Command) -> None:
        if not self._loop:
            raise EngineError("The engine is not running.")
        self._loop.receive(decode_command(encode(command)))

    async def events(self) -> AsyncIterator[Event]:
        lines = self._lines
        while line := await lines.get():
            yield decode_event(line)
        if self._asked:
            yield Died(-signal.SIGKILL, "The engine was ended, as you asked.", "", True, self.restart_limit.spent)

    def kill(self) -> None:
        self._asked = True
        self._end()

    async def stop(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._loop:
            self._loop.end()
            self._loop = None
            self._lines.put_nowait(b"")
