"""Several engines as one: who shares, who is told to load another model, and what the loss of one means."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import Watched
from tui.conversation.conversation import Message
from tui.engine.process.pool import EnginePool, Refuse, SlotEvent
from tui.engine.protocol import Died, Finished, Generate, Load, Loaded, ReplyRequest
from tui.errors import EngineError, ModelError
from tui.knobs.table import Knobs

ONE, TWO, THREE = (Load(Script(replies=(word,)).path, Knobs()) for word in ("one", "two", "three"))
KNOBS = Knobs(temperature=0, seed=1)
Kind = TypeVar("Kind")


class Room:
    """Engines, those that were made, and what was said."""

    def __init__(self, folder: Path, refuse: Refuse = lambda wanted, beside: None) -> None:
        self.made: list[Watched] = []
        self.said: list[SlotEvent] = []
        self.engines = EnginePool(self._make, refuse)
        self._folder = folder

    def _make(self, number: int) -> Watched:
        self.made.append(Watched(self._folder / f"{number}.log"))
        return self.made[-1]

    async def listen(self) -> None:
        async for said in self.engines.events():
            self.said.append(said)

    def heard(self, kind: type[Kind], load: Load) -> list[Kind]:
        return [said.event for said in self.said if isinstance(said.event, kind) and said.load == load]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    async def write(self, load: Load, name: str) -> str:
        """What a model answers."""
        self.engines.send(Generate((ReplyRequest(name, (Message("user", "Hi"),), KNOBS),)), load)
        await self.until(lambda: any(each.id == name for each in self.heard(Finished, load)))
        return next(each.text for each in self.heard(Finished, load) if each.id == name)


@asynccontextmanager
async def opened(folder: Path, *loads: Load, refuse: Refuse = lambda wanted, beside: None) -> AsyncIterator[Room]:
    room = Room(folder, refuse)
    await room.engines.start(loads)
    listener = asyncio.create_task(room.listen())
    try:
        yield room
    finally:
        listener.cancel()
        await room.engines.stop()
        assert not any(engine.alive for engine in room.made), "all are ended"


async def test_each_model_has_an_engine_of_its_own_and_equal_ones_share(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE, TWO, ONE) as room:
        assert len(room.made) == 2
        assert [await room.write(TWO, "a"), await room.write(ONE, "b")] == ["two", "one"]
        assert [len(engine.commands(Generate)) for engine in room.made] == [1, 1]
        assert room.engines.slot_of(ONE).state == "ready" and len({engine._log for engine in room.made}) == 2


async def test_a_model_that_comes_up_later_takes_the_spare_engine_or_a_new_one(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE) as room:
        room.engines.fit([TWO])
        assert len(room.made) == 1, "the one engine loads another model"
        room.engines.fit([TWO, THREE])
        assert await room.write(THREE, "a") == "three", "what is sent before it runs waits"
        room.engines.fit([THREE])
        await room.until(lambda: not room.made[0].alive)
        with pytest.raises(EngineError):
            room.engines.send(Generate(()), TWO)
        assert await room.write(THREE, "b") == "three"


async def test_g53_only_the_answer_to_the_newest_load_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE) as room:
        room.engines.fit([TWO])
        room.engines.fit([THREE])
        await room.until(lambda: len(room.made[0].heard(Loaded)) >= 1)
        await room.until(lambda: room.engines.slot_of(THREE).state == "ready")
        await room.until(lambda: len(room.heard(Loaded, THREE)) == 3)
        assert await room.write(THREE, "a") == "three"


async def test_the_loss_of_one_is_told_as_its_own_and_it_comes_back_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE, TWO) as room:
        await room.until(lambda: room.heard(Loaded, ONE) and room.heard(Loaded, TWO))
        first, second = (engine.pid for engine in room.made)
        assert first
        os.kill(first, signal.SIGKILL)
        await room.until(lambda: room.heard(Died, ONE))
        assert (room.engines.slot_of(ONE).state, room.engines.slot_of(TWO).state) == ("lost", "ready")
        with pytest.raises(EngineError, match="not running"):
            room.engines.send(Generate(()), ONE)
        assert await room.write(TWO, "a") == "two"
        await room.engines.revive()
        assert await room.write(ONE, "b") == "one"
        assert room.made[0].pid != first and room.made[1].pid == second


async def test_models_that_do_not_fit_together_change_nothing(tmp_path: Path) -> None:
    def refuse(wanted: Iterable[Load], beside: Iterable[Load]) -> None:
        assert (wanted, beside) == ([TWO], [ONE])
        raise ModelError("no")

    async with opened(tmp_path, ONE, refuse=refuse) as room:
        await room.until(lambda: room.heard(Loaded, ONE))
        with pytest.raises(ModelError):
            room.engines.fit([ONE, TWO])
        assert len(room.made) == 1 and await room.write(ONE, "a") == "one"


async def test_a_log_that_cannot_be_written_costs_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path, ONE) as room:
        (tmp_path / "file").touch()
        room._folder = tmp_path / "file"
        room.engines.fit([ONE, TWO])
        await room.until(lambda: room.heard(Loaded, TWO))
        assert await room.write(TWO, "a") == "two"
        assert room.heard(Died, TWO) == []
