"""Worker thread that owns the file. It does not keep the program alive: a disk may never answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class WorkerThread:
    """Worker that runs one job after the other.

    Python waits for the thread of an executor at exit; this one is a daemon and ends with the program.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, job: Callable[[], Answer]) -> Answer:
        """Run a job on the thread; return or raise its result."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="history", daemon=True)
            self._thread.start()
        future: Future[Answer] = Future()
        self._jobs.put((future, job))
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Stop the thread after the queued jobs."""
        self._jobs.put(None)

    def _work(self) -> None:
        while todo := self._jobs.get():
            future, job = todo
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 it is raised where the answer is waited for
                future.set_exception(error)
