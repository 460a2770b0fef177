"""Soak journeys run to their end, and a broken invariant is reported."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import typer

from tests.soak.__main__ import soak
from tests.soak.invariants import Broken
from tests.soak.journey import Journey, draw
from tests.soak.observer import Observer, Report
from tests.ui.test_terminal import linux
from tui.bench.synthetic import Shape, write_model
from tui.cli import app
from tui.store.store import Store

pytestmark = [linux, pytest.mark.xdist_group("terminal")]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    write_model(path, Shape(vocabulary=320, context=2048))
    return path


def test_a_seed_draws_the_same_journey_again() -> None:
    assert draw("7-1", Path("a.gguf")) == draw("7-1", Path("a.gguf")) != draw("7-2", Path("a.gguf"))


def test_a_journey_is_reported_in_a_line(model: Path) -> None:
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0", "--seed", "399", "--model", str(model)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seed, journey = done.stdout.splitlines()
    assert seed == "seed 399" and journey.startswith("399-1: ") and "ended by SIGKILL" in journey


def test_texts_that_are_gone_are_noticed(tmp_path: Path, model: Path) -> None:
    def journey(seed: str) -> Report:
        return asyncio.run(observer.run_one(Journey(seed, str(model), 1, "quit", 0, go_on=False)))

    observer = Observer(tmp_path)
    assert journey("one question").kept
    with closing(Store(tmp_path / "history.db")) as store:
        store.remove(1)
    with pytest.raises(Broken, match="texts that were acknowledged are lost"):
        journey("a")  # nothing is asked on that one


def test_what_broke_is_said_with_the_seed_of_its_journey(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(observer: Observer, model: Path, seed: int, minutes: float) -> AsyncIterator[Report]:
        yield Report(draw(f"{seed}-1", model), ("ask",), (), 2, 3.0)
        observer.journey = f"{seed}-2"
        raise Broken("the dam")

    monkeypatch.setattr(Observer, "run", run)
    with pytest.raises(typer.Exit) as ended:
        soak(seed=9, model=str(model))
    out, err = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert "It broke in journey 9-2: the dam." in err and "9-1: 1 actions" in out


def test_it_is_no_command_of_the_product() -> None:
    assert "soak" not in {command.name for command in app.registered_commands}
    assert not (ROOT / "tui" / "soak").exists()
