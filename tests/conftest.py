"""Fixtures for every test, the depth of the run, and how it is spread over the cores."""

import os
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from tests.depth import QUICK, header
from tui.engine.process.openmp import spin_briefly
from tui.models.reference import STARTER, find_model

spin_briefly()

# xdist tells its workers a size of 80x24, and a program in a terminal would believe that, not the terminal.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# No test fails for being slow, since machines are shared. The quick tier tries the same examples each time.
settings.register_profile("twiddle", deadline=None, derandomize=QUICK, print_blob=True)
settings.load_profile("twiddle")

_numbers = count()


def pytest_report_header() -> str:
    return header()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run a folder in one process more than there are cores, since many tests wait; files, -x and -n as asked for."""
    files = any(word.partition("::")[0].endswith(".py") for word in config.args)
    if hasattr(config, "workerinput") or not config.pluginmanager.hasplugin("xdist"):
        return
    option = config.option
    if option.numprocesses is None and not (files or option.maxfail or option.collectonly or option.usepdb):
        option.numprocesses, option.dist = (os.cpu_count() or 1) + 1, "loadgroup"


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, _homes: Path) -> None:
    """Give the test an empty home: nothing is read from, or left in, that of whoever runs the tests."""
    home = _homes / str(next(_numbers))
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


@pytest.fixture(scope="session")
def starter() -> Path:
    """Return the path of the starter model, which `uv run` always installs."""
    return find_model(STARTER)
