"""What every test stands on."""

from pathlib import Path

import pytest

from tui.engine.process.openmp import spin_briefly
from tui.models.reference import STARTER, find_model

spin_briefly()


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is read from, or left in, the home of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


@pytest.fixture(scope="session")
def starter() -> Path:
    """The starter model: `uv run` always installs it."""
    return find_model(STARTER)
