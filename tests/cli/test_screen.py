"""What happens before the screen opens; `tests/ui` has the rest."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tui.ui
from tests.cli.conftest import Command
from tests.engine.scripted import Script
from tests.gguf import write
from tests.store.pages import talk
from tui.cli import chat, compare
from tui.config import LoadedConfig, config_path
from tui.paths import history_path, models_dir
from tui.presets.library import ResolvedSetting
from tui.store.records import SavedPosition, Snapshot, StoredConversation
from tui.store.store import Store

Opened = list[tuple[tuple[str, ...], tuple[Path, ...]]]
notices: list[str] = []
themes: list[str] = []
"""What the screens were asked to look like."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The screens that were opened, each of which ends with exit code 3."""
    screens: Opened = []

    themes.clear()
    notices.clear()

    def start(
        chosen: tuple[ResolvedSetting, ...],
        models: tuple[Path, ...],
        settled: LoadedConfig,
        *,
        keep: bool = True,
        going_on: StoredConversation | None = None,
        notice: str = "",
    ) -> int:
        notices.append(notice)
        themes.append(settled.config.theme)
        screens.append((tuple(str(each.setting) for each in chosen), models))
        return 3

    monkeypatch.setattr(tui.ui, "start", start)
    for module in (chat, compare):
        monkeypatch.setattr(module, "require_screen", lambda instead: None)
    return screens


def test_alone_it_opens_the_chat_on_the_starter_model(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle() == (3, "", "")
    assert opened == [(("default",), (starter,))]


def test_a_setting_opens_the_chat_with_it(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle("chat", "precise,top_k=3").code == 3
    assert opened == [(("precise,top_k=3",), (starter,))]


def test_compare_opens_two_panes(twiddle: Command, opened: Opened, starter: Path) -> None:
    assert twiddle("compare", "precise", "temperature=1.4").code == 3
    assert opened == [(("precise", "temperature=1.4"), (starter, starter))]


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
    assert opened == [(("precise,top_k=3",), (starter,)), (("greedy",), (starter,))]
    assert themes == ["ansi", "ansi"]


@pytest.mark.parametrize("words", [["chat", "precis"], ["chat", "top_p=2"], ["compare", "precise", "precis"]])
def test_an_error_is_said_before_the_screen_opens(twiddle: Command, opened: Opened, words: list[str]) -> None:
    code, _, err = twiddle(*words)
    assert (code, err.count("\n"), opened) == (1, 1, [])


def test_two_models_are_compared_on_the_screen(
    twiddle: Command, opened: Opened, scripted: Callable[..., None], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"side-{name}.Modelfile").write_text(f"FROM {name}\n")
    scripted(a=Script(), b=Script(replies=("other",)))
    assert twiddle("compare", str(tmp_path / "side-a.Modelfile"), str(tmp_path / "side-b.Modelfile")).code == 3
    ((_, models),) = opened
    assert [str(model)[:5] for model in models] == ["fake:"] * 2 and models[0] != models[1]


def test_textual_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, tui.cli, tui.ui; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_continue_goes_on_with_the_conversation_and_setting_it_was_left_with(
    twiddle: Command, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert twiddle("--continue").err == (
        "twiddle: There is no conversation to go on with yet; `twiddle` alone begins one.\n"
    )
    store = Store(history_path())
    store.save(SavedPosition("one"), Snapshot(talk("Why?", "So."), "precise,temperature=0.5"))
    store.close()
    begun: list[tuple[bool, str]] = []

    def start(
        chosen: tuple[ResolvedSetting, ...],
        models: tuple[Path, ...],
        settled: LoadedConfig,
        *,
        keep: bool,
        going_on: StoredConversation | None,
        notice: str,
    ) -> int:
        notices.append(notice)
        begun.append((keep, f"{chosen[0].setting} {going_on.title if going_on else None}"))
        return 0

    monkeypatch.setattr(tui.ui, "start", start)
    assert twiddle("--continue").code == twiddle("chat", "-c", "wild").code == twiddle("--no-history").code == 0
    assert begun == [(True, "precise,temperature=0.5 Why?"), (True, "wild Why?"), (False, "default None")]
    assert twiddle("--continue", "--no-history").code == 2
    config_path().parent.mkdir(parents=True)
    config_path().write_text("history = false")
    assert twiddle().code == 0 and begun.pop() == (False, "default None")
    assert "add --history to keep this chat" in twiddle("--continue").err
    assert twiddle("--continue", "--history").code == 0 and begun.pop() == (True, "precise,temperature=0.5 Why?")
    config_path().unlink()
    store = Store(history_path())
    store.save(SavedPosition("two"), Snapshot(talk("Gone?"), "no-such-preset"))
    store.close()
    assert twiddle("--continue").err == ""
    assert notices[-1].startswith("It was left with no-such-preset, which cannot be used: There is no preset")
    assert begun[-1] == (True, "default Gone?")


def test_continue_has_every_side_of_a_comparison_as_it_was_left(
    twiddle: Command, opened: Opened, scripted: Callable[..., None]
) -> None:
    scripted(a=Script(), b=Script(replies=("other",)))
    store = Store(history_path())
    store.save(SavedPosition("one"), Snapshot(talk("Why?", "So."), "precise,top_k=3", model="a", side_count=2))
    store.save(
        SavedPosition("one"), Snapshot(talk("Why?", "So."), "wild", system="Rave.", model="b", side=1, side_count=2)
    )
    store.close()
    assert twiddle("--continue").code == 3
    ((settings, models),) = opened
    assert settings == ("precise,top_k=3", "wild") and models[0] != models[1]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("/gone/my model.gguf", "There is no model file '/gone/my model.gguf'."),
        ("hf.co/maker/Gone-GGUF:Q4_0", "hf.co/maker/Gone-GGUF:Q4_0 is not on this machine yet; fetch it with"),
        ("ollama:gone", "Ollama's store .* has no 'ollama:gone'."),
        ("gone.gguf", "There is no model file"),
    ],
)
def test_continue_says_that_the_model_is_gone_and_what_there_is(
    twiddle: Command, opened: Opened, starter: Path, model: str, said: str
) -> None:
    store = Store(history_path())
    store.save(SavedPosition("one"), Snapshot(talk("Why?", "So."), "precise,top_k=3", system="Rave.", model=model))
    store.close()
    assert twiddle("--continue") == (3, "", "")
    assert opened == [(("precise,top_k=3",), (starter,))]
    assert re.match(f"It was left with precise,top_k=3, which cannot be used: {said}", notices[-1])
    assert "It goes on with precise on starter. /model takes another model, such as starter" in notices[-1]


def test_one_side_of_a_comparison_whose_model_is_gone_costs_that_model(
    twiddle: Command, opened: Opened, starter: Path
) -> None:
    store = Store(history_path())
    talked = talk("Why?", "So.")
    store.save(SavedPosition("one"), Snapshot(talked, "precise", model="ollama:gone", side_count=2))
    store.save(SavedPosition("one"), Snapshot(talked, "wild", model="starter", side=1, side_count=2))
    store.close()
    assert twiddle("--continue") == (3, "", "")
    assert opened == [(("precise", "wild"), (starter, starter))]
    assert notices[-1].count("It was left with") == 1


def test_continue_without_the_starter_takes_what_there_is(
    twiddle: Command, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.models.locations.find_spec", lambda name: None)
    store = Store(history_path())
    store.save(SavedPosition("one"), Snapshot(talk("Why?", "So."), "precise", model="ollama:gone"))
    store.close()
    failed = twiddle("--continue")
    assert failed.code == 1 and "The starter model is not installed" in failed.err
    there = write(models_dir() / "mine.gguf")
    assert twiddle("--continue") == (3, "", "")
    assert opened == [(("precise",), (there,))]
    assert "on mine. /model takes another model, such as mine;" in notices[-1]


def test_the_config_keeps_a_comparison_from_being_kept_too(
    twiddle: Command, opened: Opened, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []

    def start(chosen: object, models: object, settled: object, *, keep: bool) -> int:
        kept.append(keep)
        return 0

    monkeypatch.setattr(tui.ui, "start", start)
    config_path().parent.mkdir(parents=True)
    config_path().write_text("history = false")
    assert twiddle("compare", "precise", "wild").code == 0
    assert kept == [False]
