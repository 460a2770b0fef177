"""Turns on the whole screen: taken back, copied, refused, saved."""

from pathlib import Path

from textual.widgets import Input

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, GREEDY, UNSURE, Chat, OpenChat
from tui.engine.protocol import Load, SetKnobs
from tui.paths import config_dir
from tui.presets.library import find_preset
from tui.ui.screens.knob_editor import KnobEditor
from tui.ui.screens.save_preset import SavePreset
from tui.ui.widgets.knobs.knob_lines import KnobLine


async def test_a_turn_is_taken_back_in_mid_reply_and_the_reply_shows_both(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE) as chat:
        await chat.ask("Hi")
        await chat.written(20)
        await chat.press("tab", "end")
        await chat.until(lambda: "temperature 0→2" in chat.said())
        await chat.press("u")
        await chat.until(lambda: "temperature 2→0" in chat.said())
        await chat.press("U")
        await chat.until(lambda: chat.said().count("temperature 0→2") == 2)
        assert [command.knobs.temperature for command in chat.engine.commands(SetKnobs)] == [2.0, 0.0, 2.0]


async def test_undo_points_at_what_it_changed_and_says_when_there_is_nothing(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.ask("/set parameter dry_multiplier 0.5")
        await chat.press("tab", "u")
        await chat.turned("dry_multiplier", 0.0)
        assert chat.knobs.list.state.line == KnobLine("dry_multiplier")
        await chat.press("u")
        assert await chat.toast(2) == "There is no turn of a knob to take back."


async def test_all_knobs_are_copied_to_the_other_side_or_put_back(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,top_k=3,seed=1", GREEDY) as chat:
        await chat.ready()
        await chat.press("tab", "c")
        await chat.until(lambda: chat.screen._session.sides[1].knobs == chat.side.knobs)
        assert chat.side.knobs.top_k == 3
        await chat.press("R")
        await chat.turned("top_k", 20)
        assert chat.knobs.knobs == chat.side.preset.knobs
        await chat.press("f6", "u")
        await chat.turned("temperature", 0.0)


async def test_without_a_second_side_nothing_is_copied_and_that_is_said(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press("tab", "c")
        assert await chat.toast() == "There is no other side to copy the knobs to; F3 opens one."


async def test_a_constraint_that_cannot_be_read_is_marked_as_soon_as_it_is_written(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press("tab", "slash", *"regex", "enter", "enter")
        await chat.until(lambda: isinstance(chat.app.screen, KnobEditor))
        await chat.press("left_parenthesis", "enter")
        await chat.until(lambda: "✗regex" in chat.view)
        assert "✗ regex: " in chat.view
        await chat.press("r")
        await chat.until(lambda: "✗regex" not in chat.view)


async def test_a_load_knob_is_shown_as_it_was_when_it_is_refused_in_mid_reply(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("tab", "slash", *"num_ctx", "enter", *"512", "enter")
        assert (await chat.toast()).startswith("num_ctx loads the model anew; a reply is being written")
        assert chat.knobs.list.state.knobs.num_ctx == 0
        await chat.press("escape", "escape")
        await chat.ready()
        await chat.press(*"512", "enter")
        await chat.until(lambda: len(chat.engine.commands(Load)) == 2)


def mine(name: str) -> Path:
    return config_dir() / "Modelfiles" / f"{name}.Modelfile"


async def save(chat: Chat, name: str) -> None:
    """Open the dialog from the knobs, write a name and press Enter."""
    await chat.press("s")
    await chat.until(lambda: isinstance(chat.app.screen, SavePreset))
    chat.app.screen.query(Input).first().value = name
    await chat.pilot.pause()
    await chat.press("enter")


async def test_knobs_are_saved_as_a_preset_that_is_then_in_use(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,temperature=1.3") as chat:
        await chat.ready()
        await chat.press("tab", "s")
        await chat.until(lambda: isinstance(chat.app.screen, SavePreset))
        assert "precise with temperature 1.3" in chat.view
        await chat.press(*"warm", "tab", *"Warmer", "enter")
        await chat.until(lambda: chat.side.preset.name == "warm")
        assert str(mine("warm")).replace("/", "")[-20:] in (await chat.toast()).replace(" ", "").replace("/", "")
        saved = find_preset("warm")
        assert (saved.knobs.temperature, saved.knobs.top_k, saved.description) == (1.3, 20, "Warmer")
        assert chat.side.turned == () and chat.knobs.list.has_focus


async def test_another_preset_is_overwritten_only_when_asked_twice(open_chat: OpenChat) -> None:
    mine("kept").parent.mkdir(parents=True)
    mine("kept").write_text("FROM starter\nPARAMETER top_k 5\n")
    async with open_chat(Script(), "precise,temperature=1.3") as chat:
        await chat.ready()
        await chat.press("tab")
        await save(chat, "kept")
        await chat.until(lambda: "Enter again overwrites" in chat.view)
        assert find_preset("kept").knobs.top_k == 5
        await chat.press("enter")
        await chat.until(lambda: chat.side.preset.name == "kept")
        assert find_preset("kept").knobs.temperature == 1.3


async def test_a_name_that_is_none_is_explained_and_escape_saves_nothing(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,temperature=1.3") as chat:
        await chat.ready()
        await chat.press("tab")
        await save(chat, "no/name")
        await chat.until(lambda: "cannot name a preset" in chat.view)
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen)
        assert not mine("no").parent.exists() and chat.side.preset.name == "precise"
