"""Private names of Textual that twiddle needs, each with its reason and a test in tests/ui/test_textual_private.py.

`ModelfileArea` beside these overrides `TextArea._build_highlight_map`, which its own tests cover.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import _character_to_key as character_to_key

__all__ = ["XTermParser", "character_to_key", "close_with", "is_stuck", "keymap", "use_parser"]


def use_parser(parser: type[XTermParser]) -> None:
    """Have Textual's driver read with another parser; it names its own in its module and nowhere else."""
    linux_driver.XTermParser = parser  # type: ignore[attr-defined]


def is_stuck(driver: LinuxDriver) -> bool:
    """Return True while the driver's queue is full, so that the next write would wait for the terminal."""
    return driver._writer_thread is not None and driver._writer_thread._queue.full()


def keymap(app: App[Any]) -> Mapping[str, str]:
    """Return the keys set with `set_keymap`, by the id of their binding; Textual has no getter."""
    return app._keymap


def close_with(app: App[Any], report: RenderableType) -> None:
    """End an app that failed, and print a report once the terminal is back."""
    app._exit_renderables.append(report)
    app._close_messages_no_wait()
