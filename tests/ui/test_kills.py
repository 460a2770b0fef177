"""Whenever a chat is killed: what it was told is safe is there, and nobody is left of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import json

from tests.depth import SEED
from tests.store.pages import texts
from tests.store.test_kills import KILLS, ROOT, integrity
from tests.ui.test_endings import gone, wait
from tests.ui.test_terminal import linux

BESIDE = 4
"""Chats at once, each with a history of its own: most of the time they wait for a scripted model."""


@linux
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_d01_d03_kill_9_at_any_point_of_a_chat_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    paths = [tmp_path / f"history-{each}.db" for each in range(BESIDE)]
    seeds = range(SEED, SEED + BESIDE)
    chats = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.ui.chatter", str(path), str(KILLS // BESIDE), str(seed)],
            cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ},
        )
        for path, seed in zip(paths, seeds, strict=True)
    ]  # fmt: skip
    any_begun = set[str]()
    for path, seed, chat in zip(paths, seeds, chats, strict=True):
        out, _ = chat.communicate()
        assert chat.returncode == 0
        told = [json.decode(line, type=tuple[str, str]) for line in out.splitlines()]
        said = {text for what, text in told if what == "said"}
        begun = {text for what, text in told if what == "begun"}
        there = set(texts(path))
        assert len(said) > KILLS / BESIDE / 2
        any_begun |= begun
        assert integrity(path) == "ok", f"seed {seed}"
        assert not said - there, f"seed {seed}"
        assert not [text for text in begun if not any(each.startswith(text) for each in there)], f"seed {seed}"
        wait(gone(*(int(text) for what, text in told if what == "engine")))
    assert any_begun, "a chat of five kills may have none after its first flush"
