"""The real program in a real process: signals, pipes and terminals."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pexpect
import pytest

from tui.paths import log_dir

LONG = ("run", "temperature=0,num_predict=4000", "--json", "Tell me a long story about a lighthouse.")


def start(*words: str) -> "subprocess.Popen[str]":
    """The program, with nothing on its stdin."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline()


def test_without_a_terminal_there_is_no_screen() -> None:
    with start() as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err == "twiddle: The screen needs a terminal and stdin is not one; use `twiddle run`.\n"


@pytest.mark.parametrize(
    "words",
    [("run", b"caf\xe9"), ("chat", b"/tmp/caf\xe9.gguf"), ("compare", "default", b"\xff\xfe"), (b"\xe9",),
     ("presets", "show", b"p\xe9"), ("models", "info", b"\x80"), ("history", "search", b"\xc3")],
)  # fmt: skip
def test_an_argument_that_is_no_utf8_is_said(words: tuple[str | bytes, ...]) -> None:
    command = [sys.executable, "-m", "tui", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    bad = next(word for word in words if isinstance(word, bytes))
    assert done.stderr.startswith(f"twiddle: Argument {words.index(bad) + 1}, ")
    assert "is not UTF-8 (byte 0x" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.model
def test_folders_that_cannot_be_written_cost_no_reply(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    for kind in ("STATE", "DATA", "CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "file"))
    with start("run", "num_predict=2", "Hi") as process:
        out, err = process.communicate()
    assert process.returncode == 0 and out
    assert err.startswith("twiddle: ") and "config.toml: it cannot be read" in err and err.count("\n") == 1


@pytest.mark.model
def test_the_folder_it_is_started_in_does_not_matter(tmp_path: Path) -> None:
    for module in ("queue", "resource", "tui"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(7)\n")
    program = [str(Path(sys.executable).with_name("twiddle")), "run", "num_predict=2", "Hi"]
    finished = subprocess.run(program, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.model
def test_ctrl_c_stops_the_reply_and_keeps_it() -> None:
    with start(*LONG) as process:
        assert '"event":"token"' in first_line(process.stdout)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert '"finish":"stopped"' in out.splitlines()[-1]
    assert (process.returncode, err) == (130, "")


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_engine_first(number: signal.Signals) -> None:
    with start(*LONG) as process:
        first_line(process.stdout)
        assert list(log_dir().iterdir())
        process.send_signal(number)
        _, err = process.communicate()
    assert (process.returncode, err) == (128 + number, "")
    # The engine's log goes when the engine has.
    assert not list(log_dir().iterdir())


@pytest.mark.model
def test_a_reader_that_has_enough_is_no_error() -> None:
    with start(*LONG) as process:
        first_line(process.stdout)
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert not list(log_dir().iterdir())


@pytest.mark.model
def test_on_a_terminal_the_seed_and_the_cost_are_shown() -> None:
    words = ["-m", "tui", "run", "temperature=0,num_predict=3,seed=42", "What is the capital of Poland?"]
    child = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=60, dimensions=(24, 100))
    child.expect("The capital of")
    child.expect("cut after 3 tokens")
    child.expect(r"seed 42 · 3 tokens · \d+ tok/s · first token \d+ ms")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
