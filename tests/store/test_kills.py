"""Whatever ends the program, what it was told is safe is there."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.depth import SEED, depth
from tests.store.pages import keep, talk, texts
from tui.store.records import Snapshot
from tui.store.schema import migrations
from tui.store.store import Store

ROOT = Path(__file__).parents[2]
KILLS = depth(20, 200)
"""Processes to kill."""


def child(*words: object, code: str = "") -> "subprocess.Popen[str]":
    command = ["-c", code] if code else ["-m", "tests.store.writer"]
    return subprocess.Popen(
        [sys.executable, *command, *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        return str(found)
    finally:
        connection.close()


FORKED = """
import os, signal, sys, time
from pathlib import Path
from tests.store.writer import write
path, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
import random
chance = random.Random(seed)
for number in range(kills):
    reader, writer = os.pipe()
    pid = os.fork()  # before any connection: a fresh process without the time that Python takes to start
    if not pid:
        os.dup2(writer, 1)
        write(path, number, 10**9)
    os.close(writer)
    first = os.read(reader, 1) if number % 2 else b""  # half of them inside the very first writes
    time.sleep(chance.random() * 0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    rest = first
    while part := os.read(reader, 65536):
        rest += part
    os.close(reader)
    whole = rest[: rest.rfind(b"\\n") + 1]
    sys.stdout.write(whole.decode())
sys.stdout.flush()
"""


def test_d01_kill_9_at_any_point_loses_nothing_that_was_acknowledged(path: Path) -> None:
    killer = child(path, KILLS, SEED, code=FORKED)
    said, _ = killer.communicate()
    assert killer.returncode == 0
    assert integrity(path) == "ok", f"seed {SEED}"
    acknowledged, there = said.splitlines(), texts(path)
    assert len(acknowledged) > KILLS and not set(acknowledged) - set(there), f"seed {SEED}"
    # What is there beyond is what was about to be acknowledged, and whole.
    assert all(text.endswith(".") or text == "half a rep" for text in there)


DIES_AT = """
import os, signal, sqlite3, sys
from pathlib import Path
from tui.store import schema
from tui.store.store import Store
left = int(sys.argv[2])
class Dying(sqlite3.Connection):
    def execute(self, *words):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*words)
from tui.store import database
connect = sqlite3.connect
database.sqlite3.connect = lambda *words, **more: connect(*words, factory=Dying, **more)
Store(Path(sys.argv[1]))
"""


def test_d15_a_kill_in_a_migration_leaves_whole_steps_and_the_next_start_goes_on(path: Path) -> None:
    # The last run gets through, as it has fewer statements to make than it may.
    for statements in range(60):
        dying = child(path, statements, code=DIES_AT)
        dying.communicate()
        if path.exists():
            connection = sqlite3.connect(path)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            made = list(connection.execute("SELECT name FROM migration")) if "migration" in tables else []
            connection.close()
            assert [(step.name,) for step in migrations()[:version]] == made
            assert ("turn" in tables, "seat" in tables) == (version > 0, version > 1)
        if dying.returncode == 0:
            break
        assert dying.returncode == -signal.SIGKILL
    else:
        raise AssertionError("it never got through")
    store = Store(path)
    keep(store, "Hi")
    store.close()
    assert texts(path) == ["Hi"]


def test_d16_of_two_that_open_a_new_file_at_once_one_makes_it(path: Path) -> None:
    children = [child(path, number, 20) for number in range(4)]
    said = [each.communicate()[0] for each in children]
    assert [each.returncode for each in children] == [0] * 4
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM migration").fetchall() == [(step.name,) for step in migrations()]
    connection.close()
    assert sorted(texts(path)) == sorted("".join(said).splitlines())


WRITES = depth(25, 100)
"""Questions, each with an answer, that each of two windows writes."""

CHECKPOINTS = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
while True:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    time.sleep(0.005)
"""


def test_d04_two_windows_lose_nothing_and_nobody_is_told_that_it_is_locked(path: Path) -> None:
    """With checkpoints forced all the while, which mean something where SQLite is new enough for a write-ahead log."""
    Store(path).close()
    checkpoints = child(path, code=CHECKPOINTS)
    children = [child(path, number, WRITES) for number in (1, 2)]
    said = [each.communicate()[0].splitlines() for each in children]
    assert checkpoints.poll() is None
    checkpoints.kill()
    checkpoints.communicate()
    assert [each.returncode for each in children] == [0, 0]
    assert [len(each) for each in said] == [2 * WRITES, 2 * WRITES]
    assert set(texts(path)) == {*said[0], *said[1]}
    assert integrity(path) == "ok"


def test_d05_whoever_reads_first_and_then_writes_is_not_refused(path: Path) -> None:
    store, other = Store(path), Store(path)
    page = keep(store, "Hi")
    keep(other, "there", key="other")
    store.list()
    store.save(page, _sheet("Hi", "Hello"))
    assert sorted(texts(path)) == ["Hello", "Hi", "there"]


def test_two_windows_on_one_conversation_grow_one_tree(path: Path) -> None:
    left, right = Store(path), Store(path)
    page = keep(left, "Hi", "Hello")
    kept = right.load(1)
    left.save(page, _sheet("Hi", "Hello", "left?", "left."))
    right.save(kept.position, _sheet("Hi", "Hello", "right?", "right."))
    merged = left.load(1).conversation
    assert [(turn.message.content, turn.parent) for turn in merged.turns] == [
        ("Hi", None), ("Hello", 0), ("left?", 1), ("left.", 2), ("right?", 1), ("right.", 4),
    ]  # fmt: skip
    assert [turn.message.content for turn in merged.path] == ["Hi", "Hello", "right?", "right."]


def _sheet(*said: str) -> Snapshot:
    return Snapshot(talk(*said))
