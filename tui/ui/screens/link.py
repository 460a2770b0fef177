"""Target of a link, shown before it is opened."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlsplit

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.terminal import safe_line
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog

OPENED = ("http", "https", "mailto")
"""Schemes that the desktop may open; a link of any other is only shown."""


class LinkScreen(Dialog[None]):
    """Target of a link in full, its host first. Nothing is opened or copied unasked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "open", "Open", id="link.open", show=True),
        bind("y", "copy", "Copy", id="link.copy", show=True),
        bind("escape,q", "dismiss", "Back", id="link.back", show=True, key_display="esc"),
    ]

    def __init__(self, target: str) -> None:
        """`target` is the model's own text."""
        super().__init__()
        self._target = target.strip()
        self._host = _host(self._target)

    def content(self) -> Iterable[Widget]:
        """Yield the host and the whole target of the link."""
        host = self._host or "This is no web or mail address: it is only shown."
        yield Static(Content(safe_line(host)), classes="name")
        yield Static(Content(safe_line(self._target)), classes="target")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to open only a link that may be opened."""
        return self._host is not None if action == "open" else True

    def action_copy(self) -> None:
        """Copy the target."""
        self.app.copy_to_clipboard(self._target)
        self.dismiss()

    async def action_open(self) -> None:
        """Open the target in the desktop's program for it."""
        opener = _opener()
        if opener is None:
            self.notify("There is no desktop here to open it with; y copies it.", severity="warning", markup=False)
            return
        # Its output must not reach the screen, and it outlives twiddle.
        await asyncio.create_subprocess_exec(
            opener, self._target, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        self.dismiss()


def _host(target: str) -> str | None:
    """Return the host or mail address that a link leads to, or None if it may not be opened."""
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
