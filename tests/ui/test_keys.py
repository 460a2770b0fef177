"""Keys of the table [keys]: the valid lines work, and each other one gives a sentence."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import OpenChat
from tui.config import Config, LoadedConfig, config_path
from tui.ui.keys import bound, own_bindings, read_keys
from tui.ui.screens.help import HelpScreen
from tui.ui.widgets.pane import Pane

DOCS = Path(__file__).parents[2] / "docs"


def test_every_binding_has_an_id_and_no_two_share_one() -> None:
    bindings = list(own_bindings())
    assert [(node.__name__, each.key) for node, each in bindings if not each.id] == []
    counted = Counter((each.id, each.action) for _, each in bindings)
    assert len({name for name, _ in counted}) == len(counted)


def test_every_binding_says_what_it_does() -> None:
    assert [each.id for each in bound().values() if not each.what] == []


def test_the_page_of_keys_is_the_programs() -> None:
    spec = importlib.util.spec_from_file_location("docs_keys", DOCS / "keys.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == module.page(), "run: uv run python docs/keys.py"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"chat.compair": "f10"}, "there is nothing called 'chat.compair'. Did you mean chat.compare?"),
        ({"chat.compare": "f99"}, "chat.compare: 'f99' is no key"),
        ({"chat.compare": "strg+k"}, "chat.compare: 'strg+k' is no key"),
        ({"chat.compare": "f10,"}, "chat.compare: '' is no key"),
        ({"chat.compare": "x"}, "chat.compare: x is typed into the prompt"),
        ({"prompt.send": "?"}, "prompt.send: question_mark is typed into the prompt"),
        ({"chat.compare": "ctrl+k"}, "chat.compare: ctrl+k is there already for 'Delete to line end'"),
        ({"chat.compare": "f2"}, "chat.compare: f2 is the key of chat.presets"),
        ({"knob.reset": "left"}, "knob.reset: left is the key of knob.less"),
        ({"knob.less": "f4"}, "knob.less: f4 is the key of chat.knobs"),
        ({"message.edit": "y"}, "message.edit: y is the key of transcript.copy"),
        ({"presets.back": "ctrl+q"}, "presets.back: ctrl+q is the key of app.quit"),
        ({"chat.stop": "tab"}, "chat.stop: tab moves the focus everywhere"),
        ({"chat.new": "ctrl+m"}, "chat.new: most terminals send enter for ctrl+m"),
    ],
)
def test_a_line_that_cannot_work_is_left_out_and_says_why(line: dict[str, str], said: str) -> None:
    choice = read_keys({"chat.again": "f10", **line})
    assert choice.keymap == {"chat.again": "f10"}
    [fault] = choice.faults
    assert fault.startswith(f"{config_path()}, [keys]: {said}")


@pytest.mark.parametrize(
    ("lines", "keymap"),
    [
        ({"chat.compare": "Ctrl+B, F10"}, {"chat.compare": "ctrl+b,f10"}),
        ({"chat.compare": "f2", "chat.presets": "f3"}, {"chat.compare": "f2", "chat.presets": "f3"}),
        ({"knob.reset": "?"}, {"knob.reset": "question_mark"}),
        ({"presets.back": "f3"}, {"presets.back": "f3"}),
        ({"chat.compare": "f3,f10"}, {"chat.compare": "f3,f10"}),
    ],
)
def test_a_line_that_can_work_is_taken(lines: dict[str, str], keymap: dict[str, str]) -> None:
    assert read_keys(lines) == (keymap, ())


def test_of_two_lines_with_one_key_the_first_counts() -> None:
    choice = read_keys({"chat.new": "f10", "chat.again": "f10"})
    assert choice.keymap == {"chat.new": "f10"}
    assert "chat.again: f10 is the key of chat.new" in choice.faults[0]


def test_a_line_that_is_left_out_gives_its_old_key_back() -> None:
    choice = read_keys({"chat.compare": "f2", "chat.presets": "f4"})
    assert choice.keymap == {}
    assert len(choice.faults) == 2


async def test_chosen_keys_work_and_the_old_ones_no_longer_do(open_chat: OpenChat) -> None:
    settled = LoadedConfig(
        Config(keys={"chat.compare": "f10", "chat.help": "f3", "chat.nwe": "f8"}), ("config.toml: a fault.",)
    )
    async with open_chat(Script(), settled=settled) as chat:
        await chat.ready()
        assert await chat.toast(2)
        assert "a fault." in chat.toasts[0] and "Did you mean chat.new?" in chat.toasts[1]
        await chat.press("f10")
        await chat.until(lambda: len(chat.screen.query(Pane)) == 2)
        await chat.press("f3")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen))
        assert "F9" in chat.view.upper()


async def test_a_chosen_key_sends_and_the_old_one_begins_a_line(open_chat: OpenChat) -> None:
    async with open_chat(Script(), settled=LoadedConfig(Config(keys={"prompt.send": "ctrl+s"}))) as chat:
        await chat.ready()
        chat.prompt.insert("one")
        await chat.press("enter", "t", "w", "o")
        assert chat.prompt.text == "one\ntwo"
        await chat.press("ctrl+s")
        await chat.until(lambda: chat.side.conversation.turns)
        assert chat.side.conversation.turns[0].message.content == "one\ntwo"
