"""A terminal of any size: where there is no room, that is said, and nothing is lost."""

from functools import partial

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tui.ui.screens.presets import PresetPicker
from tui.ui.widgets.too_small import LEAST

SIZES = [(1, 1), (2, 40), (300, 2), (30, 8), (40, 12), LEAST, (60, 16), (79, 23), (99, 35), (120, 40), (300, 80)]


def pairs(chat: Chat, size: tuple[int, int]) -> bool:
    return chat.app.size == size and len(chat.view.split("\n")) == size[1]


@pytest.mark.parametrize("keys", [(), ("f4",), ("f3",), ("ctrl+t",), ("f2",), ("f1",), ("f5",), ("ctrl+p",)])
async def test_no_size_breaks_it(open_chat: OpenChat, keys: tuple[str, ...]) -> None:
    async with open_chat(Script(replies=("# A\n\n| b | c |\n|-|-|\n| d | e |\n",)), size=(120, 40)) as chat:
        await chat.answered("Hi")
        await chat.press(*keys)
        for size in (*SIZES, *reversed(SIZES)):
            await chat.pilot.resize_terminal(*size)
            await chat.until(partial(pairs, chat, size))


async def test_what_is_too_small_says_what_it_needs_and_keys_still_work(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(40, 12)) as chat:
        await chat.ready()
        assert " ".join(chat.view.split()) == "This terminal is 40 × 12; twiddle needs 48 × 14."
        await chat.ask("Hi")
        await chat.until(lambda: len(chat.side.conversation.turns) == 2)
        await chat.pilot.resize_terminal(*LEAST)
        await chat.until(lambda: "needs" not in chat.view and "Hi" in chat.view)
        assert chat.prompt.has_focus
        await chat.press("f2")
        await chat.until(lambda: isinstance(chat.app.screen, PresetPicker))
        await chat.pilot.resize_terminal(40, 12)
        await chat.until(lambda: "needs 48 × 14" in " ".join(chat.view.split()))
