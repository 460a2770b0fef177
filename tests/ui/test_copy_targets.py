"""Copying parts of a transcript, and following its links."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tui.ui.screens.link import LinkScreen
from tui.ui.terminal import clipboard

REPLY = """\
See [the page](https://example.org/a) and [this](ssh://example.org/b) and [that](javascript:alert(1)).

```make
all:
\tcc main.c
```

- item
  ```
  nested
  ```
"""
CODE = "all:\n\tcc main.c\n"


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def chat(open_chat: OpenChat) -> AsyncIterator[Chat]:
    async with open_chat(Script(replies=(REPLY,)), size=(120, 48)) as chat:
        await chat.ready()
        await chat.answered("Hi")
        chat.panes[0].transcript.focus()
        await chat.pilot.pause()
        yield chat


async def test_a_block_of_code_is_copied_as_it_was_written(chat: Chat) -> None:
    await chat.press("left_square_bracket")
    assert "█  " in chat.view
    await chat.press("y")
    assert await chat.toast() == "Copied 7 characters."
    assert chat.app.clipboard == "nested\n"
    await chat.press("left_square_bracket", "y")
    assert await chat.toast(2) == "Copied 2 lines."
    assert chat.app.clipboard == CODE


async def test_t26_without_one_lit_the_last_message_is_copied_and_filtered(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("a\x1b]52;c;eA==\x07b",))) as chat:
        await chat.ready()
        await chat.answered("Hi")
        chat.panes[0].transcript.focus()
        await chat.press("y")
        await chat.toast()
        assert chat.app.clipboard == "a␛]52;c;eA==␇b"


async def test_stepping_goes_both_ways_and_stays_at_the_ends(chat: Chat) -> None:
    copied = []
    for key in "[[[[[]]]]]":
        await chat.press({"[": "left_square_bracket", "]": "right_square_bracket"}[key])
        lit = next(entry.lit for entry in chat.panes[0].transcript.stack.entries if entry.lit)
        copied.append(lit.text)
    down = ["nested\n", CODE, "ssh://example.org/b", "https://example.org/a"]
    assert copied == [*down, down[-1], *reversed(down[:-1]), down[0], down[0]]


async def test_t25_a_link_shows_its_target_and_waits(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    async def run(*command: str, **options: object) -> None:
        opened.extend(command)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", run)
    monkeypatch.setattr("tui.ui.screens.link._opener", lambda: "opener")
    await chat.press(*["left_square_bracket"] * 4, "enter")
    await chat.until(lambda: isinstance(chat.app.screen, LinkScreen))
    assert "  example.org   " in chat.view
    assert "https://example.org/a" in chat.view and not opened
    await chat.press("enter")
    await chat.until(lambda: chat.app.screen is chat.screen)
    assert opened == ["opener", "https://example.org/a"]


async def test_t23_a_link_of_another_kind_is_only_shown(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ui.screens.link._opener", lambda: pytest.fail("it must not be opened"))
    await chat.press(*["left_square_bracket"] * 3, "enter")
    await chat.until(lambda: isinstance(chat.app.screen, LinkScreen))
    assert "only shown" in chat.view
    await chat.press("enter")
    assert isinstance(chat.app.screen, LinkScreen)
    await chat.press("y")
    await chat.until(lambda: chat.app.clipboard == "ssh://example.org/b")


async def test_a_click_on_a_link_shows_its_target(chat: Chat) -> None:
    rows = chat.view.splitlines()
    row = next(number for number, line in enumerate(rows) if "the page" in line)
    await chat.pilot.click(offset=(rows[row].index("the page") + 2, row))
    await chat.until(lambda: isinstance(chat.app.screen, LinkScreen))
    assert "https://example.org/a" in chat.view


async def test_what_is_not_there_is_not_offered(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("plain",)), size=(120, 48)) as chat:
        await chat.ready()
        chat.panes[0].transcript.focus()
        await chat.pilot.pause()
        assert "y Copy" not in chat.view
        await chat.answered("Hi")
        chat.panes[0].transcript.focus()
        await chat.pilot.pause()
        assert "y Copy" in chat.view and "Link" not in chat.view
        await chat.press("left_square_bracket")
        assert await chat.toast() == "No reply here has a block of code or a link."


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://exa\u0440le.org",
        "https://a b",
        "//x",
        "http://[",
        "mailto:",
        "smb://e/s",
        "vscode://x",
        "-flag",
        "../../a",
        "http://%1b]0;PWN%07/",
        "http://\x1b]0;PWN\x07/",
    ],
)
def test_t23_t24_t25_only_plain_web_and_mail_addresses_are_opened(target: str) -> None:
    assert LinkScreen(target)._host is None


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("https://example.org@evil.example/a", "evil.example"),
        ("https://de.wikipedia.org/wiki/Bär", "de.wikipedia.org"),
        ("mailto:a@example.org", "a@example.org"),
        ("http://example.org/%1b]0;PWN%07", "example.org"),
    ],
)
def test_t25_the_real_host_is_said(target: str, host: str) -> None:
    assert LinkScreen(target)._host == host


def program(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> Path:
    """A program in the path that keeps what it is given."""
    kept = folder / f"{name}.txt"
    path = folder / name
    path.write_text(f"#!/bin/sh\n/bin/cat > '{kept}'\nexit {code}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return kept


async def test_the_desktops_program_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = program(tmp_path, "wl-copy", monkeypatch)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    written: list[str] = []
    assert await clipboard.copy("ä\nb\n", written.append) == "Copied 2 lines."
    assert (kept.read_text(), written) == ("ä\nb\n", [])


async def test_a_program_that_fails_leaves_it_to_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "wl-copy", monkeypatch, code=1)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    written: list[str] = []
    await clipboard.copy("hi", written.append)
    assert written == ["\x1b]52;c;aGk=\x07"]


async def test_over_ssh_it_is_not_the_other_machines_clipboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = program(tmp_path, "wl-copy", monkeypatch)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    written: list[str] = []
    await clipboard.copy("hi", written.append)
    assert written and not kept.exists()


async def test_tmux_passes_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("PATH", "")
    written: list[str] = []
    await clipboard.copy("hi", written.append)
    assert written == ["\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"]


async def test_what_terminals_would_cut_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    written: list[str] = []
    said = await clipboard.copy("x" * 80_000, written.append)
    assert said == "Not copied: 80 kB, and the terminal's clipboard takes 75; select less."
    assert written == []


async def test_what_is_no_longer_on_screen_is_not_copied(chat: Chat) -> None:
    await chat.press("left_square_bracket")
    assert chat.panes[0].transcript.targets.lit
    await chat.press("ctrl+r")
    await chat.until(lambda: len(chat.side.conversation.turns) == 3 and not chat.side.busy)
    chat.panes[0].transcript.focus()
    await chat.press("y")
    await chat.toast()
    assert chat.app.clipboard == chat.side.conversation.path[-1].message.content
