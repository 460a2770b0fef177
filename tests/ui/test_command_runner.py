"""Slash commands at the whole screen: what each does to the active side, and what it says."""

from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, GREEDY, Chat, OpenChat
from tui.engine.protocol import Generate
from tui.presets.library import find_preset
from tui.prompt_line.commands import COMMANDS
from tui.ui.controllers.command_runner import CommandRunner


def _said(chat: Chat, text: str) -> bool:
    return text in chat.said()


def test_every_command_has_a_handler_and_every_handler_a_command() -> None:
    handlers = {name.removeprefix("do_") for name in vars(CommandRunner) if name.startswith("do_")}
    assert {command.handler for command in COMMANDS} == handlers
    assert all(iscoroutinefunction(getattr(CommandRunner, f"do_{handler}")) for handler in handlers)


async def test_a_system_prompt_holds_from_the_next_reply_on(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("One.", "Two.")), GREEDY, GREEDY) as chat:
        await chat.answered("Hi")
        chat.screen.active = 1
        await chat.ask("/set system Be brief.")
        await chat.until(lambda: "system prompt from the next reply on: Be brief." in chat.said(1))
        await chat.answered("Again")
        first, second = chat.engine.commands(Generate)[-1].replies
        assert first.messages[0].role == "user", "the default preset asks nothing"
        assert (second.messages[0].role, second.messages[0].content) == ("system", "Be brief.")
        await chat.ask('/set system ""')
        await chat.until(lambda: "no system prompt from the next reply on" in chat.said(1))
        assert chat.side.messages[0].role == "user"


async def test_a_setting_is_saved_as_a_preset_and_used_from_then_on(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,top_k=3") as chat:
        await chat.ready()
        await chat.ask("/set system Be a pirate.")
        await chat.ask("/save pirate")
        await chat.until(lambda: "saved as preset pirate, in " in chat.said())
        kept = find_preset("pirate")
        assert (kept.system, kept.knobs) == ("Be a pirate.", chat.side.knobs)
        assert (chat.side.preset.name, chat.side.turned) == ("pirate", ())
        await chat.ask("/preset precise")
        await chat.until(lambda: chat.side.preset.name == "precise")
        await chat.ask("/save pirate")
        assert "There is a preset 'pirate' of yours already" in await chat.toast()
        assert chat.prompt.text == "/save pirate"
        chat.prompt.clear()
        await chat.ask("/save pirate --force")
        await chat.until(lambda: find_preset("pirate").system != "Be a pirate.")


async def test_load_takes_a_preset_or_else_a_model(open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.models.reference.in_ollama", lambda name: "ollama:sea" if name == "sea" else "")
    monkeypatch.setattr("tui.models.reference.find_in_ollama", lambda reference: Path("sea.gguf"))
    monkeypatch.setattr("tui.ui.controllers.command_runner.is_model_reference", lambda name: name == "sea")
    async with open_chat(Script(), others={"ollama:sea": Script(replies=("Sea.",))}) as chat:
        await chat.ready()
        await chat.ask("/load precise")
        await chat.until(lambda: chat.side.preset.name == "precise")
        await chat.ask("/load sea")
        await chat.until(lambda: chat.side.preset.model == "ollama:sea")
        assert chat.side.preset.name == "precise"
        await chat.ask("/load nothing")
        assert "There is no preset and no model 'nothing'; F2 shows the presets" in await chat.toast()


async def test_show_prints_what_is_in_use(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "precise,top_k=3", size=(140, 60)) as chat:
        await chat.ready()
        await chat.ask("/show parameters")
        await chat.until(lambda: "top_k 3 (turned here)" in chat.said())
        assert "temperature 0.2 (from precise)" in chat.said()
        await chat.ask("/show system")
        await chat.until(lambda: find_preset("precise").system in chat.said())
        await chat.ask("/show modelfile")
        await chat.until(lambda: "PARAMETER top_k 3" in chat.said())
        assert "FROM starter" in chat.said()


@pytest.mark.model
async def test_show_prints_what_the_model_file_says(
    open_chat: OpenChat, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        monkeypatch.setattr("tui.presets.preset.find_model", lambda reference, folder=None: starter)
        for part, said in (("info", "kind llama, 1"), ("license", "apache-2.0"), ("template", "<|im_start|>")):
            await chat.ask(f"/show {part}")
            await chat.until(partial(_said, chat, said))


async def test_models_are_listed_and_one_that_is_missing_is_refused(
    open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.ask("/model")
        await chat.until(lambda: "▸ starter (twiddle)" in chat.said())
        monkeypatch.undo()
        before = chat.side.preset
        await chat.ask("/model nosuchmodel")
        assert "nosuchmodel" in await chat.toast()
        assert chat.prompt.text == "/model nosuchmodel"
        assert chat.side.preset is before


async def test_another_model_is_used_by_its_name(open_chat: OpenChat, tmp_path: Path) -> None:
    async with open_chat(Script(), "precise") as chat:
        await chat.ready()
        file = tmp_path / "sea.gguf"
        file.write_bytes(b"GGUF")
        await chat.ask(f"/model {file}")
        await chat.until(lambda: chat.side.preset.model == str(file))
        assert chat.side.preset.system == find_preset("precise").system


async def test_a_command_in_mid_reply_leaves_the_reply_alone(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(10)
        await chat.ask("/set system Be brief.")
        await chat.ask("/show system")
        await chat.until(lambda: chat.said().count("Be brief.") == 2)
        assert chat.side.busy


async def test_what_ollama_needs_a_command_for_is_explained(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.ask("/set verbose")
        assert "Every reply ends with its length and speed" in await chat.toast()
        assert chat.prompt.text == ""
