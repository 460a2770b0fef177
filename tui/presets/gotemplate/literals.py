"""Literals as Go writes them."""

import math
import re

_ESCAPE = re.compile(
    r"""\\(?:(?P<simple>[abfnrtv\\"'])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})
         |u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))""",
    re.VERBOSE | re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_DIGITS = r"[0-9](?:_?[0-9])*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX_DIGITS = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_HEX = re.compile(rf"[+-]?0[xX]_?(?:{_HEX_DIGITS}\.?(?:{_HEX_DIGITS})?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}")


def text(source: str) -> str:
    """What stands between double quotes; raises ValueError. Bytes that are no UTF-8 become surrogates."""
    found = _ESCAPE.sub(lambda match: _escaped(match, '"'), source[1:-1])
    return found.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def rune(source: str) -> int:
    """The number of the character between single quotes; raises ValueError."""
    inner = source[1:-1]
    match = _ESCAPE.fullmatch(inner)
    if match and match["byte"]:
        return int(match["byte"], 16)
    if match and match["octal"]:
        return int(match["octal"], 8)
    return ord(_escaped(match, "'") if match else inner)


def number(source: str) -> int | float:
    """A whole number of 64 bits or a float; raises ValueError."""
    plain = source.replace("_", "")
    if _INTEGER.fullmatch(source):
        old = re.fullmatch(r"([+-]?)0([0-7]+)", plain)
        value = int(f"{old[1]}0o{old[2]}" if old else plain, 0)
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{source} takes more than 64 bits")
        return value
    if _HEX.fullmatch(source):
        return float.fromhex(plain)
    if not _DECIMAL.fullmatch(source) or not re.search("[.eE]", source):
        raise ValueError(f"{source} is no number")
    if math.isinf(float(plain)):
        raise ValueError(f"{source} is too large")
    return float(plain)


def _escaped(match: re.Match[str], quotes: str) -> str:
    if match["simple"]:
        if match["simple"] in "\"'" and match["simple"] != quotes:
            raise ValueError(f"{match[0]} means nothing here")
        return _SIMPLE.get(match["simple"], match["simple"])
    if match["byte"] or match["octal"]:
        value = int(match["byte"], 16) if match["byte"] else int(match["octal"], 8)
        if value > 255:
            raise ValueError(f"{match[0]} is no byte")
        return bytes([value]).decode("utf-8", "surrogateescape")
    if match["short"] or match["long"]:
        code = int(match["short"] or match["long"], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"{match[0]} is no character")
        return chr(code)
    raise ValueError(f"{match[0]} means nothing")
