"""Terminals that take nothing, change their size all the time, interrupt, or are none; and leaving at a bad moment."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.test_endings import COMMAND, CTRL_Q, gone, wait, writing
from tests.ui.test_terminal import (
    ESCAPE,
    PROGRAM,
    ROOT,
    SCRIPTED,
    Open,
    Terminal,
    assert_restored,
    environment,
    linux,
    modes,
    terminal,
)
from tui.paths import history_path

__all__ = ["terminal"]

pytestmark = [linux, pytest.mark.xdist_group("terminal")]

CTRL_C, F1 = "\x03", "\x1bOP"


def kept(what: str) -> list[str]:
    """Return every turn in the history."""
    with closing(sqlite3.connect(history_path())) as connection:
        return [str(value) for (value,) in connection.execute(f"SELECT {what} FROM turn ORDER BY id")]


def memory(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


# --- P12 --------------------------------------------------------------------------------------------------------------


def test_p12_while_the_terminal_takes_nothing_memory_is_bounded_and_a_reply_can_be_stopped(terminal: Open) -> None:
    fast = Script(replies=("word " * 24_000,), context=200_000).path
    screen = terminal(sys.executable, "-c", SCRIPTED, "num_predict=-1", fast, size=(200, 60))
    screen.until(lambda: "● ready" in screen.view)
    screen.send("Hi\r")
    screen.until(lambda: "word word" in screen.view)
    engine = screen.engine
    time.sleep(1)  # nothing is read from here on; that time goes by is what is tested
    before = memory(screen.pid), memory(engine)
    time.sleep(3)
    after = memory(screen.pid), memory(engine)
    assert after[0] - before[0] < 64 * 2**20 and after[1] - before[1] < 64 * 2**20
    screen.send(ESCAPE)
    wait(lambda: kept("ending")[-1:] == ["stopped"])
    screen.until(lambda: "● ready" in screen.view and "stopped" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


# --- P17 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_p17_what_is_no_terminal_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    ours, its = os.openpty()
    with (tmp_path / "elsewhere").open("w+b") as elsewhere:
        streams = {each: elsewhere if each == name else its for each in ("stdin", "stdout", "stderr")}
        process = subprocess.Popen(PROGRAM, **streams, cwd=ROOT, env=environment())  # type: ignore[call-overload]
        assert process.wait(30) == 2
        os.close(its)
        said = (tmp_path / "elsewhere").read_bytes() if name == "stderr" else os.read(ours, 65536)
    os.close(ours)
    assert said.split(b"\r")[0].strip() == (
        f"twiddle: The screen needs a terminal and {name} is not one; use `twiddle run`.".encode()
    )
    assert not modes(said), "nothing was drawn"


# --- P19 --------------------------------------------------------------------------------------------------------------


def test_p19_ctrl_c_stops_a_reply_and_never_the_engine(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    screen.send(CTRL_C + CTRL_C)
    screen.until(lambda: "stopped" in screen.view and "● ready" in screen.view)
    screen.send("typed")
    screen.until(lambda: "typed" in screen.view)
    screen.send(CTRL_C)
    screen.until(lambda: "typed" not in screen.view)
    screen.send(CTRL_C)
    screen.until(lambda: "Ctrl+Q closes twiddle" in screen.view)
    screen.send(F1)
    screen.until(lambda: "Everywhere" in screen.view)
    screen.send(CTRL_C + ESCAPE)
    screen.until(lambda: "Everywhere" not in screen.view)
    screen.send("still here")
    screen.until(lambda: "still here" in screen.view)
    assert screen.engine == engine
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


def test_p19_before_the_screen_is_there_it_ends_the_program(terminal: Open) -> None:
    screen = terminal(*PROGRAM)
    wait(lambda: Path(f"/proc/{screen.pid}/task/{screen.pid}/children").read_text())
    engine = screen.engine
    os.kill(screen.pid, signal.SIGINT)
    assert screen.ends() == 130
    assert b"Traceback" not in screen.output
    assert screen.after == screen.before
    wait(gone(engine))


# --- P20 --------------------------------------------------------------------------------------------------------------


def test_p20_a_hundred_changes_of_size_in_a_second_leave_the_last_one(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    for number in range(100):
        screen.resize(60 + number * 7 % 120, 20 + number * 3 % 40)
        if number % 10 == 9:
            screen.draws()
    screen.resize(100, 30)
    screen.send("typed since")
    screen.until(lambda: "typed since" in screen.view and "on and on" in screen.view)
    screen.until(lambda: "f2 Presets" in screen.view.splitlines()[-1] and "writing" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


# --- P21 --------------------------------------------------------------------------------------------------------------


def leave(screen: Terminal, engine: int) -> None:
    """It can be left at once, and in good order."""
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


def test_p21_it_can_be_left_while_a_model_loads(terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script(load_delay=600).path)
    screen.until(lambda: "◌ loading" in screen.view)
    leave(screen, screen.engine)


def test_p21_it_can_be_left_while_a_reply_is_written_and_that_is_kept(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    leave(screen, writing(screen))
    (question, reply) = kept("text")
    assert question == "Hi" and reply.startswith("on and on")


def test_p21_it_can_be_left_while_the_history_is_locked_and_says_what_is_lost(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    with closing(sqlite3.connect(history_path())) as other:
        other.execute("BEGIN EXCLUSIVE")
        leave(screen, engine)
    assert b"What was said last is not saved." in screen.output.rpartition(b"\x1b[?1049l")[2]
