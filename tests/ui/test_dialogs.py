"""Common parts of the dialogs: F1 and the footer."""

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tui.ui.screens.dialog import Dialog
from tui.ui.screens.help import HelpScreen
from tui.ui.widgets.footer import Footer

BLIND = ("seed=1,temperature=0", "seed=1,temperature=1")


async def press(chat: Chat, *keys: str) -> None:
    """Press keys, letting each have its effect."""
    for key in keys:
        await chat.press(key)
        await chat.pilot.pause()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("f2",), "Edit its Modelfile here"),
        (("f2", "ctrl+n"), "Go on"),
        (("f2", "ctrl+e"), "Go to the line of the next finding"),
        (("f5",), "Go there"),
        (("f12",), "Restart"),
        (("tab", "s"), "Save"),
        (("tab", "slash", *"stop", "enter", "enter"), "Accept"),
        (("shift+tab", "left_square_bracket", "enter"), "Copy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
async def test_f1_shows_the_keys_of_a_dialog_and_leads_back(
    open_chat: OpenChat, keys: tuple[str, ...], said: str
) -> None:
    async with open_chat(Script(replies=("See https://example.org/a now.",)), size=(120, 90)) as chat:
        await chat.answered("Hi")
        await press(chat, *keys)
        await chat.until(lambda: isinstance(chat.app.screen, Dialog))
        dialog = chat.app.screen
        assert "f1 Help" in dialog.query_one(Footer).render_line(0).text
        await chat.press("f1")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen) and said in chat.view)
        assert "In this dialog" in chat.view and "/set parameter" not in chat.view
        await chat.press("f1")
        await chat.until(lambda: chat.app.screen is dialog)


async def test_f1_works_while_voting_and_over_the_tally(open_chat: OpenChat) -> None:
    async with open_chat(Script(), *BLIND, size=(120, 60)) as chat:
        await chat.ready()
        await chat.ask("/blind")
        await chat.answered("Hi")
        await press(chat, "f7", "f1")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen) and "None is good" in chat.view)
        await press(chat, "escape", "a", "b", "t", "enter")
        await chat.until(lambda: "Another round" in chat.view)
        await press(chat, "f1")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen) and "Another blind round" in chat.view)
