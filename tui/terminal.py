"""Filter between text from elsewhere and a terminal.

It decides per code point, never per sequence: an escape sequence split over two chunks cannot slip through, and what is
left of one is plain, visible text.
"""

import re

_DROPPED = "\u00ad\u115f\u1160\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0\ufff9\ufffa\ufffb"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e" + "".join(map(chr, range(0x2066, 0x2070)))

_TABLE: dict[int, str | None] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},  # ESC is shown as ␛
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),  # C1: CSI, OSC and their kin in one byte
    **dict.fromkeys(map(ord, _BIDI), "\ufffd"),
    **dict.fromkeys(map(ord, _DROPPED), None),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # lone surrogates cannot be encoded
    **dict.fromkeys(range(0xFDD0, 0xFDF0), "\ufffd"),  # noncharacters: the transcript uses them for its own marks
    **dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd"),
    **dict.fromkeys(range(0xE0000, 0xE0080), None),  # tag characters: invisible text
    0x2028: "\n",
    0x2029: "\n",
}

_CONTROLS = {code: shown for code, shown in _TABLE.items() if code < 0xA0}
_BLANK = "\u200c"
"""Sign of no width."""

_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_COMBINING = re.compile(f"({_MARK}{{8}}){_MARK}+")
_LAST_MARKS = re.compile(f"{_MARK}*\\Z")


def safe(text: str) -> str:
    """Return the text with nothing in it that acts on a terminal; newlines and tabs stay.

    Control characters become their visible pictures, direction marks and C1 controls U+FFFD; invisible characters are
    dropped, and runs of combining marks are cut at eight.
    """
    if text.isascii() and text.isprintable():
        return text
    return _COMBINING.sub(r"\1", text.translate(_TABLE))


class TextFilter:
    """`safe` for a text that comes piece by piece: a run of combining marks over several pieces is cut at eight too."""

    def __init__(self) -> None:
        self._marks = ""
        """Combining marks at the end of the text so far."""

    def __call__(self, piece: str) -> str:
        """Return the next piece as it can be shown."""
        text = safe(self._marks + piece)
        before, self._marks = len(self._marks), _LAST_MARKS.findall(text)[0]
        return text[before:]


def safe_lines(text: str) -> str:
    """Return `safe` text with every kind of line end made a newline; terminals paste carriage returns."""
    return safe(text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_signs(line: str) -> str:
    """Return a `safe` line with a sign for each of its own, so that places in it stay."""
    if safe(line) == line:
        return line
    signs = (sign if sign == "\t" or safe(sign) == sign else safe(sign)[:1].strip() or _BLANK for sign in line)
    return _COMBINING.sub(lambda run: run[1] + _BLANK * (len(run[0]) - len(run[1])), "".join(signs))


def written(text: str) -> str:
    """Return what a person wrote as a model and a file get it: its signs, with newlines for line ends.

    NUL is left out, and half a surrogate pair, which nothing can encode, becomes U+FFFD.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_controls(text: str) -> str:
    """Return the text with pictures of control characters, and every sign of every script as it is."""
    return text.translate(_CONTROLS)


def truncate(text: str, length: int) -> str:
    """Return the text cut to at most `length` characters, the last of them an ellipsis where something is cut."""
    return text if len(text) <= length else f"{text[: max(length - 1, 0)]}…"


def safe_line(text: str) -> str:
    """Return `safe` text for one line: newlines and tabs become visible too."""
    return safe(text).replace("\n", "\u2424").replace("\t", "\u2409")
