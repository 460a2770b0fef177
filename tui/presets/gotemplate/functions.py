"""The functions of Go's text/template, and those that Ollama adds."""

import datetime
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

BUILT_IN = (
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println",
    "html", "js", "urlquery", "call",
)  # fmt: skip
OLLAMAS = ("json", "currentDate", "yesterdayDate", "toTypeScriptType")


class Struct(dict[str, Any]):
    """A value with fixed fields, as against a map: it is never empty, and an unknown field is an error."""


class Listed(list[Any]):
    """A list that prints itself as JSON, as Ollama's tools do."""


def truth(value: Any) -> bool:
    """Whether a value counts as true: empty and zero ones do not."""
    return isinstance(value, Struct) or bool(value)


def printed(value: Any) -> str:
    """A value as Go prints it with %v."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return _float(value)
        case Listed():
            return encoded(value)
        case Struct():
            return f"{{{' '.join(printed(each) for each in value.values())}}}"
        case dict():
            return f"map[{' '.join(f'{key}:{printed(each)}' for key, each in sorted(value.items()))}]"
        case list() | tuple():
            return f"[{' '.join(map(printed, value))}]"
    return str(value)


def _float(value: float) -> str:
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:]:0>2}" if exponent else mantissa


def encoded(value: Any) -> str:
    """A value as Go's json.Marshal writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def call(name: str, arguments: Sequence[Any]) -> Any:
    """What a function gives; `and` and `or` are the interpreter's. Raises ValueError with what is wrong."""
    function = _FUNCTIONS[name]
    try:
        return function(*arguments)
    except (TypeError, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"{name} cannot take these arguments ({error})") from None


def _same(first: Any, *others: Any) -> bool:
    if not others:
        raise ValueError("eq takes at least two arguments")
    for other in others:
        kinds = {_kind(first), _kind(other)}
        if len(kinds) > 1 and "nil" not in kinds:
            raise ValueError("eq cannot compare values of different types")
    return any(first == other and isinstance(first, bool) == isinstance(other, bool) for other in others)


def _kind(value: Any) -> str:
    if isinstance(value, list | dict):
        raise ValueError("eq cannot compare lists or maps")
    return "nil" if value is None else "bool" if isinstance(value, bool) else type(value).__name__


def _less(left: Any, right: Any) -> bool:
    if _kind(left) != _kind(right) or _kind(left) in ("nil", "bool"):
        raise ValueError("lt, le, gt and ge compare two numbers or two strings")
    return bool(left < right)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(value):
            value = value.encode()[key] if isinstance(value, str) else value[key]
        else:
            raise ValueError(f"index {printed(key)} is out of range")
    return value


def _slice(value: Any, *ends: int) -> Any:
    bounds = [*ends, *([0, len(value)][len(ends) :])][:2]
    if not isinstance(value, str | list) or len(ends) > 2 or not 0 <= bounds[0] <= bounds[1] <= len(value):
        raise ValueError("slice is out of range")
    return value[bounds[0] : bounds[1]]


def _print(*values: Any) -> str:
    text = ""
    for place, value in enumerate(values):
        apart = place and not isinstance(value, str) and not isinstance(values[place - 1], str)
        text += (" " if apart else "") + printed(value)
    return text


_VERB = re.compile(r"%([-+# 0]*)(\d{1,4})?(?:\.(\d{1,4}))?([a-zA-Z%])")


def _printf(form: str, *values: Any) -> str:
    left = list(values)

    def one(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        text = _verb(verb, left.pop(0), flags, precision)
        return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0))

    text = _VERB.sub(one, form)
    return f"{text}%!(EXTRA {', '.join(f'{_type(each)}={printed(each)}' for each in left)})" if left else text


def _type(value: Any) -> str:
    """Go's name of a value's type, nearly."""
    return {"str": "string", "float": "float64"}.get(type(value).__name__, type(value).__name__)


def _verb(verb: str, value: Any, flags: str, precision: str | None) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if verb == "q" and isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if verb == "s" and isinstance(value, str):
        return value[: int(precision)] if precision else value
    if verb in "dxXo" and isinstance(value, int):
        return format(value, ("+" if "+" in flags else "") + verb)
    if verb in "feEgG" and number:
        return format(float(value), f".{precision or 6}{verb}")
    if verb == "T":
        return _type(value)
    if verb in "vst":
        return printed(value)
    return f"%!{verb}({_type(value)}={printed(value)})"


def _script(text: str) -> str:
    escapes = {"\\": r"\\", "'": r"\'", '"': r"\"", "<": r"\u003C", ">": r"\u003E", "&": r"\u0026", "=": r"\u003D"}
    return "".join(escapes[sign] if sign in escapes else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    return sign if sign.isprintable() else f"\\u{ord(sign):04X}"


def _day(back: int) -> str:
    return (datetime.date.today() - datetime.timedelta(days=back)).isoformat()


def _type_script(value: Any) -> str:
    kinds = value.get("type", "any") if isinstance(value, dict) else "any"
    kinds = kinds if isinstance(kinds, list) else [kinds]
    names = {"integer": "number", "array": "any[]", "object": "Record<string, any>"}
    return " | ".join(names.get(str(kind), str(kind)) for kind in kinds)


def _refuse(*_: Any) -> Any:
    raise ValueError("call has nothing to call here")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": lambda value: not truth(value),
    "eq": _same,
    "ne": lambda left, right: not _same(left, right),
    "lt": _less,
    "le": lambda left, right: not _less(right, left),
    "gt": lambda left, right: _less(right, left),
    "ge": lambda left, right: not _less(left, right),
    "len": lambda value: len(value.encode()) if isinstance(value, str) else len(value),
    "index": _index,
    "slice": _slice,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(printed, values)) + "\n",
    "html": lambda *values: html.escape(_print(*values)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "js": lambda *values: _script(_print(*values)),
    "urlquery": lambda *values: urllib.parse.quote_plus(_print(*values)),
    "call": _refuse,
    "json": encoded,
    "currentDate": lambda: _day(0),
    "yesterdayDate": lambda: _day(1),
    "toTypeScriptType": _type_script,
}
