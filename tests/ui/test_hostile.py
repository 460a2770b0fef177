"""Text from elsewhere does nothing to the terminal or the app, and can be read."""

import unicodedata
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import OpenChat
from tui.paths import config_dir

SEQUENCES = (
    "\x1b[31mred\x1b]52;c;aGVsbG8=\x07 \x1b]8;;http://evil\x1b\\link \x1b]0;owned\x07 \x1bP1$r\x1b\\ \x9b2J\x9d0;t\x9c"
)
BIDI = "abc\u202edef\u2066ghi\u200f"
MARKUP = "[/x] [TODO] [@click=app.quit]x[/] [link=http://evil]y[/link] [b]bold"
COMBINING = "e" + "\u0301" * 10_000
HOSTILE = f"{SEQUENCES}\n\n{BIDI}\n\n{MARKUP}\n\n{COMBINING[:200]}\n\nthe end"
"""The scripted model says a byte a token, so that every sequence is split over tokens."""

LINE = f"{SEQUENCES} {MARKUP}".replace("\n", " ")


def harmful(text: str) -> set[str]:
    """Return the characters of a text that may not reach a terminal."""
    return {repr(char) for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")}


async def test_t01_to_t13_t15_t20_t22_a_hostile_question_and_reply_are_shown_and_do_nothing(
    open_chat: OpenChat,
) -> None:
    async with open_chat(Script(replies=(HOSTILE, "fine"), context=65_536), size=(160, 50)) as chat:
        await chat.ready()
        await chat.answered(f"{SEQUENCES} {BIDI} {MARKUP} {COMBINING}")
        assert not harmful(chat.view), harmful(chat.view)
        assert chat.said().count("␛[31mred") == 2
        assert chat.said().count("[@click=app.quit]x[/]") == 2
        assert "the end" in chat.said()
        assert chat.view.count("\u0301") <= 16
        assert chat.side.conversation.path[-1].message.content == HOSTILE, "what was said is kept as it is"
        await chat.answered("still there?")
        assert "fine" in chat.view


@pytest.fixture
def hostile_preset() -> str:
    """A preset of the person's own, whose every word is hostile."""
    folder = config_dir() / "Modelfiles"
    folder.mkdir(parents=True)
    name = "[@click=app.quit]x[!] \x1b]0;t\x07\u202e"
    words = LINE.replace("\x1b\\", "\x1b")
    (folder / f"{name}.Modelfile").write_text(f'# {words}\nFROM starter\nSYSTEM """{HOSTILE}"""\n')
    (folder / f"{name}2.Modelfile").write_text(f"FROM starter\nPARAMETER {words}\n")
    return name


async def test_t17_t20_a_hostile_preset_is_shown_found_and_used(open_chat: OpenChat, hostile_preset: str) -> None:
    async with open_chat(Script(), size=(160, 50)) as chat:
        await chat.ready()
        await chat.press("f2", *"app.quit")
        await chat.until(lambda: "✗ [@click=app.quit]x[!] ␛]0;t␇" in chat.view)
        assert not harmful(chat.view), harmful(chat.view)
        await chat.press("down")
        await chat.until(lambda: "there is no" in chat.view.lower() or "PARAMETER" in chat.view)
        await chat.press("enter")
        assert not harmful(await chat.toast())
        await chat.press("ctrl+p")
        await chat.until(lambda: "A new chat with" in chat.view)
        await chat.press(*"click")
        await chat.until(
            lambda: "Preset [@click=app.quit]x[!] ␛]0;t␇" in chat.view and "A new chat with" not in chat.view
        )
        assert not harmful(chat.view), harmful(chat.view)
        await chat.press("enter")
        await chat.until(lambda: chat.side.preset.name == hostile_preset)
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2 and chat.view.count("[@click=app.quit]x[!] ␛]0;t␇") >= 3)
        await chat.answered("Hi")
        assert not harmful(chat.view), harmful(chat.view)


async def test_t17_a_hostile_model_path_and_its_error_are_shown(
    open_chat: OpenChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "\x1b]52;c;x\x07[x][@click=app.quit]\u202e.gguf"
    path.write_bytes(b"GGUF nonsense")
    async with open_chat(Script(), size=(160, 50)) as chat:
        await chat.ready()
        monkeypatch.setattr("tui.presets.preset.find_model", lambda reference, folder=None: path)
        await chat.ask("/preset greedy")
        await chat.until(lambda: chat.state == "failed")
        await chat.pilot.pause()
        assert "[@click=app.quit]" in "".join(chat.said().split())  # wherever the line breaks
        assert not harmful(chat.view), harmful(chat.view)


async def test_t17_hostile_commands_are_refused_in_words(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(160, 50)) as chat:
        await chat.ready()
        commands = [f"/{LINE}", f"/preset {LINE}", f"/set parameter temperature {LINE}", f"/compare {LINE},top_k=x"]
        for count, command in enumerate(commands, 1):
            chat.prompt.clear()
            await chat.ask(command)
            await chat.toast(count)
            assert not harmful(chat.view), harmful(chat.view)


async def test_t17_a_hostile_theme_file_is_left_out_in_words(open_chat: OpenChat) -> None:
    folder = config_dir() / "themes"
    folder.mkdir(parents=True)
    (folder / "[@click=app.quit]\x1b]0;t\x07.toml").write_text('primary = "\\u001b]0;t\\u0007[/x]"')
    async with open_chat(Script(), size=(160, 50)) as chat:
        assert "[@click=app.quit]␛]0;t␇.toml" in await chat.toast()
        assert not harmful(chat.view), harmful(chat.view)
