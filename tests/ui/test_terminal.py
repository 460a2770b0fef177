"""The real program in a real terminal: what it draws, what it leaves behind, and what no text makes it send."""

import os
import re
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.engine.scripted import Script
from tests.ui.test_hostile import HOSTILE

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "tui", "chat")
SCRIPTED = """
import sys
from pathlib import Path
from tui.presets.library import resolve
from tui.knobs.setting import parse_setting
from tests.engine.scripted import serve_scripts
from tui.ui import start
serve_scripts()
sys.exit(start((resolve(parse_setting(sys.argv[1])),), (Path(sys.argv[2]),)))
"""
F4, RIGHT, ESCAPE, CTRL_Q = "\x1bOS", "\x1b[C", "\x1b", "\x11"

RESTORED = {1049: "l", 25: "h", 7: "h", 1000: "l", 1003: "l", 1006: "l", 1015: "l", 1004: "l", 2004: "l", 2026: "l"}
"""State that a shell wants: alternate screen, cursor, wrapping, mouse, focus, paste, synchronised output."""


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, command: tuple[str, ...], size: tuple[int, int]) -> None:
        width, height = size
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.output = b""
        # The shell waits for a line, so that the terminal can be looked at before the program changes it.
        self._child = pexpect.spawn(
            "/bin/sh",
            ["-c", 'read go; exec "$@"', "sh", *command],
            dimensions=(height, width),
            cwd=str(ROOT),
            env={**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            timeout=30,
        )
        self.before = termios.tcgetattr(self._child.child_fd)
        self.send("\r")

    @property
    def pid(self) -> int:
        """Process id of the program: the shell became it."""
        return int(self._child.pid)

    @property
    def after(self) -> object:
        return termios.tcgetattr(self._child.child_fd)

    @property
    def view(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).replace("\xa0", " ")

    @property
    def engine(self) -> int:
        """Its child."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def send(self, keys: str) -> None:
        self._child.send(keys)

    def resize(self, width: int, height: int) -> None:
        """Be of another size."""
        self._screen.resize(height, width)
        self._child.setwinsize(height, width)

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Read what it writes until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not come about:\n{self.view}"
            assert self._read(), f"it ended:\n{self.view}"

    def draws(self) -> None:
        """Read until it has written something more."""
        drawn = len(self.output)
        self.until(lambda: len(self.output) > drawn)

    def rests(self, condition: Callable[[], object]) -> None:
        """The same, until it holds on a whole frame: nothing more comes, and it still does."""
        while True:
            self.until(condition)
            before = len(self.output)
            self._read()
            if len(self.output) == before and condition():
                return

    def ends(self, seconds: float = 60) -> int:
        """Return its exit status, once it has ended and everything is read."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"it did not end:\n{self.view}"
        self._child.wait()
        assert self._child.exitstatus is not None, f"signal {self._child.signalstatus}"
        return int(self._child.exitstatus)

    def close(self) -> None:
        self._child.close(force=True)

    def _read(self) -> bool:
        try:
            data = self._child.read_nonblocking(65_536, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.output += data
        # pyte takes the end of these for text: kitty's keys, queries with a dollar.
        self._stream.feed(re.sub(rb"\x1b\[(?:[<>=][\d;]*u|\?[\d;]*\$p)", b"", data))
        return True


def environment() -> dict[str, str]:
    """This one, without what makes widgets hold still in the other tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEXTUAL_")}


Open = Callable[..., Terminal]


@pytest.fixture
def terminal() -> Iterator[Open]:
    """Opens a program in a terminal."""
    opened: list[Terminal] = []

    def open_terminal(*command: str, size: tuple[int, int] = (80, 24)) -> Terminal:
        opened.append(Terminal(command, size))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def modes(output: bytes) -> dict[int, str]:
    """The private modes that were set or reset, as they were left."""
    found = re.findall(rb"\x1b\[\?([\d;]+)([hl])", output)
    return {int(number): flag.decode() for numbers, flag in found for number in numbers.split(b";")}


def assert_restored(screen: Terminal, engine: int) -> None:
    """The terminal is as a shell wants it, and nobody is left behind."""
    left = modes(screen.output)
    assert {1049, 25, 1000, 2004} <= set(left)
    assert left == {mode: RESTORED[mode] for mode in left}
    keys = re.findall(rb"\x1b\[([<>])[\d;]*u", screen.output)
    assert not keys or keys.count(b"<") == keys.count(b">")
    assert screen.after == screen.before
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the engine in /proc")


@linux
@pytest.mark.model
@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
def test_a_person_chats_turns_a_knob_stops_and_quits(terminal: Open, starter: Path, size: tuple[int, int]) -> None:
    # Without the token that ends a reply, it is still being written when Esc is pressed.
    screen = terminal(*PROGRAM, "temperature=0,seed=1,logit_bias=#2:-100", size=size)
    screen.until(lambda: "● ready" in screen.view)
    engine = screen.engine
    screen.send("Count: one sea, two seas, three seas. Go on to a thousand.")
    screen.until(lambda: "Go on to a thousand." in screen.view)
    screen.send("\r")
    screen.until(lambda: "▶ writing" in screen.view and re.search(r"▏  \w", screen.view))
    screen.send(F4 if size[0] < 100 else "\t")
    screen.until(lambda: "Divide the logits by this" in screen.view)
    screen.send(RIGHT)
    screen.until(lambda: re.search(r"temperature +●.* 0\.05", screen.view))
    if size[0] < 100:
        screen.send(F4)
    screen.until(lambda: "◆ temperature 0→0.05" in screen.view)
    screen.send(ESCAPE)
    screen.until(lambda: "● ready" in screen.view and "stopped · " in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    assert_restored(screen, engine)


@linux
def test_the_persons_editor_has_the_terminal_while_the_reply_goes_on(
    terminal: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "the editor is here"\nread line\necho "$line" >> "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    script = Script(replies=("on and on " * 30 + "the end",), delay=0.01)
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", script.path)
    screen.until(lambda: "● ready" in screen.view)
    screen.send("Hi\r")
    screen.until(lambda: "on and on" in screen.view)
    screen.send("draft\x07")
    screen.until(lambda: "the editor is here" in screen.view)
    assert "● ready" not in screen.view
    screen.send("from the editor\r")
    screen.until(lambda: "from the editor" in screen.view and "╭" in screen.view)
    screen.until(lambda: "the end" in screen.view and "● ready" in screen.view)
    assert re.search("draft *from the editor|draft\\s+│\n│ from the editor", screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0


@linux
def test_t27_a_megabyte_is_pasted_and_typing_goes_on(terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script().path)
    screen.until(lambda: "● ready" in screen.view)
    screen.send("\x1b[200~" + "The quick brown fox.\r" * 50_000 + "\x1b[201~and more")
    screen.until(lambda: "pasted text · 1.1 MB" in screen.view and "│ and more" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0


@linux
@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"LC_ALL": "C"}, {"LC_ALL": "xx_XX.ISO-8859-1"}], ids=str)
def test_t30_whatever_the_environment_says_it_opens_and_closes(
    terminal: Open, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script().path)
    screen.until(lambda: "● ready" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0


def test_t01_to_t13_no_text_reaches_the_terminal_as_anything_but_text(terminal: Open) -> None:
    script = Script(replies=(HOSTILE,), context=16_384)
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", script.path, size=(160, 50))
    screen.until(lambda: "● ready" in screen.view)
    screen.send("Hi\r")
    screen.until(lambda: "the end" in screen.view and "● ready" in screen.view)
    assert "␛]52;c;aGVsbG8=␇" in screen.view and "[@click=app.quit]x[/]" in screen.view
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    written = screen.output.decode()
    assert not {"0", "1", "2", "8", "52"} & set(re.findall(r"\x1b\](\d+)", written)), "title, link, clipboard"
    assert not re.findall(r"\x1b[PX^_][^\x1b]*", written), "DCS, SOS, PM, APC"
    assert not re.findall("[\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", written), "C1 and bidi"
