"""What happens before the screen opens; `tests/ui` has the rest."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tui.ui
from tests.cli.conftest import Command
from tui.cli import chat, compare
from tui.config import Reading, config_path
from tui.engine.fake import Script
from tui.presets.library import Chosen

Opened = list[tuple[tuple[str, ...], Path]]
themes: list[str] = []
"""What the screens were asked to look like."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The screens that were opened, each of which ends with exit code 3."""
    screens: Opened = []

    themes.clear()

    def start(chosen: tuple[Chosen, ...], model: Path, settled: Reading) -> int:
        themes.append(settled.config.theme)
        screens.append((tuple(str(each.setting) for each in chosen), model))
        return 3

    monkeypatch.setattr(tui.ui, "start", start)
    for module in (chat, compare):
        monkeypatch.setattr(module, "require_screen", lambda instead: None)
    return screens


def test_alone_it_opens_the_chat_on_the_starter_model(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle() == (3, "", "")
    assert opened == [(("default",), starter)]


def test_a_setting_opens_the_chat_with_it(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle("chat", "precise,top_k=3").code == 3
    assert opened == [(("precise,top_k=3",), starter)]


def test_compare_opens_two_panes(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle("compare", "precise", "temperature=1.4").code == 3
    assert opened == [(("precise", "temperature=1.4"), starter)]


@pytest.mark.parametrize("words", [["--theme", "ansi"], ["chat", "--theme", "ansi"]])
def test_a_theme_is_typed(twiddle: Command, opened: Opened, words: list[str]) -> None:
    assert twiddle(*words).code == 3
    assert themes == ["ansi"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--theme", "anis"], "Did you mean ansi?"), (["--theme", "ansi", "run", "Hi"], "twiddle chat --theme ansi")],
)
def test_a_theme_that_cannot_be_shown_is_said(twiddle: Command, opened: Opened, words: list[str], said: str) -> None:
    code, _, err = twiddle(*words)
    assert (code, opened) == (2, [])
    assert said in err


def test_the_config_says_how_a_chat_opens(twiddle: Command, opened: Opened, starter: Path) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text('preset = "precise,top_k=3"\ntheme = "ansi"')
    assert twiddle().code == twiddle("chat", "greedy").code == 3
    assert opened == [(("precise,top_k=3",), starter), (("greedy",), starter)]
    assert themes == ["ansi", "ansi"]


@pytest.mark.parametrize("words", [["chat", "precis"], ["chat", "top_p=2"], ["compare", "precise", "precis"]])
def test_an_error_is_said_before_the_screen_opens(twiddle: Command, opened: Opened, words: list[str]) -> None:
    code, _, err = twiddle(*words)
    assert (code, err.count("\n"), opened) == (1, 1, [])


def test_the_screen_holds_one_model(
    twiddle: Command, opened: Opened, scripted: Callable[..., None], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"side-{name}.Modelfile").write_text(f"FROM {name}\n")
    scripted(a=Script(), b=Script(replies=("other",)))
    code, _, err = twiddle("compare", str(tmp_path / "side-a.Modelfile"), str(tmp_path / "side-b.Modelfile"))
    assert (code, opened) == (2, [])
    assert "add a prompt with -p" in err


def test_the_screen_loads_it_in_one_way(twiddle: Command, opened: Opened) -> None:
    code, _, err = twiddle("compare", "precise", "precise,num_ctx=512")
    assert (code, opened) == (2, [])
    assert "add a prompt with -p" in err


def test_textual_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, tui.cli, tui.ui; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
