"""The way to the store from a program that must not wait: asyncio only. One thread has the file, and only that one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from tui.errors import StoreError
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store
from tui.store.worker import WorkerThread

RETRY = 2.0
"""Seconds until what could not be saved is tried again."""

PATIENCE = 1.0
"""Seconds that a question waits for the disk at most; then it is asked, and saved as soon as that can be done."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def new_key() -> str:
    """What a new conversation goes by, in whichever file it is kept."""
    return uuid4().hex


class AsyncStore:
    """Keeps conversations while they go on. Of each the newest value alone counts: nothing piles up at a slow disk."""

    def __init__(self, path: Path, tell: Callable[[str], None] = lambda trouble: None) -> None:
        """`tell` hears why nothing is saved whenever that changes, and an empty text when everything is again."""
        self._path, self.tell = path, tell
        self._clerk = WorkerThread()
        self._store: Store | None = None
        self._pages: dict[str, SavedPosition] = {}
        self._unsaved: dict[str, Snapshot] = {}
        self._writer: asyncio.Task[None] | None = None
        self._tried, self._woken = asyncio.Event(), asyncio.Event()
        self.trouble = ""
        """Why nothing is saved; empty while everything is."""
        self.notices: list[str] = []
        """What a person should know of the file, such as that it was mended; whoever shows them takes them away."""

    # --- keeping ----------------------------------------------------------------------------------------------------

    def open(self, position: SavedPosition, name: str | None = None) -> None:
        """Go on with a conversation that was loaded; by its key, or by a name where several sides keep it."""
        self._pages[name or position.key] = position

    def position(self, name: str) -> SavedPosition:
        """Where a conversation stands in the file, as far as it is saved."""
        return self._pages.get(name, SavedPosition(name))

    def save(self, name: str, snapshot: Snapshot) -> None:
        """Have a conversation kept as it is now; a new one has its name for a key."""
        self._unsaved[name] = snapshot
        self._tried.clear()
        self._woken.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def settled(self, patience: float = PATIENCE) -> bool:
        """Wait until everything noted is saved, or cannot be for now; whether it is."""
        if self._unsaved:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), patience)
        return not self._unsaved

    async def ask(
        self, what: Callable[Concatenate[Store, Arguments], Answer], *args: Arguments.args, **more: Arguments.kwargs
    ) -> Answer:
        """What the store answers, such as `ask(Store.list, "blue")`; raises StoreError."""
        return await self._clerk.do(partial(self._with_store, lambda store: what(store, *args, **more)))

    async def close(self, patience: float = PATIENCE) -> str:
        """Save what is left and let go of the file; why something could not be saved, if so."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._try_again(), patience)
        if self._writer:
            self._writer.cancel()
        lost = self.trouble or "The history does not answer." if self._unsaved else ""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._clerk.do(self._close), patience)
        self._clerk.leave()
        return lost

    async def _try_again(self) -> None:
        """Try whatever is not saved now, and not when it would be its turn; what fails goes behind the others."""
        for _ in tuple(self._unsaved):
            if self._unsaved:
                self._tried.clear()
                self._woken.set()
                await self._tried.wait()

    async def _write(self) -> None:
        """Save until there is nothing left to save. Trouble with the disk is no reason to stop."""
        while self._unsaved:
            name, snapshot = next(iter(self._unsaved.items()))
            self._woken.clear()
            try:
                self._pages[name] = await self.ask(Store.save, self.position(name), snapshot)
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
            self.tell(why)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _with_store(self, deed: Callable[[Store], Answer]) -> Answer:
        if self._store is None:
            self._store = Store(self._path)
        try:
            return deed(self._store)
        finally:
            if self._store.notice:
                self.notices.append(self._store.notice)
                self._store.notice = ""

    def _close(self) -> None:
        if self._store:
            self._store.close()
