"""A file that is not as it was left: what can be read is recovered, nothing is deleted, and it is said."""

import random
import sqlite3
import struct
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from tests.depth import SEED, depth
from tests.store.pages import keep, talk, texts
from tui.errors import StoreError
from tui.paths import data_dir, history_path
from tui.store import recovery
from tui.store.page_salvage import salvaged_rows
from tui.store.records import SavedPosition, Snapshot
from tui.store.rows import TurnWriter
from tui.store.schema import migrations
from tui.store.store import Store

POSITIONS = depth(20, 120)
"""Bytes to damage, one at a time."""


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
    with store._sound().reading() as connection:
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


def spoil(path: Path) -> None:
    """Damage an open file where it stands: everything but its head."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def test_d10_a_mend_that_fails_is_tried_again(path: Path) -> None:
    fill(path)
    store = Store(path)
    path.with_suffix(".lock").mkdir()
    spoil(path)
    for _ in range(2):
        with pytest.raises(StoreError, match="is damaged and cannot be mended: "):
            store.list()
        with pytest.raises(StoreError, match="is damaged and cannot be mended: "):
            keep(store, "Hi")
    path.with_suffix(".lock").rmdir()
    keep(store, "Hi")
    store.close()
    assert texts(path)[-1] == "Hi" and len(aside(path)) == 1


def test_d10_a_program_that_mends_without_end_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_PATIENCE", 0.05)
    fill(path)
    spoil(path)
    with FileLock(path.with_suffix(".lock")), pytest.raises(StoreError, match="another program has been mending it"):
        Store(path)
    Store(path).close()


def test_d10_a_large_table_is_recovered_a_row_at_a_time(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as damaged:
        damaged.execute("CREATE TABLE turn (id INTEGER PRIMARY KEY, text TEXT)")
        damaged.executemany("INSERT INTO turn VALUES (?, ?)", ((n, "x" * 100_000) for n in range(1, 101)))
        tracemalloc.start()
        count = sum(1 for _ in recovery._rows(damaged, "turn", ("id", "text")))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 100 and peak < 1_000_000


def test_d10_a_row_that_claims_to_be_longer_than_the_file_is_not_followed(tmp_path: Path) -> None:
    page = bytearray(4096)
    page[16:18], page[100] = struct.pack(">H", 4096), 0x0D
    page[103:105], page[108:110] = struct.pack(">H", 1), struct.pack(">H", 200)
    page[200:206] = b"\x82\x80\x80\x80\x00\x01"  # 2**29 bytes, row 1
    page[:4] = struct.pack(">I", 1)  # and its pages go round in a circle
    local = (4096 - 12) * 32 // 255 - 23 + (2**29 - ((4096 - 12) * 32 // 255 - 23)) % 4092
    place = 206 + (local if local <= 4096 - 35 else (4096 - 12) * 32 // 255 - 23)
    page[place : place + 4] = struct.pack(">I", 1)
    (tmp_path / "history.db").write_bytes(page)
    tracemalloc.start()
    assert list(salvaged_rows(tmp_path / "history.db")) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


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
    chance = random.Random(SEED)
    for number in range(POSITIONS):
        position, value = chance.randrange(len(whole)), chance.randrange(256)
        damaged = bytearray(whole)
        damaged[position] = value
        copy = tmp_path / f"{number}" / "history.db"
        copy.parent.mkdir()
        copy.write_bytes(damaged)
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
        where = f"seed {SEED}, byte {position} made {value}"
        assert "Hi" in there and len(set(said) & set(there)) >= len(said) - 8, where


@pytest.mark.parametrize("replaced", [False, True])
def test_d13_a_file_that_is_gone_is_noticed_before_anything_is_lost(path: Path, replaced: bool) -> None:
    store = Store(path)
    page = keep(store, "Hi", "Hello")
    path.rename(path.with_name("elsewhere.db"))
    if replaced:
        other = Store(path)
        keep(other, "somebody", "else's", key="other")
        other.close()
    store.save(page, Snapshot(talk("Hi", "Hello", "Still there?")))
    assert "was moved or replaced" in store.notice
    store.close()
    assert texts(path) == [*(["somebody", "else's"] if replaced else []), "Hi", "Hello", "Still there?"]
    assert texts(path.with_name("elsewhere.db")) == ["Hi", "Hello"]


def test_d13_what_is_written_while_the_file_is_moved_is_written_to_the_one_there_now(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(path)
    page = keep(store, "Hi", "Hello")
    write = TurnWriter.write

    def slowly(leaf: TurnWriter, sheet: Snapshot) -> SavedPosition:
        if not path.with_name("elsewhere.db").exists():
            path.rename(path.with_name("elsewhere.db"))
        return write(leaf, sheet)

    monkeypatch.setattr(TurnWriter, "write", slowly)
    store.save(page, Snapshot(talk("Hi", "Hello", "Still there?")))
    store.close()
    assert texts(path) == ["Hi", "Hello", "Still there?"]


def test_d13_a_conversation_lost_from_the_file_is_written_anew(path: Path) -> None:
    store, other = Store(path), Store(path)
    page = keep(store, "Hi", "Hello")
    other.remove(1)
    page = store.save(page, Snapshot(talk("Hi", "Hello", "Still there?")))
    assert len(page.turns) == 3
    store.close()
    assert texts(path) == ["Hi", "Hello", "Still there?"]


def test_d14_a_file_of_a_newer_twiddle_is_only_read(path: Path) -> None:
    fill(path, 2)
    newer = sqlite3.connect(path)
    newer.execute("ALTER TABLE conversation ADD COLUMN colour TEXT NOT NULL DEFAULT ''")
    newer.execute(f"PRAGMA user_version = {len(migrations()) + 5}")
    newer.close()
    before = path.read_bytes()
    store = Store(path)
    assert "newer twiddle" in store.readonly
    assert len(store.list()) == 2 and store.load(1).conversation.turns
    with pytest.raises(StoreError, match="written by a newer twiddle"):
        keep(store, "Hi")
    store.close()
    assert path.read_bytes() == before


def test_d14_a_damaged_file_of_a_newer_twiddle_is_left_as_it_is(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(migrations()) + 5}")
    store = Store(path)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is damaged: .* by a newer twiddle; open it with that one"):
        store.list()
    store.close()
    assert path.read_bytes() == before and not aside(path)


def test_the_folder_of_the_history_is_for_its_owner_alone_unless_a_person_chose_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("TWIDDLE_HISTORY", raising=False)
    for folder in (data_dir(), path.parent):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    Store(history_path()).close()
    Store(path).close()
    assert [folder.stat().st_mode & 0o777 for folder in (data_dir(), path.parent)] == [0o700, 0o755]


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
    page = SavedPosition("one")
    for number in range(5):
        page = store.save(page, Snapshot(talk(*(f"text {each}" for each in range(2 * number + 2)))))
        copy = tmp_path / f"copy-{number}.db"
        store.back_up(copy)
        assert texts(copy) == [f"text {each}" for each in range(2 * number + 2)]
    store.close()
