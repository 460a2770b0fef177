"""printf, as Go's fmt has it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tui.presets.gotemplate.values import GoStruct, kind, printed, shortest, spoken

WIDEST = 10**6
"""Go takes no larger width or precision."""

_SIZE = r"(?:\[\d*\])?\*|\d*"
_VERB = re.compile(
    rf"%(?P<flags>[-+# 0]*)(?P<width>{_SIZE})(?:\.(?P<precision>{_SIZE}))?(?P<at>\[\d*\])?(?P<verb>.?)", re.DOTALL
)


class TextTooLong(ValueError):
    """More was to be printed than a text may hold."""


class Verb(NamedTuple):
    """How one value is to be written."""

    letter: str
    flags: str = ""
    width: int | None = None
    precision: int | None = None
    in_go: bool = False
    """Whether texts are to be as Go's source has them: `%#v`."""

    def padded(self, text: str) -> str:
        """The text at its width."""
        width = self.width or 0
        if "-" in self.flags:
            return text.ljust(width)
        return text.rjust(width, "0" if "0" in self.flags else " ")

    def number(self, sign: str, digits: str) -> str:
        """A number at its width: zeros stand between sign and digits."""
        sign = sign or ("+" if "+" in self.flags else " " if " " in self.flags else "")
        if "0" in self.flags and "-" not in self.flags:
            digits = digits.rjust((self.width or 0) - len(sign), "0")
        return self._replace(flags=self.flags.replace("0", "")).padded(sign + digits)


class FormatArguments:
    """What is to be written, one after the other or by number."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self.at = 0
        self.reordered = False

    def seek(self, index: str | None) -> bool:
        """Go to `[n]`; False where there is no such argument."""
        if not index:
            return True
        self.reordered = True
        number = index.strip("[]")
        if not number or not 1 <= int(number[:9]) <= len(self._values):
            return False
        self.at = int(number) - 1
        return True

    def take(self) -> Any:
        """The next one; raises IndexError after the last."""
        self.at += 1
        return self._values[self.at - 1]

    def measure(self, told: str | None) -> tuple[int | None, bool]:
        """A width or precision as told, or as the next argument says; False where that is none."""
        if told is None or not told.endswith("*"):
            size = int(told[:8]) if told else None
            return (size, True) if size is None or size <= WIDEST else (None, False)
        if not self.seek(told[:-1]):
            return None, False
        try:
            size = self.take()
        except IndexError:
            return None, False
        fits = isinstance(size, int) and not isinstance(size, bool) and abs(size) <= WIDEST
        return (size, True) if fits else (None, False)

    def rest(self) -> str:
        """What Go says of those that nothing asked for."""
        left = [] if self.reordered else self._values[self.at :]
        told = ", ".join("<nil>" if each is None else f"{kind(each)}={printed(each)}" for each in left)
        return f"%!(EXTRA {told})" if left else ""


def formatted(form: str, values: Sequence[Any], most: int) -> str:
    """What printf makes of a format; raises TooLong beyond `most` characters."""
    arguments, pieces, size, at = FormatArguments(values), list[str](), 0, 0
    for match in _VERB.finditer(form):
        pieces += form[at : match.start()], _one(match, arguments)
        at = match.end()
        size += len(pieces[-1]) + len(pieces[-2])
        if size > most:
            raise TextTooLong("it prints too much")
    return "".join((*pieces, form[at:], arguments.rest()))


def _one(match: re.Match[str], arguments: FormatArguments) -> str:
    letter, told = match["verb"], ""
    width, good = arguments.measure(match["width"])
    told += "" if good else "%!(BADWIDTH)"
    precision, good = arguments.measure(match["precision"] if match["precision"] != "" else "0")
    told += "" if good else "%!(BADPREC)"
    flags = match["flags"]
    if width is not None and width < 0:
        width, flags = -width, flags + "-"
    if precision is not None and precision < 0:
        precision, told = None, told + "%!(BADPREC)"
    found = arguments.seek(match["at"])
    if not letter:
        return f"{told}%!(NOVERB)"
    if letter == "%":
        return f"{told}%"
    if not found:
        return f"{told}%!{letter}(BADINDEX)"
    try:
        value = arguments.take()
    except IndexError:
        return f"{told}%!{letter}(MISSING)"
    if letter == "v":
        plain = flags.replace("+", "").replace("#", "")
        return told + written(value, Verb(letter, plain, width, precision, in_go="#" in flags))
    return told + written(value, Verb(letter, flags, width, precision))


def written(value: Any, verb: Verb) -> str:
    """One value by one verb."""
    if verb.letter == "T":
        return verb._replace(letter="s").padded(kind(value))
    said = spoken(value)
    if said is not None and verb.letter in "svqxX":
        value = said
    match value:
        case None if verb.letter == "v":
            return verb.padded("<nil>")
        case None:
            return f"%!{verb.letter}(<nil>)"
        case bool():
            return verb.padded(printed(value)) if verb.letter in "tv" else _misplaced(value, verb)
        case str() if verb.letter in "svqxX":
            return _text(value, verb)
        case int() if verb.letter in "dvboOxXcqU":
            return _whole(value, verb)
        case float() if verb.letter in "veEfFgG":
            return _float(value, verb)
        case GoStruct():
            return f"{{{' '.join(_entry(each, verb) for each in value.values())}}}"
        case dict():
            pairs = (f"{written(key, verb)}:{_entry(each, verb)}" for key, each in sorted(value.items()))
            return f"map[{' '.join(pairs)}]"
        case list() | tuple():
            return f"[{' '.join(_entry(each, verb) for each in value)}]"
    return _misplaced(value, verb)


def _entry(value: Any, verb: Verb) -> str:
    return "<nil>" if value is None else written(value, verb)


def _misplaced(value: Any, verb: Verb) -> str:
    return f"%!{verb.letter}({kind(value)}={written(value, verb._replace(letter='v'))})"


def _text(value: str, verb: Verb) -> str:
    cut = value if verb.precision is None else value[: verb.precision]
    match verb.letter:
        case "q":
            raw = "#" in verb.flags and "`" not in cut and all(rune.isprintable() or rune == "\t" for rune in cut)
            return verb.padded(f"`{cut}`" if raw else quoted(cut, '"', only_ascii="+" in verb.flags))
        case "x" | "X":
            data = value.encode("utf-8", "surrogateescape")[: verb.precision]
            apart, mark = " " if " " in verb.flags else "", "0x" if "#" in verb.flags and data else ""
            text = mark + (apart + (mark if apart else "")).join(f"{byte:02x}" for byte in data)
            return verb.padded(text.upper() if verb.letter == "X" else text)
        case "v" if verb.in_go:
            return verb.padded(quoted(cut, '"'))
    return verb.padded(cut)


_BASES = {"b": ("b", "0b"), "o": ("o", "0"), "O": ("o", ""), "x": ("x", "0x"), "X": ("X", "0X")}


def _whole(value: int, verb: Verb) -> str:
    match verb.letter:
        case "c" | "q" | "U":
            return _rune(value, verb)
        case "b" | "o" | "O" | "x" | "X":
            base, mark = _BASES[verb.letter]
            digits = format(abs(value), base)
        case _:
            base, mark, digits = "d", "", str(abs(value))
    if verb.precision is not None:
        digits = "" if verb.precision == 0 == value else digits.rjust(verb.precision, "0")
        verb = verb._replace(flags=verb.flags.replace("0", ""))
    elif "0" in verb.flags and "-" not in verb.flags and verb.width:
        signed = value < 0 or "+" in verb.flags or " " in verb.flags
        digits = digits.rjust(verb.width - signed, "0")
    if "#" in verb.flags and digits and not (base == "o" and digits.startswith("0")):
        digits = mark + digits
    digits = f"0o{digits}" if verb.letter == "O" else digits
    return verb._replace(flags=verb.flags.replace("0", "")).number("-" if value < 0 else "", digits)


def _rune(value: int, verb: Verb) -> str:
    rune = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"
    if verb.letter == "c":
        return verb.padded(rune)
    if verb.letter == "q":
        return verb.padded(quoted(rune, "'", only_ascii="+" in verb.flags))
    shown = f" '{rune}'" if "#" in verb.flags and rune.isprintable() else ""
    digits = format(value % 2**64, "X").rjust(max(verb.precision or 0, 4), "0")
    return verb._replace(flags=verb.flags.replace("0", "")).padded(f"U+{digits}{shown}")


def _float(value: float, verb: Verb) -> str:
    letter = {"v": "g", "F": "f"}.get(verb.letter, verb.letter)
    if verb.precision is None and letter in "gG":
        text = shortest(value)
    else:
        text = format(value, f".{6 if verb.precision is None else verb.precision}{letter}")
    text = text.upper() if letter in "GE" else text
    return verb.number("-" if text.startswith("-") else "", text.removeprefix("-"))


_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\"}


def quoted(text: str, mark: str, *, only_ascii: bool = False) -> str:
    """The text between quotes, as strconv.Quote has it."""
    return mark + "".join(_quoted(rune, mark, only_ascii) for rune in text) + mark


def _quoted(rune: str, mark: str, only_ascii: bool) -> str:
    if rune == mark or rune in _ESCAPES:
        return "\\" + _ESCAPES.get(rune, rune)
    code = ord(rune)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if rune.isprintable() and (code < 128 or not only_ascii):
        return rune
    return f"\\x{code:02x}" if code < 128 else f"\\u{code:04x}" if code < 2**16 else f"\\U{code:08x}"
