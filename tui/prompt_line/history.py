"""History of the prompts: a walk through those that were sent, and their file, a line of JSON each, oldest first."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tui.paths import FileFault, make_private, read_regular, write_atomically

MOST = 500
"""Prompts in the file."""
LONGEST = 10_000
"""Characters; a longer prompt is not saved."""
LARGEST = 16 * 2**20
"""Bytes; a larger file is not a history."""


class PromptHistory:
    """Prompts that were sent, oldest first, and a position among them; past the last is the prompt being written."""

    def __init__(self, sent: Iterable[str] = ()) -> None:
        self.sent = list(sent)
        self.place = len(self.sent)
        """Index of the prompt that is shown; `len(sent)` for the one being written."""

    def leave(self) -> None:
        """Go past the last prompt."""
        self.place = len(self.sent)

    def remember(self, text: str) -> None:
        """Add a prompt, unless it is blank or repeats the last one, and go past it."""
        if text.strip() and self.sent[-1:] != [text]:
            self.sent.append(text)
        self.leave()

    def recall(self, sent: Iterable[str]) -> None:
        """Insert prompts that were sent before all others."""
        before = list(sent)
        self.sent[:0] = before
        self.place += len(before)

    def walk(self, step: int, text: str) -> str | None:
        """Return the prompt `step` places on, or None if `text` is not the one shown but the person's own."""
        if text != self._shown:
            if text:
                return None
            self.leave()
        self.place = min(max(self.place + step, 0), len(self.sent))
        return self._shown

    @property
    def _shown(self) -> str:
        return self.sent[self.place] if self.place < len(self.sent) else ""


def read_sent(path: Path) -> list[str]:
    """Return the newest prompts in a file, oldest first; lines and files that cannot be read are skipped."""
    try:
        content = read_regular(path, LARGEST + 1)
    except FileFault:
        return []
    lines = content.decode("utf-8", "replace").split("\n") if len(content) <= LARGEST else []
    sent = [text for text in map(_text, lines) if text]
    if len(sent) > 2 * MOST:
        with suppress(OSError):
            write_atomically(path, _lines(sent[-MOST:]), mode=0o600)
    return sent[-MOST:]


def add_sent(path: Path, text: str) -> None:
    """Append a prompt to the file, or do nothing if that is impossible."""
    if len(text) > LONGEST:
        return
    with suppress(OSError):
        make_private(path.parent)
        # One write, so that two windows do not mix their lines.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as file:
            file.write(_lines([text]))


def _lines(sent: Iterable[str]) -> bytes:
    return "".join(f"{json.dumps(text)}\n" for text in sent).encode()


def _text(line: str) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
