"""Widgets hold still in tests and are painted no more than needed; the whole screen opens on a script."""

import gc
import os
from pathlib import Path

# Both are read once, when textual is imported.
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_FPS"] = "15"

import pytest

from tests.ui.driver import OpenChat, opener

# As in the program itself: what Textual makes is much, and stays. A fifth of the time goes otherwise.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def open_chat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OpenChat:
    """Opens the chat on a script: `async with open_chat(Script(), "precise", size=(80, 24)) as chat`."""
    return opener(monkeypatch, tmp_path / "engine.log")
