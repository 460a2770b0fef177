import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.host import WidgetHost
from tui.ui.widgets.prompt.prompt import Prompt

SCREEN_KEYS = ["escape", "ctrl+n", "ctrl+p", "ctrl+q", "f1", "f2", "f3", "ctrl+r", "ctrl+t", "ctrl+o"]


class Host(WidgetHost):
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [(key, f"note('{key}')", "") for key in SCREEN_KEYS]

    def __init__(self, *sent: str) -> None:
        super().__init__()
        self.prompt = Prompt(sent=sent, placeholder="[/x]")
        self.submitted: list[str] = []
        self.noted: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.prompt
        yield Button("other")

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        self.submitted.append(event.text)

    def action_note(self, key: str) -> None:
        self.noted.append(key)


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def test_enter_sends_and_empties() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("h", "i", "enter")
        assert (app.submitted, app.prompt.text) == (["hi"], "")


async def test_blanks_alone_are_not_sent() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("enter", "space", "ctrl+j", "enter")
        assert (app.submitted, app.prompt.text) == ([], " \n")


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter", "shift+\r"])
async def test_a_new_line_does_not_send(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b")
        assert (app.submitted, app.prompt.text) == ([], "a\nb")


@pytest.mark.parametrize("key", SCREEN_KEYS)
async def test_the_screens_keys_reach_the_screen(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", key)
        assert (app.noted, app.prompt.text) == ([key], "a")


@pytest.mark.parametrize("key", ["tab", "shift+tab"])
async def test_tab_moves_the_focus(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", key)
        assert app.query_one(Button).has_focus
        assert app.prompt.text == "a"


async def test_up_and_down_walk_what_was_sent() -> None:
    app = Host("one", "two\nlines")
    async with app.run_test() as pilot:
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            seen.append(app.prompt.text)
        assert seen == ["two\nlines", "one", "one", "two\nlines", "", ""]


async def test_what_is_sent_is_remembered_once() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "a", "enter", "up", "enter")
        assert app.submitted == ["a", "a", "a"]
        assert app.prompt.sent_history.sent == ["a"]


async def test_the_persons_own_text_is_not_walked_over() -> None:
    app = Host("one")
    async with app.run_test() as pilot:
        await pilot.press("x", "up", "down")
        assert app.prompt.text == "x"
        await pilot.press("backspace", "up", "y", "up")
        assert app.prompt.text == "oney", "an entry that was changed is the person's own"


async def test_pasted_text_is_kept_and_painted_filtered() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await paste(pilot, "a\r\nb\rc\x1b]52;c;x\x07\u202e")
        assert app.prompt.text == "a\nb\nc\x1b]52;c;x\x07\u202e"
        assert app.submitted == []
        assert app.prompt.render_line(2).text.strip() == "c␛]52;c;x␇\ufffd"


async def test_put_back_leaves_the_cursor_at_the_end() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.prompt.set_text("one\ntwo")
        await pilot.press("!")
        assert app.prompt.text == "one\ntwo!"


async def test_it_grows_with_its_text_and_no_further() -> None:
    app = Host()
    async with app.run_test() as pilot:
        heights = [app.prompt.size.height]
        for text in ("a\nb\nc", "\n" * 30):
            app.prompt.set_text(text)
            await pilot.pause()
            heights.append(app.prompt.size.height)
        assert heights == [1, 3, 8]


async def test_the_placeholder_is_not_markup() -> None:
    app = Host()
    async with app.run_test():
        assert "[/x]" in app.prompt.render_line(0).text
