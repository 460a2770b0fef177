"""The chat on a machine where places are closed: no keystroke ends it, and what is missing is said."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.closed import closed
from tests.engine.scripted import Script
from tests.ollama_store import keep
from tests.ui.driver import Chat, OpenChat
from tui.paths import history_path
from tui.store.async_store import AsyncStore

FOLDERS = (".config/twiddle", ".local", ".ollama", ".lmstudio", ".cache/huggingface", "work/shut")


@pytest.fixture(params=["closed", "homeless"])
def places(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every folder of the person closed, or a person without a home."""
    for name in list(os.environ):
        if name.startswith(("XDG_", "HF_", "TWIDDLE_", "OLLAMA_")):
            monkeypatch.delenv(name)
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    keep(tmp_path / ".ollama/models")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    with closed(*(tmp_path / folder for folder in FOLDERS)):
        if request.param == "homeless":
            monkeypatch.delenv("HOME")
            monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
        yield


async def typed(chat: Chat, text: str) -> None:
    """Write a text, and have what completes it looked for."""
    chat.prompt.focus()
    chat.prompt.insert(text)
    await chat.press("tab")
    await chat.pilot.pause()
    chat.prompt.clear()


@pytest.mark.usefixtures("places")
async def test_no_keystroke_ends_the_chat(open_chat: OpenChat) -> None:
    store = AsyncStore(history_path())
    async with open_chat(Script(), diary=store) as chat:
        await chat.ready()
        for text in ("/model ", "/load ", "/preset ", "look at @shut/", "look at @shut/a", "@~/.local/", "/set "):
            await typed(chat, text)
        for key in ("f2", "ctrl+o", "f1", "ctrl+p"):
            await chat.press(key)
            await chat.pilot.pause()
            await chat.press("escape")
            await chat.pilot.pause()
        for line in ("/model", "/model ollama:pirate", "/model ./shut/a.gguf", "/model ~/x.gguf", "/load nothing",
                     "/save mine", "/show", "/picture"):  # fmt: skip
            await chat.ask(line)
            await chat.pilot.pause()
            await chat.press("escape")
            chat.prompt.clear()
        chat.app.theme = "paper"
        await chat.until(lambda: chat.app.screen is chat.screen)
        await chat.answered("Why?")
        assert chat.side.conversation.messages[-1].content == "Hello from the script."
    await store.close()


async def test_what_is_gone_is_said_below_the_conversation(open_chat: OpenChat) -> None:
    async with open_chat(Script(), notice="It was left with x, which cannot be used: it is gone.") as chat:
        await chat.ready()
        assert chat.said() == "It was left with x, which cannot be used: it is gone."
