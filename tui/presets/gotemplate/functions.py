"""Functions that a template may call: those of Go's text/template, and those that Ollama adds.

Go's `html`, `js`, `urlquery` and `call` are left out: they are for web pages, and no chat template uses them.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

from tui.presets.gotemplate.values import GoStruct, encoded, kind, printed, string_method, truth

_VERB = re.compile(r"%(?P<flags>[-+0]*)(?P<width>\d{0,6})(?P<precision>(?:\.\d{0,6})?)(?P<letter>.?)", re.DOTALL)
_TYPES: dict[str, type | tuple[type, ...]] = {"s": str, "q": str, "d": int, "f": float, "t": bool}
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", '"': r"\""}


class TextTooLong(ValueError):
    """A text longer than the limit."""


def formatted(form: str, values: Sequence[Any], limit: int) -> str:
    """Fill a format of printf with values; raises TextTooLong beyond `limit` characters.

    Of the verbs of Go's fmt, those that chat templates use: %s, %v, %q, %d, %f, %t and %%. Flags (- + 0), a width and a
    precision work as in Go. Arguments that do not fit are reported inside the text, as by Go: `%!d(string=x)`,
    `%!s(MISSING)`, `%!(EXTRA int=1)`. A verb, a flag or a `*` beyond these is reported the same way.
    """
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
            piece = _format_one(values[used], match)
            used += 1
        pieces += form[at : match.start()], piece
        at = match.end()
        size += len(pieces[-2]) + len(piece)
        if size > limit:
            raise TextTooLong("it prints too much")
    extra = ", ".join("<nil>" if each is None else f"{kind(each)}={printed(each)}" for each in values[used:])
    return "".join((*pieces, form[at:], f"%!(EXTRA {extra})" if extra else ""))


def _format_one(value: Any, match: re.Match[str]) -> str:
    """Format one value by one verb, entry by entry in a list."""
    letter = match["letter"]
    as_text = string_method(value) if letter in "svq" else None
    value = value if as_text is None else as_text
    if letter != "v" and isinstance(value, list | tuple):
        return f"[{' '.join(_format_one(each, match) for each in value)}]"
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


LARGEST = 2**24
"""Longest text that a function may take or return, in characters."""

BUILT_IN = (
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println",
)  # fmt: skip
OLLAMAS = ("json", "currentDate", "yesterdayDate", "toTypeScriptType")


def call(name: str, arguments: Sequence[Any]) -> Any:
    """Call a function by name; raises ValueError with the reason. The interpreter itself handles `and` and `or`."""
    function = _FUNCTIONS[name]
    try:
        return function(*arguments)
    except (TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{name} cannot take these arguments ({error})") from None


def _same(first: Any, *others: Any) -> bool:
    if not others:
        raise ValueError("eq takes at least two arguments")
    for other in others:
        kinds = {_basic(first), _basic(other)}
        if len(kinds) > 1 and None not in (first, other):
            raise ValueError("eq cannot compare values of different types")
        if None not in (first, other) and isinstance(first, list | dict):
            raise ValueError("eq cannot compare lists or maps")
        if len(kinds) == 1 and first == other:
            return True
    return False


def _basic(value: Any) -> str:
    """Return the type of a value as comparisons distinguish it: "none" for nil, lists and maps."""
    return "none" if value is None or isinstance(value, list | dict) else kind(value)


def _less(left: Any, right: Any) -> bool:
    if _basic(left) != _basic(right) or _basic(left) in ("none", "bool"):
        raise ValueError("lt, le, gt and ge compare two numbers or two strings")
    return bool(left < right)


def _length(value: Any) -> int:
    if isinstance(value, GoStruct):
        raise ValueError("len cannot count the fields of a value")
    return len(value.encode("utf-8", "surrogateescape")) if isinstance(value, str) else len(value)


def _index(value: Any, *keys: Any) -> Any:
    if value is None:
        raise ValueError("index takes a map, a list or a text, and there is nothing")
    for key in keys:
        if isinstance(value, dict) and not isinstance(value, GoStruct):
            if not isinstance(key, str):
                raise ValueError(f"index {printed(key)} is no key of a map")
            value = value.get(key)
            continue
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if not isinstance(data, bytes | list) or not _is_index(key) or not 0 <= key < len(data):
            raise ValueError(f"index {printed(key)} is out of range")
        value = data[key]
    return value


def _slice(value: Any, *ends: Any) -> Any:
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    if not isinstance(data, bytes | list) or len(ends) > (2 if isinstance(data, bytes) else 3):
        raise ValueError("slice takes a text and up to two places, or a list and up to three")
    bounds = [*ends, *(0, len(data), len(data))[len(ends) :]]
    if not all(map(_is_index, bounds)) or not 0 <= bounds[0] <= bounds[1] <= bounds[2] <= len(data):
        raise ValueError("slice is out of range")
    cut = data[bounds[0] : bounds[1]]
    return cut.decode("utf-8", "surrogateescape") if isinstance(cut, bytes) else cut


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _print(*values: Any) -> str:
    text = ""
    for index, value in enumerate(values):
        spaced = index and not isinstance(value, str) and not isinstance(values[index - 1], str)
        text += (" " if spaced else "") + printed(value)
    return text


def _printf(form: Any, *values: Any) -> str:
    if not isinstance(form, str):
        raise ValueError("printf takes a format first, a string")
    return formatted(form, values, LARGEST)


def _day(back: int) -> str:
    return (datetime.date.today() - datetime.timedelta(days=back)).isoformat()


_TS_TYPES = {
    "string": "string", "number": "number", "integer": "number", "boolean": "boolean", "array": "any[]",
    "object": "Record<string, any>", "null": "null",
}  # fmt: skip


def _typescript_type(value: Any) -> str:
    """Return the TypeScript type of a tool's parameter, as Ollama's api.ToolProperty does."""
    if not isinstance(value, GoStruct) or "AnyOf" not in value:
        return "any"
    names = [_typescript_type(each) for each in value["AnyOf"]] or [
        _TS_TYPES.get(each, "any") for each in value["Type"]
    ]
    return " | ".join(names) or "any"


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": lambda value: not truth(value),
    "eq": _same,
    "ne": lambda left, right: not _same(left, right),
    "lt": _less,
    "le": lambda left, right: not _less(right, left),
    "gt": lambda left, right: _less(right, left),
    "ge": lambda left, right: not _less(left, right),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(printed, values)) + "\n",
    "json": encoded,
    "currentDate": lambda *_: _day(0),
    "yesterdayDate": lambda *_: _day(1),
    "toTypeScriptType": _typescript_type,
}
