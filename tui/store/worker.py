"""The one thread that has the file. It is no reason for the program to stay: a disk may never answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class WorkerThread:
    """Does one thing after the other on a thread of its own.

    Unlike an executor's, which Python waits for at its end, the thread ends with the program whatever it is at.
    """

    def __init__(self) -> None:
        self._deeds: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def do(self, deed: Callable[[], Answer]) -> Answer:
        """What the deed answers or raises, once its turn has come."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="history", daemon=True)
            self._thread.start()
        future: Future[Answer] = Future()
        self._deeds.put((future, deed))
        return await asyncio.wrap_future(future)

    def leave(self) -> None:
        """End when everything is done that there is to do."""
        self._deeds.put(None)

    def _work(self) -> None:
        while todo := self._deeds.get():
            future, deed = todo
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(deed())
            except BaseException as error:  # noqa: BLE001 it is raised where the answer is waited for
                future.set_exception(error)
