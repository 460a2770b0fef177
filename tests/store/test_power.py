"""D02, the loss of power: what was acknowledged is there, whatever of the unsynced writes reached the disk."""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.depth import SEED, depth
from tests.store.pages import texts
from tests.store.test_kills import integrity

ROOT = Path(__file__).parents[2]
LOSSES = depth(30, 150)
"""Losses of power to try."""
SECTOR = 512

WRITES = """
import ctypes, sys
from pathlib import Path
from tests.store.pages import talk
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store
mark = ctypes.CDLL(None).mark
store, page = Store(Path(sys.argv[1])), SavedPosition("one")
said = [f"text {number} " + "x" * 3000 for number in range(8)]
for count in range(1, len(said) + 1):
    page = store.save(page, Snapshot(talk(*said[:count])))
    mark(count)
store.close()
"""


class Note(NamedTuple):
    """What happened to a file."""

    kind: str
    path: Path
    number: int
    """An offset, a length, or how much was acknowledged."""
    data: bytes


def read(path: Path) -> Iterator[Note]:
    notes, place = path.read_bytes(), 0
    while place < len(notes):
        kind, length, size, number = struct.unpack_from("<cIIq", notes, place)
        place += 17
        name, data = notes[place : place + length], notes[place + length : place + length + size]
        yield Note(kind.decode(), Path(name.decode()), number, data)
        place += length + size


class Disk:
    """Files as a disk has them: what was synced is there for good, the rest may be there or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: dict[Path, int] = {}
        """Which file a name means for the program."""
        self.names: dict[Path, int] = {}
        """Which one it means on the disk."""
        self.named: list[tuple[Path, int | None]] = []
        """What has changed of that and is not synced."""
        self.files: list[bytearray] = []
        self.written: list[list[Note]] = []
        """Of each file what is not synced."""

    def take(self, note: Note) -> None:
        match note.kind:
            case "C":
                self.open[note.path] = len(self.files)
                self.named.append((note.path, len(self.files)))
                self.files.append(bytearray())
                self.written.append([])
            case "U":
                del self.open[note.path]
                self.named.append((note.path, None))
            case "S" if note.path == self.folder:
                self.name(self.named)
                self.named = []
            case "S":
                number = self.open[note.path]
                for each in self.written[number]:
                    put(self.files[number], each)
                self.written[number] = []
            case "W" | "T":
                self.written[self.open[note.path]].append(note)

    def name(self, changes: Sequence[tuple[Path, int | None]]) -> None:
        for path, number in changes:
            if number is None:
                self.names.pop(path, None)
            else:
                self.names[path] = number

    def lose_power(self, chance: random.Random, share: float, into: Path) -> None:
        """Write down what is left, where of the unsynced so much is on the disk, some of it in part."""
        self.name([each for each in self.named if chance.random() < share])
        for path, number in self.names.items():
            content = bytearray(self.files[number])
            for note in self.written[number]:
                if chance.random() < share:
                    torn = chance.random() < 0.2 and len(note.data) > SECTOR
                    put(content, note, len(note.data) // SECTOR // 2 * SECTOR if torn else None)
            (into / path.name).write_bytes(content)


def put(content: bytearray, note: Note, length: int | None = None) -> None:
    if note.kind == "T":
        del content[note.number :]
        content.extend(bytes(note.number - len(content)))
        return
    data = note.data[:length]
    content.extend(bytes(max(0, note.number - len(content))))
    content[note.number : note.number + len(data)] = data


@pytest.mark.skipif(not shutil.which("cc"), reason="needs the C compiler that llama.cpp is built with")
@pytest.mark.skipif(sys.platform != "linux", reason="puts itself between the program and its C library by LD_PRELOAD")
def test_d02_what_was_acknowledged_is_there_when_the_power_goes(tmp_path: Path) -> None:
    library, folder, notes = tmp_path / "disk.so", tmp_path / "live", tmp_path / "notes"
    folder.mkdir()
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests/store/disk.c", "-ldl"], check=True)
    subprocess.run(
        [sys.executable, "-c", WRITES, folder / "history.db"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(library), "DISK_NOTES": str(notes), "DISK_FOLDER": str(folder)},
        check=True,
    )
    happened = list(read(notes))
    said = [f"text {number} " + "x" * 3000 for number in range(8)]
    assert sum(note.kind == "M" for note in happened) == len(said) and sum(note.kind == "S" for note in happened) > 20
    chance = random.Random(SEED)
    ends = [place + 1 for place, note in enumerate(happened) if note.kind == "M"]
    for loss in range(LOSSES):
        # First right after each acknowledgement, then anywhere.
        at = ends[loss // 2] if loss < 2 * len(ends) else chance.randrange(len(happened))
        share = loss % 2 if loss < 2 * len(ends) else chance.choice([0, 0.3, 0.5, 0.8, 1])
        disk, left = Disk(folder), tmp_path / f"left-{loss}"
        for note in happened[:at]:
            disk.take(note)
        left.mkdir()
        disk.lose_power(chance, share, left)
        acknowledged = max((note.number for note in happened[:at] if note.kind == "M"), default=0)
        there = texts(left / "history.db")
        why = f"seed {SEED}, loss {loss} at {at} with {share} of what was not synced"
        assert there[:acknowledged] == said[:acknowledged] and set(there) <= set(said), why
        assert not list(left.glob("*.damaged-*")), why
        assert integrity(left / "history.db") == "ok", why
