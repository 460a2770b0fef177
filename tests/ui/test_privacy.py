"""No command but a pull opens a connection, and no log holds what was said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.store.pages import keep
from tests.ui.test_endings import ENDLESS, writing
from tests.ui.test_terminal import CTRL_Q, ROOT, SCRIPTED, Open, environment, linux, terminal
from tui.paths import history_path, log_dir, sent_file
from tui.store.store import Store

__all__ = ["terminal"]

HOOK = """
import os
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        with open(os.environ["TWIDDLE_SEEN"], "a") as seen:
            seen.write(f"{event} {arguments}\\n")
        os._exit(99)

sys.addaudithook(watch)
"""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Log of network use by every Python process from here on: the program, engine and scribe."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("TWIDDLE_SEEN", str(tmp_path / "seen"))
    return tmp_path / "seen"


def twiddle(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
    )


def test_the_hook_sees_a_pull(seen: Path) -> None:
    assert twiddle("models", "pull", "hf.co/owner/name").returncode == 99
    assert "socket." in seen.read_text()


COMMANDS = [
    ("presets", "list"),
    ("presets", "show", "precise"),
    ("presets", "check", "precise"),
    ("models", "list"),
    ("history", "list"),
    ("history", "search", "anything"),
    ("doctor",),
]
WITH_A_MODEL = [
    ("run", "num_predict=2", "Hi"),
    ("compare", "precise,num_predict=2", "creative,num_predict=2", "-p", "Hi"),
    ("models", "info", "starter"),
    ("presets", "render", "precise"),
    ("bench", "--quick", "--only", "engine"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_uses_the_network(seen: Path, words: tuple[str, ...]) -> None:
    finished = twiddle(*words)
    assert finished.returncode == 0, finished.stderr
    assert not seen.exists(), seen.read_text()


@pytest.mark.model
@pytest.mark.parametrize("words", WITH_A_MODEL, ids=" ".join)
def test_no_command_with_a_model_uses_the_network(seen: Path, words: tuple[str, ...]) -> None:
    test_no_command_uses_the_network(seen, words)


def test_nothing_that_is_done_with_what_is_kept_uses_the_network(seen: Path, tmp_path: Path) -> None:
    store = Store(history_path())
    keep(store, "Why?", "So.", key="one")
    keep(store, "And?", "Also.", key="two")
    store.close()
    for words in (
        ("history", "show", "1"),
        *(("history", "export", "1", "-o", str(tmp_path / f"one.{form}")) for form in ("md", "json", "html", "svg")),
        ("history", "rename", "2", "Other"),
        ("history", "rm", "1", "--yes"),
        ("history", "import", str(tmp_path / "one.json")),
        ("history", "backup", str(tmp_path / "copy.db")),
    ):
        test_no_command_uses_the_network(seen, words)


def test_nothing_that_is_done_with_presets_uses_the_network(
    seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    for words in (
        ("presets", "new", "mine", "--from", "precise"),
        ("presets", "edit", "mine"),
        ("presets", "save", "other", "precise,top_k=3"),
        ("presets", "diff", "mine", "other"),
        ("presets", "export", "--ollama", "mine"),
    ):
        test_no_command_uses_the_network(seen, words)


@pytest.mark.model
def test_a_replay_uses_no_network(seen: Path) -> None:
    store = Store(history_path())
    keep(store, "Why?", "So.")
    store.close()
    assert "differs at token" in twiddle("replay").stdout, "it was written by nobody"
    assert not seen.exists(), seen.read_text()


@linux
def test_the_screen_uses_no_network(seen: Path, terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", ENDLESS)
    writing(screen)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert not seen.exists(), seen.read_text()


@linux
def test_d22_what_is_said_is_in_the_history_and_in_no_log(terminal: Open) -> None:
    """Also when the engine aborts in the middle. For an error of the screen, see test_endings."""
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script(replies=("privatereply",), die_at=7).path)
    screen.until(lambda: "● ready" in screen.view)
    screen.send("privatequestion\r")
    screen.until(lambda: "engine lost" in screen.view)
    logs = [path for path in log_dir().rglob("*") if path.is_file()]
    assert logs, "the last words of the engine"
    for path in logs:
        assert b"private" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o777 == 0o600
    # The prompts that the up key brings back, and the theme that was picked, stand beside each other.
    for folder in (log_dir(), sent_file().parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert sent_file().stat().st_mode & 0o777 == 0o600
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    # The prompts alone are kept beside it, for the up key: see `/set nohistory`.
    elsewhere = [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    assert {path for path in elsewhere if b"privatequestion" in path.read_bytes()} <= {history_path(), sent_file()}
