"""Asyncio front of the store: one thread owns the file, and the event loop never waits for the disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from tui.errors import StoreError
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store

RETRY = 2.0
"""Seconds until a failed save is tried again."""

PATIENCE = 1.0
"""Most seconds that a question waits for the disk; then it is sent, and saved as soon as possible."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class WorkerThread:
    """Worker thread that owns the file and runs one job after the other. A disk may never answer.

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


def new_key() -> str:
    """Return a unique key for a new conversation, the same in whichever file it is saved."""
    return uuid4().hex


class AsyncStore:
    """Saver of running conversations. Only the newest snapshot of each waits: a slow disk makes no queue."""

    def __init__(self, path: Path, on_trouble: Callable[[str], None] = lambda trouble: None) -> None:
        """`on_trouble` gets the reason when saving fails, and an empty text when all is saved again."""
        self._path, self.on_trouble = path, on_trouble
        self._worker = WorkerThread()
        self._store: Store | None = None
        self._positions: dict[str, SavedPosition] = {}
        self._unsaved: dict[str, Snapshot] = {}
        self._writer: asyncio.Task[None] | None = None
        self._tried, self._woken = asyncio.Event(), asyncio.Event()
        self.trouble = ""
        """Reason that nothing is saved; empty while all is saved."""
        self.notices: list[str] = []
        """Messages about the file, such as that it was repaired; whoever shows them clears the list."""

    # --- saving -----------------------------------------------------------------------------------------------------

    def open(self, position: SavedPosition, name: str | None = None) -> None:
        """Continue a loaded conversation, under its key or under a name of its own for each side."""
        self._positions[name or position.key] = position

    def position(self, name: str) -> SavedPosition:
        """Return the position of a conversation in the file as of its last save."""
        return self._positions.get(name, SavedPosition(name))

    def save(self, name: str, snapshot: Snapshot) -> None:
        """Queue a conversation for saving as it is now; a new one gets its name as its key."""
        self._unsaved[name] = snapshot
        self._tried.clear()
        self._woken.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def wait_saved(self, patience: float = PATIENCE) -> bool:
        """Wait until all is saved, or saving has failed; return True if it is saved."""
        if self._unsaved:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), patience)
        return not self._unsaved

    async def ask(
        self, what: Callable[Concatenate[Store, Arguments], Answer], *args: Arguments.args, **more: Arguments.kwargs
    ) -> Answer:
        """Call a method of the store on its thread, such as `ask(Store.list, "blue")`; raises StoreError."""
        return await self._worker.run(partial(self._with_store, lambda store: what(store, *args, **more)))

    async def close(self, patience: float = PATIENCE) -> str:
        """Save what is left and close the file; return the reason if something is not saved, else an empty text."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._try_again(), patience)
        if self._writer:
            self._writer.cancel()
        lost = self.trouble or "The history does not answer." if self._unsaved else ""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._worker.run(self._close), patience)
        self._worker.stop()
        return lost

    async def _try_again(self) -> None:
        """Try to save each waiting conversation once, without waiting for its retry."""
        for _ in tuple(self._unsaved):
            if self._unsaved:
                self._tried.clear()
                self._woken.set()
                await self._tried.wait()

    async def _write(self) -> None:
        """Save until nothing waits; a disk error delays and never ends it."""
        while self._unsaved:
            name, snapshot = next(iter(self._unsaved.items()))
            self._woken.clear()
            try:
                self._positions[name] = await self.ask(Store.save, self.position(name), snapshot)
            except Exception as error:  # noqa: BLE001 whatever it is: with this task nothing would ever be saved again
                self._unsaved[name] = self._unsaved.pop(name)  # the others first, next time
                self._trouble(str(error) if isinstance(error, StoreError) else f"The history failed: {error!r}.")
                self._tried.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), RETRY)
                continue
            if self._unsaved.get(name) is snapshot:
                del self._unsaved[name]
        self._trouble("")
        self._tried.set()

    def _trouble(self, why: str) -> None:
        if why != self.trouble:
            self.trouble = why
            self.on_trouble(why)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _with_store(self, job: Callable[[Store], Answer]) -> Answer:
        if self._store is None:
            self._store = Store(self._path)
        try:
            return job(self._store)
        finally:
            if self._store.notice:
                self.notices.append(self._store.notice)
                self._store.notice = ""

    def _close(self) -> None:
        if self._store:
            self._store.close()
