"""Ctrl+P has everything that has a key or a command."""

from textual.binding import Binding

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tui.prompt_line.commands import LISTED, parse_command
from tui.ui.bindings import CHAT_BINDINGS
from tui.ui.palette import ChatCommands, PaletteEntry
from tui.ui.screens.save_preset import SavePreset


async def offered(chat: Chat) -> dict[str, PaletteEntry]:
    return {deed.action: deed for deed in ChatCommands(chat.screen)._entries()}


async def search(chat: Chat, words: str) -> None:
    await chat.press("ctrl+p")
    await chat.until(lambda: "A new chat with" in chat.view)
    await chat.press(*("space" if letter == " " else letter for letter in words))


async def test_what_has_a_key_or_a_command_is_there_unless_it_makes_no_sense_now(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "seed=1", "seed=1") as chat:
        await chat.answered("Hi")
        there = await offered(chat)
        keys = {each.action for each in CHAT_BINDINGS if isinstance(each, Binding)}
        # Nothing is hidden, nothing runs, and the prompt has the focus.
        senseless = {"run('/vote')", "stop", "stop(False)"}
        assert keys - there.keys() == senseless
        assert {f"ask('{deed}')" for deed in ("undo", "redo", "reset", "copy", "save")} < there.keys()
        for command in LISTED:
            word = command.name.split()[0]
            assert word == "/vote" or any(word in action for action in there), command.usage
        await chat.press("f8")
        await chat.until(lambda: len(chat.panes) == 1)
        assert "run('/keep')" not in await offered(chat), "there is one side"


async def test_each_shows_the_key_that_it_has_now(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        chat.app.set_keymap({"chat.knobs": "f10"})
        there = await offered(chat)
        assert there["quit"].help == "Close twiddle · ^q"
        assert there["run('/preset')"].help.endswith("· f2")
        assert there["toggle_knobs"].help.endswith("· f10")


async def test_knobs_are_saved_from_there(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await search(chat, "save as preset")
        await chat.until(lambda: "Save as preset" in chat.view and "A new chat with" not in chat.view)
        await chat.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, SavePreset))


async def test_what_needs_more_words_begins_a_line(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.press(*"draft")
        await search(chat, "set system")
        await chat.until(lambda: "Set system …" in chat.view and "A new chat with" not in chat.view)
        await chat.press("enter")
        await chat.until(lambda: chat.prompt.text == "/set system ")
        await chat.press(*"Rhyme", "enter")
        await chat.until(lambda: chat.side.preset.system == "Rhyme")
        await chat.press("up", "up")
        assert chat.prompt.text == "draft"


def test_every_command_that_takes_nothing_can_be_obeyed() -> None:
    for command in LISTED:
        if not command.needs_argument:
            assert parse_command(command.name).command is command
