"""The side that programs see: nothing waits for the disk for long, and nothing is forgotten."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.pages import draft, talk, texts
from tui.errors import StoreError
from tui.store import async_store
from tui.store.async_store import AsyncStore, new_key
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_store, "RETRY", 0.02)
    monkeypatch.setattr("tui.store.database.PATIENCE", 0.05)
    monkeypatch.setattr(Store.__init__, "__kwdefaults__", {"patience": 0.05, "limit": 2**20})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_was_noted_and_settled_is_in_the_file(path: Path) -> None:
    diary = AsyncStore(path)
    diary.save("one", Snapshot(talk("Hi")))
    assert await diary.wait_saved()
    assert texts(path) == ["Hi"]
    assert await diary.close() == ""


async def test_of_what_comes_quickly_the_newest_is_kept(path: Path) -> None:
    diary = AsyncStore(path)
    said = talk("Hi")
    for length in range(200):
        diary.save("one", Snapshot(said, draft=draft(said, "x" * length)))
    assert await diary.wait_saved()
    assert texts(path) == ["Hi", "x" * 199]
    diary.save("one", Snapshot(talk("Hi", "Hello")))
    assert await diary.close() == "" and texts(path) == ["Hi", "Hello"]


async def test_what_the_store_knows_can_be_asked_for(path: Path) -> None:
    diary = AsyncStore(path)
    diary.save(new_key(), Snapshot(talk("Hi", "Hello")))
    await diary.wait_saved()
    (entry,) = await diary.ask(Store.list, "hello")
    kept = await diary.ask(Store.load, entry.id)
    diary.open(kept.position)
    diary.save(kept.position.key, Snapshot(talk("More?", onto=kept.conversation)))
    await diary.close()
    assert texts(path) == ["Hi", "Hello", "More?"]
    with pytest.raises(StoreError, match="no conversation 9"):
        diary = AsyncStore(path)
        await diary.ask(Store.load, 9)
    await diary.close()


async def test_d06_while_another_program_holds_the_file_the_chat_goes_on_and_is_saved_afterwards(path: Path) -> None:
    told: list[str] = []
    diary = AsyncStore(path, told.append)
    diary.save("one", Snapshot(talk("Hi")))
    await diary.wait_saved()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    diary.save("one", Snapshot(talk("Hi", "Hello")))
    assert not await diary.wait_saved(0.5)
    await until(lambda: told)
    assert "another program holds it locked" in told[0] and diary.trouble == told[0]
    diary.save("one", Snapshot(talk("Hi", "Hello", "Still there?")))
    other.execute("COMMIT")
    other.close()
    await until(lambda: not diary.trouble)
    assert told[-1] == "" and texts(path) == ["Hi", "Hello", "Still there?"]
    assert await diary.close() == ""


async def test_d09_with_no_place_to_save_nothing_is_saved_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    told: list[str] = []
    diary = AsyncStore(tmp_path / "home" / "data" / "history.db", told.append)
    diary.save("one", Snapshot(talk("Hi")))
    assert not await diary.wait_saved()
    assert len(told) == 1 and "Not a directory" in told[0]
    (tmp_path / "home").unlink()
    await until(lambda: not diary.trouble)
    assert texts(tmp_path / "home" / "data" / "history.db") == ["Hi"], "and as soon as there is one, it is"
    await diary.close()


async def test_what_cannot_be_saved_at_the_end_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    diary = AsyncStore(tmp_path / "home" / "data" / "history.db")
    diary.save("one", Snapshot(talk("Hi")))
    assert "Not a directory" in await diary.close(0.2)


async def test_trouble_with_one_conversation_keeps_no_other_from_being_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Store.save

    def choosy(store: Store, page: SavedPosition, sheet: Snapshot) -> SavedPosition:
        if page.key == "bad":
            raise StoreError("It is too long.")
        return keep(store, page, sheet)

    monkeypatch.setattr(Store, "save", choosy)
    diary = AsyncStore(path)
    diary.save("bad", Snapshot(talk("too long")))
    diary.save("good", Snapshot(talk("Hi")))
    await until(lambda: texts(path) == ["Hi"])
    assert diary.trouble == "It is too long."
    assert await diary.close(0.1) == "It is too long."


async def test_whatever_goes_wrong_it_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, failures = Store.save, [ValueError("a fault of ours")]

    def faulty(store: Store, page: SavedPosition, sheet: Snapshot) -> SavedPosition:
        if failures:
            raise failures.pop()
        return keep(store, page, sheet)

    monkeypatch.setattr(Store, "save", faulty)
    told: list[str] = []
    diary = AsyncStore(path, told.append)
    diary.save("one", Snapshot(talk("Hi")))
    await until(lambda: texts(path) == ["Hi"] and not diary.trouble)
    assert told == ["The history failed: ValueError('a fault of ours').", ""]
    await diary.close()


async def test_at_the_end_everything_is_tried_once_more_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_store, "RETRY", 1000)
    keep, broken = Store.save, {"bad", "good"}

    def choosy(store: Store, page: SavedPosition, sheet: Snapshot) -> SavedPosition:
        if page.key in broken:
            raise StoreError("The disk is full.")
        return keep(store, page, sheet)

    monkeypatch.setattr(Store, "save", choosy)
    diary = AsyncStore(path)
    diary.save("bad", Snapshot(talk("Hi")))
    diary.save("good", Snapshot(talk("Hello")))
    assert not await diary.wait_saved(10)
    broken.remove("good")
    assert await diary.close(10) == "The disk is full."
    assert texts(path) == ["Hello"]


STUCK = """
import asyncio, sys, threading
from pathlib import Path
from tests.store.pages import talk
from tui.store.async_store import AsyncStore
from tui.store.records import Snapshot
from tui.store.store import Store
Store.save = lambda *_: threading.Event().wait()
async def main():
    diary = AsyncStore(Path(sys.argv[1]))
    diary.save("one", Snapshot(talk("Hi")))
    print(await diary.close(0.1))
asyncio.run(main())
"""


def test_a_disk_that_does_not_answer_does_not_keep_the_program_from_ending(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STUCK, str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "The history does not answer.\n", "")


async def test_d10_that_a_file_was_mended_is_told_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all\n" * 100)
    diary = AsyncStore(path)
    diary.save("one", Snapshot(talk("Hi")))
    await diary.wait_saved()
    assert [notice[:24] for notice in diary.notices] == ["The history was damaged."]
    await diary.close()
