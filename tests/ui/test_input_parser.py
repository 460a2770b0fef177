"""The real program in a terminal that says what its background is."""

import sys

from tests.engine.scripted import Script
from tests.ui.test_terminal import SCRIPTED, Open, terminal
from tui.ui.terminal.terminal_background import QUESTION

__all__ = ["terminal"]
PAPER = "\x1b]11;rgb:ffff/ffff/f0f0\x1b\\"
LIGHT, DARK = b"48;2;250;248;243", b"48;2;18;23;28"


def test_a_light_terminal_gets_the_light_theme(terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script().path)
    screen.until(lambda: QUESTION in screen.output)
    screen.send(PAPER)
    screen.until(lambda: "● ready" in screen.view)
    assert LIGHT in screen.output and DARK not in screen.output


def test_an_answer_that_comes_late_is_not_typed(terminal: Open) -> None:
    screen = terminal(sys.executable, "-c", SCRIPTED, "default", Script().path)
    screen.until(lambda: "● ready" in screen.view)
    screen.send(PAPER + "xyzzy")
    screen.until(lambda: "xyzzy" in screen.view)
    assert DARK in screen.output
    assert "│ xyzzy " in screen.view and "rgb" not in screen.view
