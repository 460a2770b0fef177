"""Several engines, one for each model in use; sides that need the same model share one. asyncio only."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Literal, NamedTuple

from tui.engine.loaded_model import ModelInfo
from tui.engine.process.client import Engine
from tui.engine.protocol import Answers, Command, Died, Event, Load, Loaded, LoadFailed, Progress, Silent
from tui.errors import EngineError
from tui.models.memory import refuse_together
from tui.paths import log_dir

SlotState = Literal["loading", "ready", "failed", "lost", "silent"]
"""State of a slot: of its engine and its model."""


Refuse = Callable[[Iterable[Load], Iterable[Load]], None]
"""Function that raises ModelError where models to be loaded do not fit beside those that are loaded."""


class SlotEvent(NamedTuple):
    """Event of an engine, with the Load of its slot: that says which sides it is about."""

    load: Load
    event: Event


class EngineReport(NamedTuple):
    """State of an engine, for the engine screen."""

    model: str
    """The path of what it was told to load."""
    state: SlotState
    pid: int | None
    died: Died | None
    """Last death of the engine, if any."""
    log: str
    """The end of what it says now."""


class Slot:
    """An engine, the model that it was told to load, and how that stands."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.load: Load | None = None
        self.state: SlotState = "loading"
        self.progress = 0.0
        """Progress of the load, 0 to 1."""
        self.info: ModelInfo | None = None
        """Description of the model, once it is loaded."""
        self.silent = False
        """True if the engine runs and answers nothing."""
        self.died: Died | None = None
        """Last death of the engine, if any."""
        self.restarts = False
        """True if the engine is to be started again when it has ended."""
        self.running = False
        """True if commands reach the engine; before it runs they wait here, and after its death they are refused."""
        self._waiting: list[Command] = []
        self._answers = 0
        """Number of unanswered Loads: only the answer to the last one counts."""

    @property
    def report(self) -> EngineReport:
        """Report of the engine's state."""
        path = self.load.path if self.load else ""
        return EngineReport(
            path, "silent" if self.silent else self.state, self.engine.pid, self.died, self.engine.last_words
        )

    def load_model(self, load: Load) -> None:
        """Load a model, in place of the one it has; raises EngineError."""
        self.load, self.state, self.progress, self.info = load, "loading", 0.0, None
        self._answers += 1
        self.send(load)

    def send(self, command: Command) -> None:
        """Send a command; raises EngineError when there is no engine to take it."""
        if self.running:
            self.engine.send(command)
        elif self.state == "lost":
            raise EngineError("The engine is not running.")
        else:
            self._waiting.append(command)

    async def start(self) -> None:
        """Start the engine and send what waits; raises EngineError."""
        await self.engine.start()
        self.running = True
        for command in self._waiting:
            self.engine.send(command)
        self._waiting.clear()

    def on_event(self, event: Event) -> None:
        """Handle an event: update the state."""
        match event:
            case Progress():
                self.progress = event.share
            case Loaded() | LoadFailed():
                self._answers = max(0, self._answers - 1)
                if not self._answers:
                    self.state = "ready" if isinstance(event, Loaded) else "failed"
                    self.info = event.info if isinstance(event, Loaded) else None
            case Silent() | Answers():
                self.silent = isinstance(event, Silent)
            case Died():
                self.state, self.running, self._answers, self.info = "lost", False, 0, None
                self.silent, self.died = False, event
                self._waiting.clear()


def numbered(number: int) -> Engine:
    """Build the engine with this number, from 0; each has a log file of its own."""
    return Engine(log_dir() / f"engine-{os.getpid()}-{number + 1}.log")


class EnginePool:
    """The engines that the sides need, each with its model, and what they say as one stream."""

    def __init__(self, make: Callable[[int], Engine] = numbered, refuse: Refuse = refuse_together) -> None:
        """`make` builds an engine, given the number built before; `refuse` raises for models that do not fit."""
        self._make, self._refuse, self._made = make, refuse, 0
        self._slots: list[Slot] = []
        self._events: asyncio.Queue[tuple[Slot, Event]] = asyncio.Queue()
        self._readers: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[None]] = set()

    async def start(self, loads: Iterable[Load]) -> None:
        """Start an engine for each model, and wait until they run; raises EngineError and ModelError."""
        for slot in self._arrange(loads):
            await slot.start()
            _do(self._readers, self._read(slot))

    def fit(self, loads: Iterable[Load]) -> None:
        """Load these models and no others: engines are started, told to load another, or ended.

        Raises ModelError, before anything is changed, when the models do not fit into memory together.
        """
        for slot in self._arrange(loads):
            _do(self._readers, self._run(slot))

    def slot_of(self, load: Load | None) -> Slot:
        """Return the slot that holds a model; raises EngineError when none does."""
        for slot in self._slots:
            if slot.load == load:
                return slot
        raise EngineError("The engine is not running.")

    def send(self, command: Command, load: Load | None) -> None:
        """Send a command to the engine that holds a model; raises EngineError when there is none to take it."""
        self.slot_of(load).send(command)

    async def events(self) -> AsyncIterator[SlotEvent]:
        """Yield the events of every engine, for as long as anybody listens."""
        while True:
            slot, event = await self._events.get()
            if slot in self._slots and slot.load:
                slot.on_event(event)
                yield SlotEvent(slot.load, event)
                if slot.restarts and slot.state == "lost":
                    self._restart_slot(slot, slot.load)

    async def revive(self) -> None:
        """Start anew the engines that died, and have those try again that could not load; raises EngineError."""
        for slot in self._slots:
            if slot.state == "lost":
                await slot.start()
                _do(self._readers, self._read(slot))
            if slot.state in ("lost", "failed") and slot.load:
                slot.load_model(slot.load)

    def restart(self) -> None:
        """End what runs and start it all anew, however often it died. Each that runs says that it Died, first."""
        for slot in self._slots:
            slot.engine.restart_limit.reset()
            if slot.running:
                slot.restarts = True
                slot.engine.kill()
            elif slot.load and slot.state == "lost":
                self._restart_slot(slot, slot.load)

    def reports(self) -> list[EngineReport]:
        """Return a report of each engine."""
        return [slot.report for slot in self._slots]

    async def stop(self) -> None:
        """End them all."""
        slots, self._slots = self._slots, []
        await asyncio.gather(*(slot.engine.stop() for slot in slots), *self._endings)
        for task in self._readers:
            task.cancel()

    def _arrange(self, loads: Iterable[Load]) -> list[Slot]:
        """Tell engines what to load, the spare ones first, and end those too many; the ones still to be started."""
        wanted = tuple(dict.fromkeys(loads))
        held = [slot for slot in self._slots if slot.load in wanted]
        spare = [slot for slot in self._slots if slot not in held]
        missing = [load for load in wanted if not any(slot.load == load for slot in held)]
        if len(wanted) > 1 and missing:
            loading = [slot.load for slot in held if slot.load and slot.state == "loading"]
            loaded = [slot.load for slot in held if slot.load and slot.state == "ready"]
            self._refuse([*loading, *missing], loaded)
        new = []
        for load in missing:
            slot = next((each for each in spare if each.state != "lost"), None)
            if slot:
                spare.remove(slot)
            else:
                slot = Slot(self._make(self._made))
                self._made += 1
                self._slots.append(slot)
                new.append(slot)
            slot.load_model(load)
        for slot in spare:
            self._slots.remove(slot)
            _do(self._endings, slot.engine.stop())
        return new

    def _restart_slot(self, slot: Slot, load: Load) -> None:
        slot.restarts = False
        slot.load_model(load)  # it waits until the engine runs
        _do(self._readers, self._run(slot))

    async def _run(self, slot: Slot) -> None:
        if slot not in self._slots:
            return  # it was let go of before its time came
        try:
            await slot.start()
        except EngineError as error:
            self._events.put_nowait((slot, Died(0, str(error), "")))
        else:
            await self._read(slot)

    async def _read(self, slot: Slot) -> None:
        async for event in slot.engine.events():
            self._events.put_nowait((slot, event))


def _do(kept: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    kept.add(task)  # asyncio itself keeps no hold of it
    task.add_done_callback(kept.discard)
