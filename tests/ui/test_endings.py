"""However the program ends, or is stopped for a while: the terminal is as a shell wants it, and nobody stays behind."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.test_terminal import ROOT, SCRIPTED, Open, Terminal, assert_restored, environment, linux, modes, terminal
from tui.paths import log_dir

__all__ = ["terminal"]

pytestmark = [linux, pytest.mark.xdist_group("terminal")]

ENDLESS = Script(replies=("on and on " * 300,), delay=0.01).path
COMMAND = (sys.executable, "-c", SCRIPTED, "default", ENDLESS)
CTRL_Z, CTRL_Q = "\x1a", "\x11"

BREAKS = f"""
from tui.ui.screens.chat import ChatScreen
def break_down(screen):
    raise ValueError("about " + screen.side.conversation.turns[0].message.content)
ChatScreen.action_toggle_knobs = break_down
{SCRIPTED}
"""


def writing(screen: Terminal, question: str = "Hi") -> int:
    """Have a reply written; the engine that writes it."""
    screen.until(lambda: "● ready" in screen.view)
    screen.send(f"{question}\r")
    screen.until(lambda: "on and on" in screen.view)
    return screen.engine


def gone(*processes: int) -> Callable[[], bool]:
    return lambda: not any(Path(f"/proc/{each}").exists() for each in processes)


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_p13_a_signal_ends_it_in_good_order(terminal: Open, number: signal.Signals) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    os.kill(screen.pid, number)
    assert screen.ends() == 128 + number
    assert_restored(screen, engine)


def test_p15_an_error_nobody_foresaw_restores_the_terminal_and_quotes_nothing(terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", BREAKS, "default", ENDLESS)
    engine = writing(screen, "confidential")
    screen.send("\x1bOS")
    assert screen.ends() == 1
    assert_restored(screen, engine)
    after = screen.output.rpartition(b"\x1b[?1049l")[2]
    assert b"it broke (ValueError)" in after and b"confidential" not in after
    log = log_dir() / "crash.log"
    assert "break_down" in log.read_text() and "confidential" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_p01_p09_an_engine_dies_and_another_starts_while_the_screen_is_drawn(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    lost = writing(screen)
    os.kill(lost, signal.SIGKILL)
    screen.until(lambda: "engine lost" in screen.view)
    screen.send("still here")
    screen.until(lambda: "still here" in screen.view)
    screen.send("\r")
    screen.until(lambda: "▶ writing" in screen.view)
    engine = screen.engine
    assert engine != lost
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


def test_p07_when_it_is_killed_every_process_of_its_engine_goes_within_two_seconds(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    theirs = [int(each) for each in Path(f"/proc/{engine}/task/{engine}/children").read_text().split()]
    assert theirs, "the scribe"
    os.kill(screen.pid, signal.SIGKILL)
    wait(gone(engine, *theirs), seconds=2)


def test_p16_a_terminal_that_is_gone_ends_it_even_when_no_signal_says_so() -> None:
    ours, its = pty.openpty()
    # A session without a controlling terminal gets no SIGHUP.
    process = subprocess.Popen(
        COMMAND, stdin=its, stdout=its, stderr=its, start_new_session=True, cwd=ROOT, env=environment()
    )
    os.close(its)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(ours, 65536)
    engine = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    os.close(ours)
    assert process.wait(30) == 129
    wait(gone(engine))


def at_the_shell(screen: Terminal, word: str) -> None:
    """Have the shell say something; it can."""
    screen.send(f"echo {word} $((20 + 22))\r")
    screen.until(lambda: f"{word} 42" in screen.view)


def assert_left_alone(screen: Terminal) -> None:
    left = modes(screen.output)
    assert {mode: left[mode] for mode in (1049, 25, 1000, 1004)} == {1049: "l", 25: "h", 1000: "l", 1004: "l"}


@pytest.mark.parametrize("how", ["key", "signal"])
def test_p18_it_can_be_suspended_and_comes_back_whole(terminal: Open, tmp_path: Path, how: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import sys\nsys.argv[1:] = ['default', {ENDLESS!r}]\n{SCRIPTED}")
    screen = terminal("/bin/bash", "--norc", "--noprofile", "-i")
    at_the_shell(screen, "begun")
    screen.send(f"{sys.executable} {program}\r")
    screen.until(lambda: "● ready" in screen.view)
    screen.send("Hi\r")
    screen.until(lambda: "on and on" in screen.view)
    if how == "key":
        screen.send(CTRL_Z)
    else:
        os.kill(screen.engine, signal.SIGTSTP)  # the shell's child is the program
    screen.until(lambda: "Stopped" in screen.view)
    at_the_shell(screen, "between")
    assert_left_alone(screen)
    screen.send("fg\r")
    # What stood there before it was suspended may still be in view: that it is back is what its modes say.
    screen.until(lambda: modes(screen.output)[1049] == "h" and "on and on" in screen.view)
    screen.send("typed since")
    screen.until(lambda: "typed since" in screen.view)
    screen.send(CTRL_Q)
    screen.until(lambda: modes(screen.output)[1049] == "l")
    at_the_shell(screen, "after")
    assert_left_alone(screen)


def test_p18_stopped_and_woken_from_outside_it_still_leaves_the_terminal_as_it_was(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    engine = writing(screen)
    os.kill(screen.pid, signal.SIGSTOP)
    os.kill(screen.pid, signal.SIGCONT)
    screen.send("typed since")
    screen.until(lambda: "typed since" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


def test_p18_without_a_shell_to_wake_it_up_it_is_not_suspended(terminal: Open) -> None:
    screen = terminal(*COMMAND)
    writing(screen)
    screen.send(f"oops{CTRL_Z}")
    screen.until(lambda: "Ask something" in screen.view)  # it was undone
    screen.send(CTRL_Z)
    screen.until(lambda: "not started by a shell" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
