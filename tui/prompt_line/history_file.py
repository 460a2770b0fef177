"""The prompts that were sent, kept over restarts: a line of JSON each, the oldest first."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tui.paths import FileFault, make_private, read_regular, write_atomically

MOST = 500
"""Prompts kept."""
LONGEST = 10_000
"""Characters; a longer prompt is not kept."""
LARGEST = 16 * 2**20
"""Bytes; a file beyond it is something else."""


def read_sent(path: Path) -> list[str]:
    """The newest prompts in the file; lines that cannot be read are passed over, and so is a file that cannot."""
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
    """Keep one more; where that is not possible, nothing happens."""
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
        said = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""
