"""Where a question is made: going on by a list, what goes along, and the person's own editor."""

import asyncio
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from tests.base.test_terminal import WRITTEN
from tests.ui.host import WidgetHost
from tui.paths import sent_file
from tui.prompt_line.attachments import Attachment
from tui.prompt_line.history import add_sent, read_sent
from tui.terminal import safe
from tui.ui.terminal.input_parser import InputParser
from tui.ui.widgets.prompt.attachment_chips import AttachmentChips
from tui.ui.widgets.prompt.composer import Composer, Draft
from tui.ui.widgets.prompt.prompt import LONG
from tui.ui.widgets.prompt.suggestions import Suggestions

WORDS = "two words\n" * (LONG // 9)


class Host(WidgetHost):
    CSS = "Composer { dock: bottom; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [("escape", "note('escape')", "")]

    def __init__(self) -> None:
        super().__init__()
        self.composer = Composer("Ask")
        self.prompt = self.composer.prompt
        self.asked: list[str] = []
        self.drafts: list[Draft] = []
        self.commanded: list[str] = []
        self.noted: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.composer

    def on_mount(self) -> None:
        self.prompt.focus()

    def on_composer_asked(self, event: Composer.Asked) -> None:
        self.asked.append(event.text)
        self.drafts.append(event.draft)

    def on_composer_commanded(self, event: Composer.Commanded) -> None:
        self.commanded.append(event.text)

    def action_note(self, key: str) -> None:
        self.noted.append(key)

    @property
    def offered(self) -> list[str]:
        """The rows of the list, the lit one marked; none when it is closed."""
        suggestions = self.query_one(Suggestions)
        if not suggestions.display:
            return []
        return [str(option.prompt).split("  ")[0].strip() for option in suggestions.options]

    @property
    def chips(self) -> list[str]:
        chips = self.query_one(AttachmentChips)
        return str(chips.render()).split("\n") if chips.display else []

    @property
    def warnings(self) -> list[str]:
        return [" ".join(str(toast.render()).split()) for toast in self.query(Toast)]


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)
    await pilot.pause(0)


async def write(pilot: Pilot[None], text: str) -> None:
    """Type a text, in one go."""
    assert isinstance(pilot.app, Host)
    pilot.app.prompt.insert(text)
    await pilot.pause()


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    (tmp_path / "notes.md").write_text("# Notes\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- going on -----------------------------------------------------------------------------------------------------


async def test_a_slash_shows_the_commands_and_typing_narrows_them() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("/")
        await until(pilot, lambda: len(app.offered) > 10)
        await pilot.press("c", "l")
        await until(pilot, lambda: app.offered == ["▸ /clear"])
        await pilot.press("backspace", "backspace", "backspace")
        await until(pilot, lambda: app.offered == [])


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_tab_and_enter_take_the_lit_one(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("/", "s", "e", "t", "down", "down", "up", key)
        assert app.prompt.text == "/set system "
        assert app.commanded == []


async def test_the_list_turns_round() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("/", "up")
        await until(pilot, lambda: app.offered[-1:] == ["▸ /bye"])
        await pilot.press("down")
        await until(pilot, lambda: app.offered[0].startswith("▸ /set parameter"))


async def test_a_knob_is_found_and_set_by_completion_alone() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"/set", "tab", *"strat", "tab", *"gr", "tab")
        await until(pilot, lambda: app.prompt.text == "/set parameter strategy greedy")
        await pilot.press("enter")
        await until(pilot, lambda: app.commanded == ["/set parameter strategy greedy"])


async def test_presets_are_offered_with_what_they_are_for() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"/preset", "tab")
        await until(pilot, lambda: app.prompt.library.presets)
        await pilot.press(*"prec")
        await until(pilot, lambda: app.offered == ["▸ precise"])
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.commanded == ["/preset precise"])


async def test_what_is_written_in_one_go_is_completed_too() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await write(pilot, "/preset prec")
        await until(pilot, lambda: app.offered == ["▸ precise"])


async def test_enter_runs_a_command_that_is_written_out() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"/clear", "enter")
        await until(pilot, lambda: app.commanded == ["/clear"])
        assert app.prompt.text == ""


async def test_escape_closes_the_list_first() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("/", "s")
        await until(pilot, lambda: app.offered)
        await pilot.press("escape")
        await until(pilot, lambda: not app.offered)
        assert (app.noted, app.prompt.text) == ([], "/s")
        await pilot.press("escape")
        assert app.noted == ["escape"]


async def test_a_row_can_be_clicked() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("/")
        await until(pilot, lambda: app.offered)
        await pilot.click(Suggestions, offset=(5, 1))
        await until(pilot, lambda: app.prompt.text == "/set system ")
        assert app.prompt.has_focus


async def test_a_command_from_before_is_walked_past_without_a_list() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.prompt.sent_history.sent = ["one", "/set parameter top_k 3", "/clear"]
        app.prompt.set_text("")
        await pilot.press("up", "up", "up")
        assert app.prompt.text == "one"
        assert app.offered == []


async def test_a_slash_within_a_text_is_a_slash() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "/", "enter")
        await until(pilot, lambda: app.asked == ["a/"])
        await pilot.press("space", "/", "x", "enter")
        await until(pilot, lambda: app.asked == ["a/", " /x"])
        assert app.commanded == []


# --- several lines --------------------------------------------------------------------------------------------------


async def test_three_quotes_make_enter_a_new_line_until_three_close_them() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*'"""one', "enter", *"/two", "enter", *'three"""')
        assert (app.asked, app.prompt.text) == ([], '"""one\n/two\nthree"""')
        await pilot.press("enter")
        await until(pilot, lambda: app.asked == ["one\n/two\nthree"])
        assert [each.text for each in app.drafts] == ['"""one\n/two\nthree"""']


async def test_open_quotes_are_said_in_the_frame() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*'"""')
        assert app.prompt.border_subtitle == 'Enter begins a new line until """ ends one'
        await pilot.press("backspace")
        assert app.prompt.border_subtitle == ""


async def test_a_system_prompt_can_have_several_lines() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await write(pilot, '/set system """Be')
        await pilot.press("enter", *'brief"""', "enter")
        await until(pilot, lambda: app.commanded == ['/set system """Be\nbrief"""'])


async def test_several_lines_are_pasted_and_sent_as_they_are() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await paste(pilot, 'def f():\r\n    """Doc."""\r\n\r\n    return 1')
        await pilot.press("enter")
        await until(pilot, lambda: app.asked == ['def f():\n    """Doc."""\n\n    return 1'])


# --- what goes along ------------------------------------------------------------------------------------------------


async def test_a_file_is_found_by_typing_shown_and_sent(here: Path) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"see @no")
        await until(pilot, lambda: app.offered == ["▸ @notes.md"])
        await pilot.press("tab")
        await until(pilot, lambda: app.chips == ["@ notes.md · 8 bytes · about 2 tokens"])
        assert (app.prompt.text, app.offered) == ("see @notes.md ", [])
        await pilot.press("enter")
        await until(pilot, lambda: app.asked)
        assert app.asked == ["see @notes.md \n\nnotes.md:\n```md\n# Notes\n```"]
        assert app.chips == []


async def test_a_file_that_cannot_go_along_keeps_everything_and_enter_again_sends_the_text(here: Path) -> None:
    app = Host()
    async with app.run_test(notifications=True) as pilot:
        await write(pilot, "see @missing.md")
        await pilot.press("enter")
        await until(pilot, lambda: app.warnings)
        assert app.warnings == ["There is no file 'missing.md'. Enter again sends the text without it."]
        assert (app.asked, app.prompt.text) == ([], "see @missing.md")
        await pilot.press("enter")
        await until(pilot, lambda: app.asked == ["see @missing.md"])


async def test_what_the_model_cannot_hold_is_said_first(here: Path) -> None:
    (here / "long.txt").write_text("word " * 1000)
    app = Host()
    async with app.run_test(notifications=True) as pilot:
        app.composer.context = 1000
        await write(pilot, "see @long.txt")
        await pilot.press("enter")
        await until(pilot, lambda: app.warnings)
        assert "long.txt: about 1,250 tokens, and the context holds 1,000" in app.warnings[0]
        await pilot.press("enter")
        await until(pilot, lambda: app.asked)
        assert "word word" in app.asked[0]


async def test_a_long_paste_goes_along_and_backspace_removes_it() -> None:
    app = Host()
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.press("x")
        await paste(pilot, WORDS)
        await until(pilot, lambda: app.chips)
        assert app.prompt.text == "x"
        assert app.chips[0].startswith("✕ pasted text · 111 kB · about 27,778 tokens")
        await pilot.press("backspace")
        assert (app.prompt.text, len(app.chips)) == ("", 1)
        await pilot.press("backspace")
        await until(pilot, lambda: app.chips == [])
        await pilot.press("enter")
        assert app.asked == []


async def test_a_long_paste_can_be_sent_alone_and_clicked_away() -> None:
    app = Host()
    async with app.run_test(size=(120, 24)) as pilot:
        await paste(pilot, WORDS)
        await paste(pilot, "y" * (LONG + 1))
        await until(pilot, lambda: len(app.chips) == 2)
        await pilot.click(AttachmentChips, offset=(2, 1))
        await until(pilot, lambda: len(app.chips) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.asked)
        assert app.asked == [f"pasted text:\n```\n{WORDS}```"]


async def test_a_draft_that_could_not_be_sent_comes_back_whole() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await paste(pilot, WORDS)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: app.drafts)
        await pilot.press("m", "e")
        app.composer.restore(app.drafts[0])
        await pilot.pause()
        assert (app.prompt.text, len(app.chips)) == ("hi\nme", 1)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.asked) == 2)
        assert (app.drafts[1].text, app.drafts[1].pastes) == ("hi\nme", app.drafts[0].pastes)


# --- the person's own editor ----------------------------------------------------------------------------------------


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Sets an editor: a shell script that is given the file as $1. A headless terminal cannot be lent."""
    monkeypatch.setattr("textual.app.App.suspend", lambda app: nullcontext())
    monkeypatch.delenv("VISUAL", raising=False)
    (tmp_path / "drafts").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "drafts"))

    def set_editor(script: str) -> Path:
        path = tmp_path / "editor"
        path.write_text(f'#!/bin/sh\ncp "$1" "{tmp_path}/seen"; stat -c %a "$1" > "{tmp_path}/mode"\n{script}\n')
        path.chmod(0o700)
        monkeypatch.setenv("EDITOR", str(path))
        return tmp_path / "seen"

    return set_editor


async def test_the_persons_editor_gets_the_text_and_gives_it_back(
    editor: Callable[[str], Path], tmp_path: Path
) -> None:
    seen = editor('printf "two\\nlines\\n" > "$1"')
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("o", "n", "e", "ctrl+g")
        await until(pilot, lambda: app.prompt.text == "two\nlines")
        assert seen.read_text() == "one"
        assert (tmp_path / "mode").read_text() == "600\n"
        assert list((tmp_path / "drafts").iterdir()) == []
        await pilot.press("enter")
        await until(pilot, lambda: app.asked == ["two\nlines"])


async def test_what_was_pasted_can_be_looked_at_and_changed(editor: Callable[[str], Path]) -> None:
    seen = editor("sed -i 's/two words/2 words/' \"$1\"")
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("x")
        await paste(pilot, WORDS)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: seen.exists() and app.chips and "88.9 kB" in app.chips[0])
        assert app.prompt.text == "x"
        assert seen.read_text().startswith("x\n----------")
        await pilot.press("enter")
        await until(pilot, lambda: app.asked)
        assert app.asked[0].startswith("x\n\npasted text:\n```\n2 words\n")


@pytest.mark.parametrize(("script", "said"), [("exit 3", "ended with 3, so nothing was changed"), ("", "")])
async def test_an_editor_that_fails_or_changes_nothing_leaves_the_text(
    editor: Callable[[str], Path], script: str, said: str
) -> None:
    seen = editor(script)
    app = Host()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("o", "n", "e", "ctrl+g")
        await until(pilot, lambda: seen.exists() and len(app.warnings) == bool(said))
        await until(pilot, lambda: not app.workers._workers)
        assert app.prompt.text == "one"
        assert said in " ".join(app.warnings)


async def test_an_editor_that_is_not_there_is_said(
    editor: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("")
    monkeypatch.setenv("EDITOR", "no-such-editor")
    app = Host()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("o", "ctrl+g")
        await until(pilot, lambda: app.warnings)
        assert "The editor 'no-such-editor' cannot be started" in app.warnings[0]
        assert app.prompt.text == "o"


# --- what was sent --------------------------------------------------------------------------------------------------


async def test_what_was_sent_is_there_after_a_restart() -> None:
    first, second = Host(), Host()
    async with first.run_test() as pilot:
        await pilot.press("o", "n", "e", "enter")
        await pilot.press(*"/clear", "enter")
        await until(pilot, lambda: read_sent(sent_file()) == ["one", "/clear"])
    async with second.run_test() as pilot:
        await until(pilot, lambda: second.prompt.sent_history.sent == ["one", "/clear"])
        await pilot.press("up", "up")
        assert second.prompt.text == "one"
    assert stat.S_IMODE(sent_file().stat().st_mode) == 0o600


async def test_nothing_is_kept_when_that_is_asked_for() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.composer.keeping = False
        await pilot.press("o", "n", "e", "enter")
        await until(pilot, lambda: app.asked)
        await until(pilot, lambda: not app.workers._workers)
        assert not sent_file().exists()
        await pilot.press("up")
        assert app.prompt.text == "one"


async def test_a_hostile_file_of_prompts_acts_on_nothing() -> None:
    add_sent(sent_file(), "a\x1b]52;c;x\x07")
    app = Host()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.prompt.sent_history.sent)
        await pilot.press("up")
        assert app.prompt.text == "a\x1b]52;c;x\x07"
        assert app.prompt.render_line(0).text.strip() == safe(app.prompt.text)


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
async def test_what_is_typed_arrives_as_what_is_pasted_does(text: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        for message in InputParser().feed(f"{text}\r\x1b[200~{text}\x1b[201~"):
            app.post_message(message)
            await pilot.pause()
        await until(pilot, lambda: app.asked)
        assert app.asked == [text]
        assert app.prompt.text == text
        await pilot.press("enter")
        await until(pilot, lambda: len(app.asked) == 2)
        assert app.asked[1] == text
        assert read_sent(sent_file())[-1] == text
        assert "\u202b" not in app.prompt.render_line(0).text


def test_keys_that_write_nothing_are_no_pastes() -> None:
    keys = list(InputParser().feed("\x1b[A\x01\x7f\t\x1b[27;2;13~ \x1bx"))
    assert all(isinstance(message, events.Key) for message in keys)


async def test_questions_that_come_back_are_in_the_order_they_were_sent_in() -> None:
    app = Host()
    async with app.run_test() as pilot:
        pastes = tuple(Attachment(f"{number}", WORDS) for number in range(3))
        first, second, third = (Draft(f"line {number}", (pastes[number],), number + 1) for number in range(3))
        app.composer.restore(first)
        await pilot.press("!", "?")
        app.composer.restore(third)
        app.composer.restore(second)
        assert app.prompt.text == "line 0\nline 1\nline 2\n!?"
        await pilot.press("enter")
        await until(pilot, lambda: app.asked)
        assert app.drafts[0].pastes == pastes
        app.composer.restore(Draft("later", number=9))
        app.composer.restore(Draft("earlier", number=8))
        assert app.prompt.text == "earlier\nlater"
