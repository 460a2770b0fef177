"""Private names of Textual: each does what twiddle needs of it in the pinned version."""

import queue
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key

from tui.ui.textual_private import XTermParser, character_to_key, close_with, is_stuck, keymap, use_parser


class Plain(App[None]):
    BINDINGS = [Binding("x", "nothing", "Nothing", id="app.nothing")]


def test_the_driver_reads_with_the_parser_of_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(XTermParser):
        pass

    monkeypatch.setattr(linux_driver, "XTermParser", XTermParser)
    use_parser(Other)
    assert vars(linux_driver)["XTermParser"] is Other
    assert "XTermParser" in LinuxDriver.run_input_thread.__code__.co_names


def test_the_parser_makes_keys_of_bytes() -> None:
    assert [event.key for event in XTermParser().feed("a") if isinstance(event, Key)] == ["a"]


def test_a_driver_is_stuck_while_its_queue_is_full() -> None:
    full: queue.Queue[str] = queue.Queue(1)
    driver = cast("Any", SimpleNamespace(_writer_thread=SimpleNamespace(_queue=full)))
    assert not is_stuck(driver)
    full.put("text")
    assert is_stuck(driver)
    assert not is_stuck(cast("Any", SimpleNamespace(_writer_thread=None)))


async def test_the_keymap_is_the_one_that_was_set() -> None:
    app = Plain()
    async with app.run_test():
        app.set_keymap({"app.nothing": "y"})
        assert keymap(app) == {"app.nothing": "y"}


def test_a_character_has_a_key_of_its_own() -> None:
    assert character_to_key("/") == "slash" and character_to_key("a") == "a"


async def test_an_app_ends_with_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Plain):
        def on_mount(self) -> None:
            close_with(self, Text("it broke"))

    await Broken().run_async(headless=True)
    assert "it broke" in capsys.readouterr().err
