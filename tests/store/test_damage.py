"""A file that is not as it was left: what can be read is recovered, nothing is deleted, and it is said."""

import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from tests.store.pages import keep, talk, texts
from tui.errors import StoreError
from tui.store.page import Page, Sheet
from tui.store.schema import MIGRATIONS
from tui.store.store import Store

POSITIONS = int(os.environ.get("TWIDDLE_POSITIONS", "120"))
"""How many bytes to damage, one at a time; 2,000 by the environment."""


def fill(path: Path, conversations: int = 12) -> list[str]:
    store = Store(path)
    said = []
    for number in range(conversations):
        said += [f"question {number} {'x' * 300}", f"answer {number} {'y' * 900}"]
        keep(store, *said[-2:], key=f"{number}")
    store.close()
    return said


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.damaged-*.db"))


@pytest.mark.parametrize("kind", ["text", "zeroed header", "empty schema"])
def test_d10_a_file_that_sqlite_cannot_read_is_moved_aside_and_a_new_one_begun(path: Path, kind: str) -> None:
    said = fill(path)
    whole = path.read_bytes()
    damaged = {"text": b"Dear diary,\n" * 400, "zeroed header": bytes(100) + whole[100:], "empty schema": whole[:100]}
    path.write_bytes(damaged[kind])
    store = Store(path)
    (moved,) = aside(path)
    assert moved.read_bytes() == damaged[kind], "nothing of it is lost"
    assert store.notice.startswith("The history was damaged.") and str(moved) in store.notice
    keep(store, "Hi")
    store.close()
    assert texts(path) == [*(said if kind == "zeroed header" else ()), "Hi"]
    assert not list(path.parent.glob("*recovering*"))


@pytest.mark.parametrize("pages", [(7,), (9, 12), tuple(range(20, 30))])
def test_d10_what_can_be_read_around_damaged_pages_is_recovered(path: Path, pages: tuple[int, ...]) -> None:
    said = fill(path, 40)
    whole = bytearray(path.read_bytes())
    for page in pages:
        whole[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
    path.write_bytes(whole)
    store = Store(path)
    for entry in store.list(limit=1000):
        store.load(entry.id)
    store.list("question 3")
    keep(store, "Hi", key="new")
    store.close()
    there = texts(path)
    assert there[-1] == "Hi" and len(there) > len(said) / 2
    if moved := aside(path):
        assert moved[0].read_bytes() == bytes(whole)
    store = Store(path)
    with store._database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(aside(path)) <= 1, "and it is done once"


def test_d10_half_a_file_gives_back_what_is_in_that_half(path: Path) -> None:
    said = fill(path, 60)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    store = Store(path)
    for entry in store.list(limit=1000):
        store.load(entry.id)
    store.list("question")
    keep(store, "Hi", key="new")
    store.close()
    assert texts(path)[-1] == "Hi"
    assert set(texts(path)) & set(said)
    assert len(aside(path)) == 1


def test_d10_a_folder_in_its_place_is_an_error_that_names_it(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="history.db.* cannot be used"):
        Store(path)


def test_d11_an_empty_file_beside_a_log_of_changes_is_not_taken_for_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"7\x7f\x06\x82" + bytes(4000))
    store = Store(path)
    (moved,) = aside(path)
    assert moved.with_name(moved.name + "-wal").stat().st_size == 4004, "the log is kept"
    assert "damaged" in store.notice
    keep(store, "Hi")


def test_d12_a_damaged_byte_anywhere_costs_no_more_than_what_it_stands_in(path: Path, tmp_path: Path) -> None:
    said = fill(path)
    whole = path.read_bytes()
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for number in range(POSITIONS):
        position, value = chance.randrange(len(whole)), chance.randrange(256)
        damaged = bytearray(whole)
        damaged[position] = value
        copy = tmp_path / f"{number}" / "history.db"
        copy.parent.mkdir()
        copy.write_bytes(damaged)
        began = time.monotonic()
        store = Store(copy)
        for entry in store.list(limit=100):
            store.load(entry.id)
        store.list("question 7")
        try:
            store.reply()
        except StoreError as error:
            assert "Nothing is known" in str(error) or "No reply" in str(error)
        keep(store, "Hi", key="new")
        store.close()
        there = texts(copy)
        where = f"seed {seed}, byte {position} made {value}"
        assert "Hi" in there and len(set(said) & set(there)) >= len(said) - 8, where
        assert time.monotonic() - began < 30, where


@pytest.mark.parametrize("replaced", [False, True])
def test_d13_a_file_that_is_gone_is_noticed_before_anything_is_lost(path: Path, replaced: bool) -> None:
    store = Store(path)
    page = keep(store, "Hi", "Hello")
    path.rename(path.with_name("elsewhere.db"))
    if replaced:
        other = Store(path)
        keep(other, "somebody", "else's", key="other")
        other.close()
    store.keep(page, Sheet(talk("Hi", "Hello", "Still there?")))
    assert "was moved or replaced" in store.notice
    store.close()
    assert texts(path) == [*(["somebody", "else's"] if replaced else []), "Hi", "Hello", "Still there?"]
    assert texts(path.with_name("elsewhere.db")) == ["Hi", "Hello"]


def test_d13_a_conversation_lost_from_the_file_is_written_anew(path: Path) -> None:
    store, other = Store(path), Store(path)
    page = keep(store, "Hi", "Hello")
    other.remove(1)
    page = store.keep(page, Sheet(talk("Hi", "Hello", "Still there?")))
    assert len(page.turns) == 3
    store.close()
    assert texts(path) == ["Hi", "Hello", "Still there?"]


def test_d14_a_file_of_a_newer_twiddle_is_only_read(path: Path) -> None:
    fill(path, 2)
    newer = sqlite3.connect(path)
    newer.execute("ALTER TABLE conversation ADD COLUMN colour TEXT NOT NULL DEFAULT ''")
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 5}")
    newer.close()
    before = path.read_bytes()
    store = Store(path)
    assert "newer twiddle" in store.readonly
    assert len(store.list()) == 2 and store.load(1).conversation.turns
    with pytest.raises(StoreError, match="written by a newer twiddle"):
        keep(store, "Hi")
    store.close()
    assert path.read_bytes() == before


def test_d09_a_file_that_may_only_be_read_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(path, 2)
    monkeypatch.setattr("tui.store.database.os.access", lambda path, mode: False)  # root may write everywhere
    store = Store(path)
    assert len(store.list()) == 2
    with pytest.raises(StoreError, match="may only be read"):
        keep(store, "Hi")
    monkeypatch.undo()
    keep(store, "Hi")
    assert store.list("Hi"), "and written again when it may be"


def test_d09_a_home_that_takes_no_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StoreError, match="cannot be used: Not a directory"):
        Store(tmp_path / "home" / "data" / "history.db")


def test_d21_a_copy_made_while_it_is_written_is_whole(path: Path, tmp_path: Path) -> None:
    store = Store(path)
    page = Page("one")
    for number in range(5):
        page = store.keep(page, Sheet(talk(*(f"text {each}" for each in range(2 * number + 2)))))
        copy = tmp_path / f"copy-{number}.db"
        store.back_up(copy)
        assert texts(copy) == [f"text {each}" for each in range(2 * number + 2)]
    store.close()
