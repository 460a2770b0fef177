"""Clipboard: the desktop's own program if there is one, else the terminal (OSC 52)."""

import asyncio
import base64
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable

LONGEST = 75_000
"""Bytes that terminals accept by OSC 52; more is dropped or cut silently."""
PATIENCE = 2.0
"""Seconds that a clipboard program may take."""


async def copy(text: str, write: Callable[[str], None] | None) -> str:
    """Copy a text and return the notice to show; `write` sends to the terminal."""
    lines = text.count("\n") + (not text.endswith("\n"))
    copied = f"Copied {lines} lines." if lines > 1 else f"Copied {len(text)} characters."
    for command in _programs():
        if await _run(command, text):
            return copied
    data = text.encode()
    if len(data) > LONGEST:
        return f"Not copied: {len(data) // 1000} kB, and the terminal's clipboard takes {LONGEST // 1000}; select less."
    if write:
        write(_osc52(data))
    return copied


def _programs() -> list[tuple[str, ...]]:
    """Return the commands that reach the user's clipboard from here, the nearest first."""
    inside = os.environ.get
    found: list[tuple[str, ...]] = []
    if not (inside("SSH_CONNECTION") or inside("SSH_TTY")):  # theirs would be the clipboard of the machine over there
        if sys.platform == "darwin":
            found.append(("pbcopy",))
        if inside("WAYLAND_DISPLAY"):
            found.append(("wl-copy",))
        if inside("DISPLAY"):
            found += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
    if inside("TMUX"):
        found.append(("tmux", "load-buffer", "-w", "-"))
    return [command for command in found if shutil.which(command[0])]


async def _run(command: tuple[str, ...], text: str) -> bool:
    try:
        # In a session of its own: it stays to hand the text out, and an interrupt is not meant for it.
        program = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await program.communicate(text.encode())
    except TimeoutError:
        program.kill()
        return False
    return program.returncode == 0


def _osc52(data: bytes) -> str:
    """Return the OSC 52 sequence; tmux has to pass it on."""
    ask = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if os.environ.get("TMUX"):
        return ask + "\x1bPtmux;" + ask.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return ask
