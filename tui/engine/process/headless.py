"""A conversation with an engine that has no screen: load, write, read the events, and always end the engine."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tui.engine.hardware import Machine
from tui.engine.loaded_model import ModelInfo
from tui.engine.process.client import Engine
from tui.engine.protocol import (
    Describe,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Notice,
    Prefill,
    Progress,
    PromptPiece,
    Render,
    Rendered,
    ReplyRequest,
    Stop,
    Thinking,
    Token,
)
from tui.errors import EngineError, ModelError
from tui.knobs.table import Knobs


class HeadlessEngine:
    """An engine for as long as the `async with` lasts; its death raises EngineError wherever it is waited for."""

    def __init__(self, notify: Callable[[str], None] = lambda sentence: None) -> None:
        """`notify` is told what a person should know about a prompt, before the reply."""
        self._engine, self._notify = Engine(), notify
        self._writing: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._engine.start()
        self._events = self._engine.events()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.stop()

    async def describe(self) -> Machine:
        """Ask what the engine can do on this machine."""
        self._engine.send(Describe())
        while not isinstance(event := await self._next(), Machine):
            pass
        return event

    async def load(self, model: Path, knobs: Knobs, progress: Callable[[float], None]) -> ModelInfo:
        """Load a model in place of the one loaded, told how far it is from 0 to 1; raises ModelError."""
        self._engine.send(Load(str(model), knobs))
        while True:
            match await self._next():
                case Progress(share):
                    progress(share)
                case Loaded(info):
                    return info
                case LoadFailed(reason):
                    raise ModelError(reason)
                case _:
                    pass

    async def write(self, *replies: ReplyRequest) -> AsyncIterator[Prefill | Thinking | Token | Finished]:
        """Generate replies and yield their events until each is finished; raises EngineError if one fails."""
        self._engine.send(Generate(replies))
        self._writing = {reply.id for reply in replies}
        while self._writing:
            match await self._next():
                case Prefill() | Thinking() | Token() as event:
                    yield event
                case Finished() as event:
                    self._writing.discard(event.id)
                    yield event
                case Failed(reason=reason):
                    raise EngineError(reason)
                case _:
                    pass

    async def render(self, command: Render) -> tuple[PromptPiece, ...]:
        """Return the prompt that the loaded model gets for some messages; raises EngineError."""
        self._engine.send(command)
        while not isinstance(event := await self._next(), Rendered):
            if isinstance(event, Failed):
                raise EngineError(event.reason)
        return event.pieces

    def stop(self) -> None:
        """End the replies being written; they finish as `stopped`."""
        with suppress(EngineError):  # its death is told to whoever reads the events
            for reply in self._writing:
                self._engine.send(Stop(reply))

    async def _next(self) -> Event:
        while isinstance(event := await anext(self._events), Notice):
            self._notify(event.text)
        if isinstance(event, Died):
            raise EngineError(event.account)
        return event
