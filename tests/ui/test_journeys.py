"""The main journeys in a real terminal of 80 by 24, with keys alone."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.test_terminal import CTRL_Q, ESCAPE, PROGRAM, SCRIPTED, Open, Terminal

F2, F3, F7 = "\x1bOQ", "\x1bOR", "\x1b[18~"
CTRL_E, CTRL_O, CTRL_S, CTRL_T = "\x05", "\x0f", "\x13", "\x14"
UP, DOWN, LEFT, BACK_TAB = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[Z"

TWO = Script(replies=("First answer.", "Second answer."))
UNSURE = Script(replies=("The sea is blue today.",), sureness=1.0)


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


def scripted(terminal: Open, script: Script, setting: str = "temperature=0,seed=1") -> Terminal:
    screen = terminal(sys.executable, "-c", SCRIPTED, setting, script.path)
    screen.until(lambda: "● ready" in screen.view)
    return screen


def ask(screen: Terminal, text: str, answer: str) -> None:
    screen.send(text)
    screen.until(lambda: text in screen.view)
    screen.send("\r")
    screen.until(lambda: answer in screen.view and "● ready" in screen.view)


def test_a_reply_is_looked_at_token_by_token_and_branches_from_one(terminal: Open) -> None:
    screen = scripted(terminal, UNSURE, "temperature=0,top_k=40,seed=1")
    ask(screen, "What is blue?", "The sea is blue today.")
    screen.send(CTRL_T)
    screen.until(lambda: "perplexity" in screen.view and "n: < 10 %" in screen.view)
    screen.send("\x1b[H")
    screen.until(lambda: "1 of 23" in screen.view)
    screen.send("\r")
    screen.until(lambda: "Branch here" in screen.view or "token 1 " in screen.view)
    screen.send(DOWN)
    screen.send("\r")
    screen.until(lambda: "from here on anew" in screen.view and "● ready" in screen.view)
    screen.send(CTRL_T)
    screen.until(lambda: "‹ 2/2 ›" in screen.view and "he sea is blue today." in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0


def test_a_question_is_worded_anew_and_the_first_wording_is_a_key_away(terminal: Open) -> None:
    screen = scripted(terminal, TWO)
    ask(screen, "one?", "First answer.")
    screen.send(BACK_TAB)
    screen.send(UP)
    screen.until(lambda: "▶  First answer." in screen.view)
    screen.send(UP)
    screen.until(lambda: "▶  one?" in screen.view)
    screen.send("e")
    screen.until(lambda: "worded anew" in screen.view)
    screen.send(" or two?\r")
    screen.until(lambda: "one? or two?" in screen.view and "‹ 2/2 ›" in screen.view and "● ready" in screen.view)
    screen.send(BACK_TAB)
    screen.send(LEFT)
    screen.until(lambda: "‹ 1/2 ›" in screen.view)
    assert "one? or two?" not in screen.view
    screen.send(CTRL_Q)
    assert screen.ends() == 0


def test_a_preset_is_chosen_and_edited_in_place(terminal: Open) -> None:
    screen = scripted(terminal, TWO, "precise")
    screen.send(F2)
    screen.until(lambda: "the changes they make" in screen.view)
    screen.send("creat")
    screen.until(lambda: re.search(r"temperature .* → ", screen.view))
    screen.send(CTRL_E)
    screen.until(lambda: "preset creative" in screen.view and "FROM" in screen.view)
    screen.send("PARAMETER temprature 1\r")
    screen.until(lambda: "✗ line 1" in screen.view)
    screen.send(UP + "\x1b[3~" * len("PARAMETER temprature 1\n"))
    screen.until(lambda: "✗" not in screen.view)
    screen.send(CTRL_S)
    screen.until(lambda: "saved as preset creative" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0


@pytest.mark.model
def test_two_settings_are_compared_and_one_is_kept(terminal: Open, starter: Path) -> None:
    screen = terminal(*PROGRAM, "temperature=0,seed=1,num_predict=12", size=(120, 30))
    screen.until(lambda: "● ready" in screen.view)
    screen.send(F3)
    screen.until(lambda: screen.view.count("temperature 0") >= 1 and "▸" in screen.view)
    screen.send("/set parameter temperature 2\r")
    screen.until(lambda: re.search(r"temperature +\S* +2", screen.view))
    ask(screen, "Tell me of the sea.", "parts here")
    screen.send(F7)
    screen.until(lambda: screen.view.count("Tell me of the sea.") == 1)
    screen.send(ESCAPE + CTRL_Q)
    assert screen.ends() == 0


def test_a_conversation_is_gone_on_with_after_a_new_start(terminal: Open) -> None:
    screen = scripted(terminal, TWO)
    ask(screen, "one?", "First answer.")
    screen.send(CTRL_Q)
    assert screen.ends() == 0
    again = scripted(terminal, TWO)
    assert "First answer." not in again.view
    again.send(CTRL_O)
    again.until(lambda: "one?" in again.view)
    again.send("\r")
    again.until(lambda: "First answer." in again.view)
    ask(again, "two?", "Second answer.")
    again.send(CTRL_Q)
    assert again.ends() == 0
