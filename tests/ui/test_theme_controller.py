"""Choice of the theme, and theme files that change while the program runs."""

from pathlib import Path

import pytest
from textual.command import CommandPalette

from tests.engine.scripted import Script
from tests.ui.driver import OpenChat
from tui import paths
from tui.config import Config, LoadedConfig
from tui.ui.controllers import theme_controller
from tui.ui.themes import DEFAULT, LIGHT, ThemeFiles


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme_controller, "RELOAD_INTERVAL", 0.02)


def own(name: str, text: str) -> Path:
    path = paths.theme_dirs()[1] / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("dark", "name"), [(None, DEFAULT), (True, DEFAULT), (False, LIGHT)])
async def test_for_people_who_chose_none_it_suits_the_terminal(
    open_chat: OpenChat, dark: bool | None, name: str
) -> None:
    async with open_chat(Script(), dark=dark) as chat:
        assert chat.app.theme == name


async def test_a_theme_that_is_picked_is_there_the_next_time(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        chat.app.theme = "ember"
        await chat.until(lambda: theme_controller.remembered() == "ember")
        assert not chat.toasts
    async with open_chat(Script(), dark=False) as chat:
        assert chat.app.theme == "ember"
    async with open_chat(Script(), settled=LoadedConfig(Config(theme="paper"))) as chat:
        assert chat.app.theme == "paper"
        chat.app.theme = "moss"
        assert "The next start takes paper again" in await chat.toast()


async def test_a_theme_that_is_not_there_costs_a_notice(open_chat: OpenChat) -> None:
    async with open_chat(Script(), settled=LoadedConfig(Config(theme="embre"))) as chat:
        assert chat.app.theme == DEFAULT
        assert "There is no theme 'embre'. Did you mean ember?" in await chat.toast()


async def test_only_themes_that_were_looked_at_are_offered(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        assert set(chat.app.available_themes) == {path.stem for path in paths.shipped("themes").glob("*.toml")}


async def test_a_file_that_changes_is_taken_up_and_a_broken_one_leaves_the_last_good_colours(
    open_chat: OpenChat,
) -> None:
    own("mine", 'primary = "#101010"')
    async with open_chat(Script(), settled=LoadedConfig(Config(theme="mine"))) as chat:
        assert chat.app.theme_variables["primary"] == "#101010"
        own("mine", 'primary = "#2020200"')
        assert "primary is '#2020200', not a colour" in await chat.toast()
        assert chat.app.theme_variables["primary"] == "#101010"
        own("mine", 'primary = "#303030"  # mended')
        await chat.until(lambda: chat.app.theme_variables["primary"] == "#303030")
        assert len(chat.toasts) == 1, "one notice for one broken file"


async def test_a_new_file_appears_in_the_palette(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        own("brand-new", 'primary = "teal"')
        await chat.until(lambda: "brand-new" in chat.app.available_themes)
        chat.app.action_change_theme()
        await chat.until(lambda: isinstance(chat.app.screen, CommandPalette) and "brand-new" in chat.view)


def test_a_persons_broken_theme_leaves_the_shipped_one_of_its_name() -> None:
    own(DEFAULT, "primary = 3")
    loaded = ThemeFiles().changed()
    assert DEFAULT in {theme.name for theme in loaded.themes}
    assert len(loaded.failures) == 1


def test_a_persons_theme_that_is_removed_uncovers_the_shipped_one() -> None:
    path = own(DEFAULT, 'primary = "red"')
    files = ThemeFiles()
    assert next(theme for theme in files.changed().themes if theme.name == DEFAULT).primary == "red"
    path.unlink()
    (theme,) = files.changed().themes
    assert (theme.name, theme.primary) != (DEFAULT, "red")


async def test_a_state_folder_that_cannot_be_written_is_said(open_chat: OpenChat) -> None:
    paths.state_dir().parent.mkdir(parents=True, exist_ok=True)
    paths.state_dir().write_text("a file where the folder should be")
    async with open_chat(Script()) as chat:
        chat.app.theme = "ember"
        assert "not remembered" in await chat.toast()
        assert chat.app.theme == "ember"
