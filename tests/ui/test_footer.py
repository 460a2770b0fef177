"""The bottom line is honest: what works now, most important first, no word cut."""

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, Chat, OpenChat
from tui.ui.widgets.footer import Footer


def line(chat: Chat) -> str:
    return chat.screen.query_one(Footer).render_line(0).text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
async def test_no_word_is_cut_and_help_is_always_there(open_chat: OpenChat, width: int) -> None:
    async with open_chat(Script(), size=(width, 24)) as chat:
        await chat.ready()
        shown = chat.screen.query_one(Footer)._fitting()
        text = line(chat)
        assert len(text) == width and "f1 Help" in text
        assert text.rstrip() == "".join(f" {item.shown} {item.does} " for item in shown).rstrip()


async def test_it_offers_what_works_now(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, size=(200, 24)) as chat:
        await chat.ready()
        assert "Stop" not in line(chat) and "Again" not in line(chat) and "Tokens" not in line(chat)
        await chat.ask("Hi")
        await chat.written(20)
        await chat.until(lambda: "esc Stop" in line(chat))
        await chat.press("escape")
        await chat.ready()
        await chat.until(lambda: "Stop" not in line(chat) and "^r Again" in line(chat))


async def test_what_has_the_focus_comes_first(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(120, 40)) as chat:
        await chat.ready()
        chat.knobs.focus()
        await chat.until(lambda: "Reset" in line(chat))
        assert line(chat).index("Reset") < line(chat).index("Help")


async def test_a_click_presses_the_key(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(120, 40)) as chat:
        await chat.ready()
        await chat.pilot.click(Footer, offset=(line(chat).index("Compare"), 0))
        await chat.until(lambda: len(chat.panes) == 2)
