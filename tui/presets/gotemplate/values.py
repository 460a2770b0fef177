"""Go values in Python: truth, printing and JSON encoding.

Strings, numbers, booleans, lists, maps and nil are Python's own. Bytes of a string that are no UTF-8, as after a slice
in the middle of a character, are surrogates, as by the error handler `surrogateescape`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar


class GoStruct(dict[str, Any]):
    """Value with fixed fields, unlike a map: it is never empty, and an unknown field is an error."""

    tags: ClassVar[Mapping[str, str]] = {}
    """JSON names of fields, where they differ; with a question mark, the field is omitted when empty."""
    speaks_json: ClassVar[bool] = False
    """True if it prints as JSON, as a Go type whose String method does so."""


class GoList(list[Any]):
    """List that prints as JSON, as Ollama's tools do."""


class GoMap(dict[str, Any]):
    """Map that prints as JSON."""


class OrderedMap(dict[str, Any]):
    """Map that keeps its order in JSON, where others are sorted."""


class GoWords(list[str]):
    """List that prints as a single string while it has one entry, such as the type of a tool's parameter."""


class UnsetList(list[Any]):
    """Nil list: empty, and null in JSON."""


class UnsetGoMap(GoMap):
    """Nil map that prints as JSON."""


class UnsetGoList(GoList, UnsetList):
    """Nil list that prints as JSON."""


def truth(value: Any) -> bool:
    """Return False for empty and zero values."""
    return isinstance(value, GoStruct) or bool(value)


def kind(value: Any) -> str:
    """Return the name of a value's type in Go."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case str():
            return "string"
        case int():
            return "int"
        case float():
            return "float64"
        case GoStruct():
            return type(value).__name__
        case dict():
            return "map[string]interface {}"
    return "[]interface {}"


def printed(value: Any) -> str:
    """Format a value as Go's %v."""
    text = string_method(value)
    if text is not None:
        return text
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return shortest(value)
        case GoStruct():
            return f"{{{' '.join(printed(each) for each in value.values())}}}"
        case dict():
            return f"map[{' '.join(f'{key}:{printed(each)}' for key, each in sorted(value.items()))}]"
        case list() | tuple():
            return f"[{' '.join(map(printed, value))}]"
    return str(value)


def string_method(value: Any) -> str | None:
    """Return the result of a value's String method; None if it has none."""
    if isinstance(value, UnsetGoMap):
        return "{}"
    if isinstance(value, GoList | GoMap) or (isinstance(value, GoStruct) and value.speaks_json):
        return encoded(value)
    return value[0] if isinstance(value, GoWords) and len(value) == 1 else None


def shortest(value: float, *, least: int = -4, most: int = 6) -> str:
    """Format the shortest decimal that reads back equal, with an exponent below 1e`least` and from 1e`most` on."""
    sign, digits, point = parts(value)
    if not least <= point - 1 < most:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{point - 1:+03d}"
    whole, rest = (digits[:point].ljust(point, "0"), digits[point:]) if point > 0 else ("0", "0" * -point + digits)
    return f"{sign}{whole}.{rest}" if rest.strip("0") else f"{sign}{whole}"


def parts(value: float) -> tuple[str, str, int]:
    """Split a number into sign, shortest digits and position of the decimal point."""
    mantissa, _, exponent = repr(value).lower().partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, rest = mantissa.removeprefix("-").partition(".")
    rest = "" if rest == "0" else rest
    digits = (whole + rest).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + rest) - len(digits))
    return sign, digits.rstrip("0") or "0", point if digits else 1


def encoded(value: Any) -> str:
    """Encode a value as Go's json.Marshal does."""
    match value:
        case str():
            text = json.dumps(whole(value), ensure_ascii=False)
            return _APART.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
        case float():
            return re.sub(r"e-0(\d)$", r"e-\1", shortest(value, least=-6, most=21))
        case GoStruct():
            return _object(_tagged(value))
        case UnsetList() | UnsetGoMap():
            return "null"
        case OrderedMap():
            return _object(value)
        case dict():
            return _object(dict(sorted(value.items())))
        case GoWords() if len(value) == 1:
            return encoded(value[0])
        case list() | tuple():
            return f"[{','.join(map(encoded, value))}]"
    return json.dumps(value)


def whole(text: str) -> str:
    """Replace every byte that is no UTF-8 by U+FFFD."""
    if not _BYTES.search(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


_APART = re.compile("[<>&\u2028\u2029]")
_BYTES = re.compile("[\udc80-\udcff]")


def _object(value: dict[str, Any]) -> str:
    return f"{{{','.join(f'{encoded(key)}:{encoded(each)}' for key, each in value.items())}}}"


def _tagged(value: GoStruct) -> dict[str, Any]:
    tagged = {value.tags.get(name, name): each for name, each in value.items()}
    return {tag.removesuffix("?"): each for tag, each in tagged.items() if each or not tag.endswith("?")}
