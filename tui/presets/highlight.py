"""The parts of a Modelfile's lines, for an editor to colour: also of one that cannot be read yet."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tui.knobs.table import KNOBS
from tui.presets.modelfile import INSTRUCTIONS
from tui.presets.parameters import WITHOUT_KNOB

Kind = Literal["comment", "instruction", "name", "unknown", "number", "text"]


class HighlightSpan(NamedTuple):
    """A stretch of a line."""

    start: int
    end: int
    kind: Kind


_LINE = re.compile(r"\s*(?P<word>\S+)(?:[ \t]+(?P<rest>.*))?", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?\s*", re.IGNORECASE)


def parts(lines: Sequence[str]) -> list[list[HighlightSpan]]:
    """The parts of each line; quotes run on over lines until one ends with them."""
    found: list[list[HighlightSpan]] = []
    quotes = ""
    for line in lines:
        if quotes:
            found.append([HighlightSpan(0, len(line), "text")])
            quotes = "" if line.rstrip().endswith(quotes) else quotes
        elif line.lstrip().startswith("#"):
            found.append([HighlightSpan(0, len(line), "comment")])
        else:
            found.append(list(_instruction(line)))
            quotes = _open(_value(line))
    return found


def _instruction(line: str) -> Iterator[HighlightSpan]:
    match = _LINE.match(line)
    if not match:
        return
    word = match["word"].lower()
    yield HighlightSpan(
        match.start("word"), match.end("word"), "instruction" if word.upper() in INSTRUCTIONS else "unknown"
    )
    at, rest = match.start("rest"), match["rest"] or ""
    if word in ("parameter", "message") and rest:
        name = rest.split(maxsplit=1)[0]
        known = (
            name in KNOBS or name in WITHOUT_KNOB if word == "parameter" else name in ("system", "user", "assistant")
        )
        yield HighlightSpan(at, at + len(name), "name" if known else "unknown")
    value = _value(line)
    if value:
        kind: Kind = "number" if _NUMBER.fullmatch(value) else "text"
        yield HighlightSpan(line.rindex(value), len(line), kind)


def _value(line: str) -> str:
    """What an instruction's line says after its words."""
    match = _LINE.match(line)
    rest = (match["rest"] or "") if match else ""
    if match and match["word"].lower() in ("parameter", "message"):
        rest = rest.partition(" ")[2]
    return rest.strip()


def _open(value: str) -> str:
    """The quotes that a value opens and does not close on its line."""
    for quotes in ('"""', '"'):
        if value.startswith(quotes):
            closed = len(value) >= 2 * len(quotes) and value.endswith(quotes)
            return "" if closed else quotes
    return ""
