"""The disk is full, or fails at any moment: what was acknowledged is there, the rest is said and can be tried again."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.depth import DEPTH

ROOT = Path(__file__).parents[2]

WRITES = """
from tests.depth import QUICK, takes
from tests.store.pages import talk, texts
from tui.errors import StoreError
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store

def attempt(path, tries):
    '''Keep a growing conversation, opening the file again after trouble; what was acknowledged, and what was said.'''
    store, page, safe, troubles = None, SavedPosition("one"), [], []
    said = [f"text {number} " + "x" * 2000 for number in range(6)]
    for count in range(1, len(said) + 1):
        for _ in range(tries):
            try:
                store = store or Store(path)
                page = store.save(page, Snapshot(talk(*said[:count])))
            except StoreError as error:
                troubles.append(str(error))
            else:
                safe = said[:count]
                break
    if store:
        store.close()
    return safe, troubles, said
"""


def run(code: str, *words: object, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", WRITES + code, *map(str, words)],
        cwd=ROOT, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "TWIDDLE_DEPTH": DEPTH, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_d07_a_full_disk_loses_nothing_and_saves_again_when_there_is_room(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hit = 0
for size in filter(lambda size: takes(size // 3_000), range(0, 200_000, 3_000)):
    path = Path(sys.argv[1]) / str(size) / "history.db"
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    safe, troubles, said = attempt(path, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    hit += bool(troubles)
    assert len(safe) == len(said) or troubles, size
    assert all("full" in each or "disk" in each or "too large" in each for each in troubles), troubles
    assert not list(path.parent.glob("*.damaged-*")), (size, troubles)
    there = texts(path)
    assert there[: len(safe)] == safe, (size, there)
    after, troubles, _ = attempt(path, 1)
    assert after == said and not troubles
assert hit > (2 if QUICK else 10)
"""
    run(code, tmp_path)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """What stands between the program and its C library."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("needs LD_PRELOAD, and the C compiler that llama.cpp is built with")
    library = tmp_path / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests/store/faults.c", "-ldl"], check=True)
    return library


def test_d08_an_error_at_any_operation_on_the_file_leaves_it_whole(tmp_path: Path, library: Path) -> None:
    code = """
import ctypes, sys
from pathlib import Path
library = ctypes.CDLL(None)
number, told = 0, 0
while number < 2000:
    number += 1 if number < 150 else 7
    if not takes(number):
        continue
    path = Path(sys.argv[1]) / str(number) / "history.db"
    library.fault_at(number)
    safe, troubles, said = attempt(path, 2)
    happened = library.faults()
    library.fault_at(0)
    if not happened:
        break
    told += bool(troubles)
    assert safe == said, (number, troubles)
    assert texts(path) == said, (number, troubles, texts(path))
assert number > 200 and told > (10 if QUICK else 50), (number, told)
"""
    run(code, tmp_path, LD_PRELOAD=str(library))


def test_d24_where_nothing_can_be_locked_that_is_said_and_saved_once_it_can(tmp_path: Path, library: Path) -> None:
    code = """
import ctypes, sys
from pathlib import Path
library = ctypes.CDLL(None)
path = Path(sys.argv[1]) / "history.db"
library.take_locks_away(1)
safe, troubles, said = attempt(path, 1)
library.take_locks_away(0)
assert not safe and all("nothing can be locked where it lies" in each for each in troubles), (safe, troubles)
assert not list(path.parent.glob("*.damaged-*"))
safe, troubles, said = attempt(path, 1)
assert safe == said == texts(path) and not troubles
"""
    run(code, tmp_path, LD_PRELOAD=str(library))
