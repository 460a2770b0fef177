"""A journey comes to its end, and what breaks on one is noticed and said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command, twiddle
from tests.ui.test_terminal import linux
from tui.bench.synthetic import Shape, write_model
from tui.soak.invariant import Broken
from tui.soak.journey import Journey, draw
from tui.soak.witness import Report, Witness
from tui.store.store import Store

__all__ = ["twiddle"]

pytestmark = linux


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    write_model(path, Shape(vocabulary=320, context=2048))
    return path


def test_a_seed_draws_the_same_journey_again() -> None:
    assert draw("7-1", Path("a.gguf")) == draw("7-1", Path("a.gguf")) != draw("7-2", Path("a.gguf"))


def test_a_journey_is_made_and_told_in_a_line(twiddle: Command, model: Path) -> None:
    done = twiddle("soak", "--minutes", "0", "--seed", "399", "--model", str(model))
    assert done.code == 0, done.err
    seed, journey = done.out.splitlines()
    assert seed == "seed 399" and journey.startswith("399-1: ") and "ended by SIGKILL" in journey


def test_texts_that_are_gone_are_noticed(tmp_path: Path, model: Path) -> None:
    def see(seed: str) -> Report:
        return asyncio.run(witness.see(Journey(seed, str(model), 1, "quit", 0, go_on=False)))

    witness = Witness(tmp_path)
    assert see("one question").kept
    with closing(Store(tmp_path / "history.db")) as store:
        store.remove(1)
    with pytest.raises(Broken, match="texts that were acknowledged are lost"):
        see("a")  # nothing is asked on that one


def test_what_broke_is_said_with_the_seed_of_its_journey(
    twiddle: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def travel(witness: Witness, model: Path, seed: int, minutes: float) -> AsyncIterator[Report]:
        yield Report(draw(f"{seed}-1", model), ("ask",), (), 2, 3.0)
        witness.journey = f"{seed}-2"
        raise Broken("the dam")

    monkeypatch.setattr(Witness, "travel", travel)
    done = twiddle("soak", "--seed", "9", "--model", str(model))
    assert done.code == 1
    assert "It broke in journey 9-2: the dam." in done.err and "9-1: 1 deeds" in done.out


def test_it_is_no_command_for_users(twiddle: Command) -> None:
    assert "soak" not in twiddle("--help").out
