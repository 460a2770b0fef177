"""`twiddle doctor`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tui.cli import doctor
from tui.errors import ModelError


@pytest.mark.model
def test_it_says_what_works(twiddle: Command, starter: Path) -> None:
    code, out, err = twiddle("doctor")
    assert (code, err) == (0, "")
    found = {line.split()[1]: line for line in out.splitlines()}
    assert found.keys() >= {"twiddle", "packages", "engine", "GPU", "starter", "threads", "screen", "presets", "logs"}
    assert all(line.split()[0] in ("ok", "note") for line in found.values())
    assert str(starter) in found["starter"]
    assert "twiddle run" in found["screen"]


def test_it_says_how_to_get_what_is_missing(twiddle: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(reference: str) -> Path:
        raise ModelError("The starter model is not installed; `uv run twiddle` brings it.")

    monkeypatch.setattr(doctor, "find_model", missing)
    code, out, _ = twiddle("doctor")
    assert code == 1
    assert "fail  starter   The starter model is not installed; `uv run twiddle` brings it." in out.splitlines()
