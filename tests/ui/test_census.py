"""A census: hostile text goes through every widget there is, in a real terminal, and the bytes that come are read.

Covers T01 to T13, T15 to T22 and T32 of the fault list for the screen. `tests/cli/test_hostile.py`: the commands.
"""

import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.widget import Widget

import tui.ui
from tests.engine.ggufs import write_llama
from tests.engine.scripted import Script
from tests.engine.test_thinking import THINKER
from tests.store.pages import keep
from tests.ui.stream import SCREEN, acting, copied
from tests.ui.test_hostile import BIDI, HOSTILE, LINE, MARKUP, SEQUENCES
from tests.ui.test_journeys import BACK_TAB, CTRL_E, CTRL_O, CTRL_T, F2, F3, F7, LEFT, UP
from tests.ui.test_terminal import CTRL_Q, ESCAPE, F4, Open, Terminal, linux, terminal
from tui.paths import config_dir, history_path, sent_file
from tui.store.store import Store

__all__ = ["terminal"]

pytestmark = [linux, pytest.mark.xdist_group("terminal")]

F1, F5, F12 = "\x1bOP", "\x1b[15~", "\x1b[24~"
CTRL_C, CTRL_N, CTRL_P, END, TAB = "\x03", "\x0e", "\x10", "\x1b[F", "\t"

FILE = "\x1b]0;t\x07[@click=app.bell]x[!]\u202e"
"""The name of a file. It may have no slash."""
THEME = "[@click=app.bell]"
REPLY = f"<think>{LINE}</think>{HOSTILE}\n\n```\n{SEQUENCES}\n```\n\n[bank.com](http://evil.com/[@click=app.bell])\n\nfin\x1b"

OWN_WORDS = {
    "VoteScreen",
    "VoteQuestion",
    "HelpScreen",
    "StatsLine",
    "KnobSets",
    "Legend",
    "Footer",
    "TooSmall",
    "HelpGroup",
}
"""Widgets that have nothing to say but what the program itself does: numbers, letters and its own keys."""


class Stop(NamedTuple):
    """Somewhere to go on the tour: what is pressed, and what is then in view or no longer there."""

    keys: str
    shows: str = ""
    hides: str = ""


def pasted(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


PRESETS = (
    Stop(F2, "the changes they make"),
    Stop("bell", r"␛\]0;t␇\[@click=app.bell\]x\[!\]", hides="▸ default"),
    Stop(CTRL_N, "a new preset that builds on ␛"),
    Stop(ESCAPE, hides="builds on"),
    Stop(F2, "the changes they make"),
    Stop("bell", r"␛\]0;t␇\[@click=app.bell\]x\[!\]", hides="▸ default"),
    Stop(CTRL_E, "cannot", hides="the changes they make"),
    Stop(F2, "the changes they make"),
    Stop("plain", r"plain .*\[@click", hides="▸ default"),
    Stop(CTRL_E, "preset plain"),
    Stop("PARAMETER [@click=app.bell] 1\r", r"✗ line 1.*\[@click"),
    Stop(ESCAPE, "not saved"),
    Stop(ESCAPE, hides="preset plain"),
    Stop(F2, "the changes they make"),
    Stop("bell", r"␛\]0;t␇\[@click=app.bell\]x\[!\]", hides="▸ default"),
    Stop("\r", "from the next reply on"),
)
PROMPT = (
    Stop(UP, r"│ ␛\[31mred"),
    Stop(CTRL_C, hides=r"│ ␛\[31mred"),
    Stop("/preset bell", r"▸ ␛\]0;t␇\[@click=app.bell\]x\[!\]"),
    Stop(TAB, r"│ /preset ␛\]0;t␇\[@click"),
    Stop(CTRL_C, hides="/preset"),
    Stop('@"{folder}/[@click=app.bell].txt" ', r"@ \[@click=app.bell\].txt · "),
    Stop(CTRL_C, hides=r"@ \["),
    Stop(pasted(f"/preset {LINE}"), r"│ /preset ␛\[31mred"),
    Stop("\r", "There is no"),
    Stop(CTRL_C, "Ask something"),
)
SAID = (
    Stop(pasted(f"{SEQUENCES} {BIDI} {MARKUP}") + "\r", r"(?s)fin␛.*● ready"),
    Stop(BACK_TAB, "o Thought"),
    Stop("o", "▾ thought for"),
    Stop("[", "█  bank"),
    Stop("\r", "y Copy"),
    Stop("y", r"Copied \d+ characters"),
)
TOKENS = (
    Stop(CTRL_T, "perplexity"),
    Stop(END, "im_end.*rank 1"),
    Stop(LEFT, "␛ .*rank 1"),
    Stop("\r", r"Branch here|token \d"),
    Stop(ESCAPE, "Others"),
    Stop(CTRL_T, hides="perplexity"),
)
PAST = (
    Stop(F5, r"messages; ▸ marks(?s:.*)␛"),
    Stop(ESCAPE, hides="messages; ▸ marks"),
    Stop(CTRL_O, r"Type words to find in a conversation(?s:.*)␛\]0;title"),
    Stop("title", r"(?s)title.*␛\]0;title"),
    Stop(ESCAPE, hides="␛]0;title"),
)
KNOBS = (
    Stop(F4, hides="/ finds"),
    Stop(F4, "/ finds"),
    Stop("/[@cl", r"/ \[@cl"),
    Stop(ESCAPE, "/ finds"),
    Stop("/stop\r", "/ stop "),
    Stop("\r", "⏎ Accept"),
    Stop(ESCAPE, hides="⏎ Accept"),
    Stop(ESCAPE, "/ finds"),
    Stop("/temperature\r", "/ temperature "),
    Stop("1[@click=x]\r", r"\[@click=x\]'"),
    Stop(ESCAPE, hides=r"\[@click=x\]"),
    Stop(ESCAPE, "/ finds"),
    Stop("s", "Save the knobs as a preset"),
    Stop(ESCAPE, hides="Save the knobs as a preset"),
)
PALETTE = (
    Stop(CTRL_P, "New chat"),
    Stop("bell", r"Preset ␛\]0;t␇\[@click=app.bell\]x\[!\]"),
    Stop(ESCAPE, hides="Preset ␛"),
)
SIDES = (
    Stop(ESCAPE, hides="r Reset"),
    Stop(F3, r"(?s)␛\]0;t␇\[@click.*␛\]0;t␇\[@click"),
    Stop("/set parameter temperature 0.3\r", "temperature is 0.3"),
    Stop("/blind\r", "● ready  blind"),
    Stop("again?\r", "(?s)fine.*● ready"),
    Stop(F7, "Which side is better"),
    Stop("aaa\r", "A was .*@cl"),
    Stop(ESCAPE, hides="A was"),
    Stop(F1, "Everywhere"),
    Stop(ESCAPE, hides="Everywhere"),
    Stop(F7),
)
MODEL = (
    Stop(pasted("/model {folder}/[@click=app.bell].gguf") + "\r", r"● ready.*␛\]0;gguf"),
    Stop(F12, "Log"),
    Stop(ESCAPE, hides="Log"),
    Stop("refuse\r", r"(?s)refuses.*␛\]0;template"),
)

TOUR = (Stop("", "● ready"), *PRESETS, *PROMPT, *SAID, *TOKENS, *PAST, *KNOBS, *PALETTE, *SIDES, *MODEL)
"""Everywhere, with hostile text at every place."""


@pytest.fixture
def hostile_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every file that the program reads, as bad as it can be; a folder with more of them."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):  # what is copied goes to the terminal
        monkeypatch.delenv(name, raising=False)
    presets, themes = config_dir() / "Modelfiles", config_dir() / "themes"
    for folder in (presets, themes, sent_file().parent):
        folder.mkdir(parents=True)
    words = LINE.replace("\x1b\\", "\x1b")
    text = f'# {MARKUP} {words}\nFROM starter\nPARAMETER stop "{THEME} {MARKUP}"\nSYSTEM """{HOSTILE}"""\n'
    (presets / f"{FILE}.Modelfile").write_text(text)
    (presets / f"{FILE}2.Modelfile").write_text(f"FROM starter\nPARAMETER {words}\n")
    (presets / "plain.Modelfile").write_text(text)
    (themes / f"{THEME}.toml").write_text('primary = "teal"')
    (themes / f"{FILE}.toml").write_text('primary = "\\u001b]0;t\\u0007[/x]"')
    (config_dir() / "config.toml").write_text(
        '"\\u001b]0;t\\u0007[@click=app.bell]" = 1\n[keys]\n"[/x]\\u001b" = "f10"\n'
    )
    sent_file().write_text(json.dumps(f"{SEQUENCES} {MARKUP}") + "\n")
    store = Store(history_path())
    keep(store, f"\x1b]0;title\x07 {LINE}", HOSTILE)
    store.close()
    (tmp_path / "[@click=app.bell].txt").write_text(HOSTILE)
    template = "{{ raise_exception('\x1b]0;template\x07[/bold]') }}"
    write_llama(tmp_path / "[@click=app.bell].gguf", 8, name=f"\x1b]0;gguf\x07{MARKUP}", template=template)
    return tmp_path


def widgets() -> set[str]:
    """Every class of a widget or screen that there is."""
    for module in pkgutil.walk_packages(tui.ui.__path__, "tui.ui."):
        importlib.import_module(module.name)
    found, open_ = set[type[Widget]](), [Widget]
    while open_:
        kinds = open_.pop().__subclasses__()
        open_ += kinds
        found |= set(kinds)
    return {kind.__qualname__ for kind in found if kind.__module__.startswith("tui.")}


def go(screen: Terminal, stop: Stop, folder: Path) -> None:
    screen.send(stop.keys.replace("{folder}", str(folder)))
    try:
        screen.rests(
            lambda: re.search(stop.shows, screen.view) and not (stop.hides and re.search(stop.hides, screen.view))
        )
    except AssertionError as error:
        error.add_note(str(stop))
        raise


def test_hostile_text_goes_through_every_widget_and_acts_on_nothing(terminal: Open, hostile_world: Path) -> None:
    notes = hostile_world / "notes.json"
    script = Script(replies=(REPLY, "fine"), context=65_536, template=THINKER)
    screen = terminal(sys.executable, "-m", "tests.ui.witness", str(notes), script.path, size=(120, 40))
    for stop in TOUR:
        go(screen, stop, hostile_world)
    screen.resize(40, 10)
    screen.rests(lambda: "twiddle needs" in screen.view)
    screen.send(CTRL_Q)
    assert screen.ends() == 0, screen.view
    assert acting(screen.output, SCREEN) == set()
    assert copied(screen.output) == ["http://evil.com/[@click=app.bell]"]
    painted: dict[str, bool] = json.loads(notes.read_text())
    assert widgets() - set(painted) == set(), "let the tour above go there"
    shown = {name for name, foreign in painted.items() if foreign}
    assert widgets() - shown == OWN_WORDS, "let hostile text get there"
