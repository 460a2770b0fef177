"""Presets on the screen: chosen, begun, copied, edited, and taken in again when their files change."""

from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.gguf import write
from tests.ui.driver import ENDLESS, Chat, OpenChat
from tui.errors import ModelError
from tui.paths import preset_dirs
from tui.ui.screens.preset_editor import PresetEditor
from tui.ui.screens.presets import PresetPicker

HI = Script(replies=("Hi.",))


def own(name: str, text: str = "") -> Path:
    """The file of a preset of the person's own, with this text if there is one."""
    path = preset_dirs()[0] / f"{name}.Modelfile"
    if text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


async def picker(chat: Chat, typed: str = "") -> PresetPicker:
    await chat.press("f2")
    await chat.until(lambda: isinstance(chat.app.screen, PresetPicker))
    await chat.press(*typed)
    await chat.pilot.pause()
    assert isinstance(chat.app.screen, PresetPicker)
    return chat.app.screen


async def editor(chat: Chat) -> PresetEditor:
    await chat.until(lambda: isinstance(chat.app.screen, PresetEditor))
    await chat.pilot.pause()
    assert isinstance(chat.app.screen, PresetEditor)
    return chat.app.screen


async def test_the_list_shows_what_each_would_change(open_chat: OpenChat) -> None:
    async with open_chat(HI, "precise,temperature=1.5") as chat:
        await picker(chat, "precise")
        assert "temperature 1.5 → 0.2" in chat.view
        await chat.press("enter")
        await chat.turned("temperature", 0.2)
        await picker(chat, "precise")
        assert "The same as what is in use." in chat.view


async def test_a_shipped_preset_is_edited_as_a_copy_of_ones_own_and_taken_in_at_once(open_chat: OpenChat) -> None:
    async with open_chat(HI, "precise,top_k=7") as chat:
        await picker(chat, "precise")
        await chat.press("ctrl+e")
        screen = await editor(chat)
        screen._area.text = "FROM starter\nPARAMETER temperature 0.3\n"
        await chat.press("ctrl+s")
        await chat.turned("temperature", 0.3)
        assert chat.side.knobs.top_k == 7, "what the person turned stays turned"
        assert own("precise").read_text() == "FROM starter\nPARAMETER temperature 0.3\n"
        assert "preset precise changed" in chat.said()


async def test_what_is_wrong_is_said_while_it_is_typed_and_is_not_saved(open_chat: OpenChat) -> None:
    async with open_chat(HI) as chat:
        await picker(chat, "precise")
        await chat.press("ctrl+d", *"mine", "enter")
        screen = await editor(chat)
        screen._area.move_cursor(screen._area.document.end)
        screen._area.insert("\nPARAMETER temprature 1")
        await chat.until(lambda: "did you mean" in chat.view.lower())
        await chat.press("ctrl+s")
        assert "Not saved" in await chat.toast()
        assert not own("mine").exists()
        await chat.press("f8")
        assert screen._area.cursor_location[0] == screen._area.document.line_count - 1
        await chat.press("escape")
        assert "Esc again" in chat.view and isinstance(chat.app.screen, PresetEditor)
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen)
        assert not own("mine").exists()


async def test_a_new_one_builds_on_the_one_that_is_lit(open_chat: OpenChat) -> None:
    async with open_chat(HI) as chat:
        await picker(chat, "limerick")
        await chat.press("ctrl+n", *"precise", "enter")
        screen = await editor(chat)
        assert "FROM limerick" in screen._area.text
        await chat.press("ctrl+s")
        await chat.until(lambda: own("precise").exists())


async def test_a_name_that_is_taken_or_none_is_asked_for_again(open_chat: OpenChat) -> None:
    own("mine", "FROM starter\n")
    async with open_chat(HI) as chat:
        await picker(chat, "precise")
        await chat.press("ctrl+n", *"mine", "enter")
        await chat.until(lambda: "already" in chat.view)
        await chat.press("/", "enter")
        await chat.until(lambda: "cannot name a preset" in chat.view)
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen)


async def test_a_file_that_changes_is_taken_in_and_a_broken_one_keeps_its_last_good_values(open_chat: OpenChat) -> None:
    path = own("mine", "FROM starter\nPARAMETER temperature 0.3\n")
    async with open_chat(HI, "mine,top_p=0.5") as chat:
        await chat.ready()
        path.write_text("FROM starter\nPARAMETER temperature 0.45\n")
        await chat.turned("temperature", 0.45)
        assert chat.side.knobs.top_p == 0.5 and list(chat.side.turned) == ["top_p"]
        path.write_text("FROM starter\nPARAMETER temperature much\n")
        await chat.until(lambda: "its last good values are kept" in chat.said())
        assert chat.side.knobs.temperature == 0.45
        path.write_text("FROM starter\nPARAMETER temperature 0.6\n")
        await chat.turned("temperature", 0.6)


async def test_a_file_that_changes_while_a_reply_is_written_waits_for_its_end(open_chat: OpenChat) -> None:
    path = own("mine", "FROM starter\nPARAMETER temperature 0.3\n")
    async with open_chat(ENDLESS, "mine,seed=1") as chat:
        await chat.ready()
        await chat.ask("go")
        await chat.written(5)
        path.write_text("FROM starter\nPARAMETER temperature 0.45\n")
        chat.screen._preset_controller.reload_changed()
        assert chat.side.knobs.temperature == 0.3
        await chat.press("escape")
        await chat.turned("temperature", 0.45)


async def test_a_hostile_file_cannot_act_on_the_terminal(open_chat: OpenChat) -> None:
    own("bad", "# \x1b]0;PWN\x07 [/x] [@click=app.quit]x[/]\nFROM starter\nSYSTEM \x9b2J\u202eabc\n")
    async with open_chat(HI) as chat:
        await picker(chat, "bad")
        assert not set("\x1b\x9b\u202e") & set(chat.view)
        await chat.press("ctrl+e")
        await editor(chat)
        assert not set("\x1b\x9b\u202e") & set(chat.view)
        assert "PWN" in chat.view


async def test_that_there_is_nothing_to_say_is_no_finding_to_go_to(open_chat: OpenChat) -> None:
    async with open_chat(HI) as chat:
        path = own("mine", "FROM ./a.gguf\nPARAMETER temperature 0.3\n")
        write(path.with_name("a.gguf"))
        await picker(chat, "mine")
        await chat.press("ctrl+e")
        screen = await editor(chat)
        await chat.until(lambda: "nothing to say" in chat.view)
        screen._list.focus()
        await chat.press("down", "enter")
        await chat.pilot.click(screen._list, offset=(3, 0))
        assert chat.app.screen is screen


async def test_a_file_that_cannot_be_had_is_said_once(open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_chat(HI) as chat:
        path = own("mine", "FROM starter\nPARAMETER temperature 0.3\n")
        await chat.ready()
        await chat.ask("/preset mine")
        await chat.turned("temperature", 0.3)

        def find(reference: str, folder: Path | None = None) -> Path:
            raise ModelError("There is no model file.")

        monkeypatch.setattr("tui.presets.preset.find_model", find)
        path.write_text("FROM ./gone.gguf\nPARAMETER temperature 0.4\n")
        await chat.until(lambda: "was left as it is here" in chat.said())
        for _ in range(3):
            chat.screen._preset_controller.reload_changed()
        assert chat.said().count("was left as it is here") == 1
        assert chat.side.knobs.temperature == 0.3
