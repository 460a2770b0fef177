"""Output of a program to a terminal: text, and what acts on it. Nothing acts but what is on a list."""

import base64
import re
import unicodedata

_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # CSI
    "|\x1b[]PX^_].*?(?:\x07|\x1b\\\\|\\Z)"  # OSC, DCS, SOS, PM and APC, to their end
    "|\x1b[ -/]*[0-~]?",  # any other escape
    re.DOTALL,
)
_STYLE = r"(?:;?(?:\d|38;2;\d+;\d+;\d+|48;2;\d+;\d+;\d+))*m"
_MODES = r"\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026|2048)[hl]"
"""Wrapping, cursor, mouse, focus, alternate screen, paste, synchronised output, resizing."""

SCREEN = re.compile(
    rf"\x1b\[(?:{_STYLE}|\d+;\d+H|{_MODES}|\?(?:2026|2048)\$p|>\d+u|<u)"
    r"|\x1b\]11;\?\x1b\\"  # which background it has
    r"|\x1b\]22;[a-z-]*\x07"  # the shape of the pointer
    r"|\x1b\]52;c;(?P<copied>[\w+/=]*)\x07"  # what the person copied
)
"""Control sequences that the screen may write."""

LINES = re.compile(rf"\x1b\[(?:{_STYLE}|\?25[hl]|2K|1A|36m)")
"""Control sequences that a command may write: styles, and a new text for the last line. Cyan: control tokens."""


def acting(output: bytes, allowed: re.Pattern[str]) -> set[str]:
    """Return the control sequences that are not on the list."""
    written = output.decode()
    unknown = {found for found in _SEQUENCE.findall(written) if not allowed.fullmatch(found)}
    left = set(_SEQUENCE.sub("", written)) - {"\n", "\r", "\t", "\u200c", "\u200d"}  # joiners act on nothing
    return unknown | {char for char in left if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")}


def copied(output: bytes) -> list[str]:
    """Return the text put on the clipboard."""
    return [base64.b64decode(found).decode() for found in re.findall(rb"\x1b\]52;c;([^\x07]*)\x07", output)]
