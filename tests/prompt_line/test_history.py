"""File of the prompts that were sent."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.prompt_line.history import LONGEST, MOST, add_sent, read_sent


@given(st.lists(st.text(min_size=1, max_size=50), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_sent_is_read_as_it_was(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "state" / "prompts.jsonl"
    path.unlink(missing_ok=True)
    for text in texts:
        add_sent(path, text)
    assert read_sent(path) == texts


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "prompts.jsonl"
    add_sent(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    for number in range(2 * MOST + 1):
        add_sent(path, str(number))
    assert read_sent(path) == [str(number) for number in range(MOST + 1, 2 * MOST + 1)]
    assert len(path.read_text().splitlines()) == MOST
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    add_sent(path, "x" * (LONGEST + 1))
    assert len(path.read_text().splitlines()) == MOST


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b'"cut of', b"[1, 2]\n{}\n3\nnull\n", b"[" * 100_000, b"\n\n"]
)
def test_a_broken_file_costs_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(content)
    assert read_sent(path) == []


def test_broken_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b'"one"\n"cut o\n"two"\n')
    assert read_sent(path) == ["one", "two"]


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder", "nowhere"):
        assert read_sent(tmp_path / name) == []
    add_sent(tmp_path / "pipe", "x")
    add_sent(tmp_path / "folder", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    add_sent(tmp_path / "prompts.jsonl", "x")
    assert read_sent(tmp_path / "prompts.jsonl") == []
