"""printf, with the verbs of Go's fmt that chat templates use: %s, %v, %q, %d, %f, %t and %%.

Flags (- + 0), a width and a precision work as in Go. Arguments that do not fit are reported inside the text, as by Go:
`%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`. A verb, a flag or a `*` beyond these is reported the same way.
"""

import re
from collections.abc import Sequence
from typing import Any

from tui.presets.gotemplate.values import kind, printed, string_method

_VERB = re.compile(r"%(?P<flags>[-+0]*)(?P<width>\d{0,6})(?P<precision>(?:\.\d{0,6})?)(?P<letter>.?)", re.DOTALL)
_TYPES: dict[str, type | tuple[type, ...]] = {"s": str, "q": str, "d": int, "f": float, "t": bool}
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", '"': r"\""}


class TextTooLong(ValueError):
    """A text longer than the limit."""


def formatted(form: str, values: Sequence[Any], limit: int) -> str:
    """Fill a format with values; raises TextTooLong beyond `limit` characters."""
    pieces, size, used, at = list[str](), 0, 0, 0
    for match in _VERB.finditer(form):
        letter = match["letter"]
        if letter == "%":
            piece = "%"
        elif not letter:
            piece = "%!(NOVERB)"
        elif used == len(values):
            piece = f"%!{letter}(MISSING)"
        else:
            piece = _one(values[used], match)
            used += 1
        pieces += form[at : match.start()], piece
        at = match.end()
        size += len(pieces[-2]) + len(piece)
        if size > limit:
            raise TextTooLong("it prints too much")
    extra = ", ".join("<nil>" if each is None else f"{kind(each)}={printed(each)}" for each in values[used:])
    return "".join((*pieces, form[at:], f"%!(EXTRA {extra})" if extra else ""))


def _one(value: Any, match: re.Match[str]) -> str:
    """Format one value by one verb, entry by entry in a list."""
    letter = match["letter"]
    as_text = string_method(value) if letter in "svq" else None
    value = value if as_text is None else as_text
    if letter != "v" and isinstance(value, list | tuple):
        return f"[{' '.join(_one(each, match) for each in value)}]"
    if letter == "v":
        value = printed(value)
    elif not isinstance(value, _TYPES.get(letter, ())) or (letter == "d" and isinstance(value, bool)):
        return f"%!{letter}({'<nil>' if value is None else f'{kind(value)}={printed(value)}'})"
    if letter == "q":
        value = quoted(value)
    elif letter == "t":
        value = printed(value)
    python = letter if letter in "df" else "s"
    text: str = f"%{match['flags']}{match['width']}{match['precision']}{python}" % value
    return text


def quoted(text: str) -> str:
    """Quote a text as Go's strconv.Quote does."""
    return f'"{"".join(_ESCAPES.get(character) or _visible(character) for character in text)}"'


def _visible(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    return f"\\x{code:02x}" if code < 128 else f"\\u{code:04x}" if code < 2**16 else f"\\U{code:08x}"
