"""Where a link leads, before anybody goes there."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from typing import ClassVar
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.terminal import safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer

OPENED = ("http", "https", "mailto")
"""The kinds of links that are handed to the desktop; any other is only shown."""


class LinkScreen(Dialog[None]):
    """The target in full, its host first; it is opened or copied only when asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="link.open"),
        Binding("y", "copy", "Copy", id="link.copy"),
        Binding("escape,q", "dismiss", "Back", key_display="esc", id="link.back"),
    ]

    DEFAULT_CSS = """
    LinkScreen {
        align: center middle;
        & > Vertical {
            width: 90%;
            max-width: 92;
            height: auto;
            max-height: 90%;
            padding: 1 2 0 2;
            border: round $primary;
            background: $surface;
        }
        & Static { width: 1fr; height: auto; margin-bottom: 1; }
        & .host { color: $text-primary; text-style: bold; }
        & .target { max-height: 10; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, target: str) -> None:
        """`target` is what the model wrote."""
        super().__init__()
        self._target = target.strip()
        self._host = _host(self._target)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(
                Content(safe_line(self._host or "This is no web or mail address: it is only shown.")), classes="host"
            )
            yield Static(Content(safe_line(self._target)), classes="target")
            yield Footer()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be opened is offered to be."""
        return self._host is not None if action == "open" else True

    def action_copy(self) -> None:
        """Copy the target."""
        self.app.copy_to_clipboard(self._target)
        self.dismiss()

    async def action_open(self) -> None:
        """Hand it to the desktop."""
        opener = _opener()
        if opener is None:
            self.notify("There is no desktop here to open it with; y copies it.", severity="warning", markup=False)
            return
        # Nothing of it may reach the screen, and it outlives us.
        await asyncio.create_subprocess_exec(
            opener, self._target, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        self.dismiss()


def _host(target: str) -> str | None:
    """Whom a link that may be opened leads to; None for one that may not."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme not in OPENED or " " in target or not target.isprintable():
        return None
    if not parts.netloc.isascii():  # a host that looks like another
        return None
    return parts.path or None if parts.scheme == "mailto" else parts.hostname


def _opener() -> str | None:
    if sys.platform == "darwin":
        return shutil.which("open")
    here = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return shutil.which("xdg-open") if here else None
