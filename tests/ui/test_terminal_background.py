"""A terminal is asked whether it is dark: one that answers, stays silent, talks nonsense or is late."""

import os
import pty
import termios
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from textual import events

from tui.ui.terminal.input_parser import InputParser
from tui.ui.terminal.terminal_background import QUESTION, TerminalBackground

WHITE, NIGHT = b"\x1b]11;rgb:ffff/ffff/f0f0\x1b\\", b"\x1b]11;rgb:1e/1e/2e\x07"


class Terminal(NamedTuple):
    """A pseudo-terminal: our end of it, and the path of the program's."""

    end: int
    path: str

    def answers(self, *pieces: bytes) -> None:
        """Once it is asked it says this."""

        def answer() -> None:
            heard = b""
            while QUESTION not in heard:
                heard += os.read(self.end, 64)
            for piece in pieces:
                os.write(self.end, piece)

        threading.Thread(target=answer, daemon=True).start()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.delenv("COLORFGBG", raising=False)
    monkeypatch.setattr("tui.ui.terminal.terminal_background.PATIENCE", 5)
    ours, theirs = pty.openpty()
    yield Terminal(ours, os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("answer", "dark"),
    [
        ((WHITE,), False),
        ((NIGHT,), True),
        ((b"\x1b]11;rgb:ff", b"ff/ffff/f0f0\x1b", b"\\"), False),
        ((b"x\x1b[A", NIGHT), True),
        ((b"\x1b]11;rgba:0000/0000/0000/ffff\x07",), True),
    ],
)
def test_it_is_as_the_terminal_says(terminal: Terminal, answer: tuple[bytes, ...], dark: bool) -> None:
    terminal.answers(*answer)
    with TerminalBackground(terminal.path) as background:
        assert background.dark() is dark


@pytest.mark.parametrize("answer", [(), (b"\x1b]11;rgb:zz/zz/zz\x07\xff\xfe",)], ids=["silent", "nonsense"])
@pytest.mark.parametrize(("told", "dark"), [("15;0", True), ("0;default;15", False), ("", None), ("a;b", None)])
def test_without_a_sound_answer_colorfgbg_says(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: tuple[bytes, ...], told: str, dark: bool | None
) -> None:
    monkeypatch.setattr("tui.ui.terminal.terminal_background.PATIENCE", 0.05)
    monkeypatch.setenv("COLORFGBG", told)
    terminal.answers(*answer)
    with TerminalBackground(terminal.path) as background:
        assert background.dark() is dark


def test_the_terminal_is_left_as_it_was(terminal: Terminal) -> None:
    theirs = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    before = termios.tcgetattr(theirs)
    terminal.answers(WHITE)
    with TerminalBackground(terminal.path) as background:
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
        background.dark()
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)


def test_where_there_is_no_terminal_nothing_is_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    no_terminal = tmp_path_factory.mktemp("dev") / "tty"
    for _ in range(2):
        with TerminalBackground(str(no_terminal)) as background:
            assert background.dark() is None
        no_terminal.write_bytes(b"")
    assert no_terminal.read_bytes() == b""


@pytest.mark.parametrize(
    "read",
    [
        ("h" + WHITE.decode() + "i",),
        ("h" + NIGHT.decode() + "i",),
        ("h\x1b]11;rgb:ffff/ff", "ff/f0f0\x1b", "\\i"),
        ("h", WHITE.decode(), "i"),
    ],
)
def test_an_answer_that_comes_late_is_no_key(read: tuple[str, ...]) -> None:
    parser = InputParser()
    messages = [message for data in read for message in parser.feed(data)]
    assert [message.key for message in messages if isinstance(message, events.Key)] == ["h", "i"]


def test_escape_and_alt_with_a_bracket_are_still_keys() -> None:
    parser = InputParser()
    messages = [message for data in ("\x1b[A", "\x1b]", "1x") for message in parser.feed(data)]
    messages += parser.feed("")
    assert "up" in [message.key for message in messages if isinstance(message, events.Key)]
    assert not parser._partial


HOSTILE = "a\x1b]0;a title of more than thirty-two letters, and then\x07\x11\r\x1b\x1b[A\x1b]11;rgb:0/0/0\x07 end\n"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_t27_a_paste_is_one_text_whatever_is_in_it_and_however_it_comes(size: int) -> None:
    parser = InputParser()
    read = f"b\x1b[200~{HOSTILE}\x1b[201~c\x1b[200~\x1b[201~"
    pieces = [read[start : start + size] for start in range(0, len(read), size)]
    messages = [message for data in pieces for message in parser.feed(data)]
    assert [message.key for message in messages if isinstance(message, events.Key)] == ["b", "c"]
    assert [message.text for message in messages if isinstance(message, events.Paste)] == [HOSTILE, ""]
