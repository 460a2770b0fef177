"""The command line, and models that play a script."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.scripted import SCRIPTED_CHILD, Script
from tui.cli import main
from tui.engine.process import client


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Command:
    """`twiddle`, run by calling its entry point."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str, piped: str = "") -> Outcome:
        self._monkeypatch.setattr(sys, "argv", ["twiddle", *words])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Outcome(code, *self._capsys.readouterr())


@pytest.fixture
def twiddle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have models play scripts: one for every model, or each by what its FROM says."""

    def play(script: Script | None = None, **scripts: Script) -> None:
        def find(reference: str, folder: Path | None = None) -> Path:
            return Path((scripts.get(reference) or script or Script()).path)

        monkeypatch.setattr("tui.presets.preset.find_model", find)
        monkeypatch.setattr(client, "CHILD", SCRIPTED_CHILD)

    return play
