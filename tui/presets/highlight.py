"""Highlighting of a Modelfile in an editor, from the parser's tokens: also of one that has errors."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from tui.knobs.table import KNOBS
from tui.presets.modelfile import INSTRUCTIONS, ROLES, tokenize
from tui.presets.parameters import WITHOUT_KNOB

Kind = Literal["comment", "instruction", "name", "unknown", "number", "text"]


class HighlightSpan(NamedTuple):
    """Range of a line with its colour."""

    start: int
    end: int
    kind: Kind


_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def parts(lines: Sequence[str]) -> list[list[HighlightSpan]]:
    """Return the coloured ranges of each line."""
    text = "\n".join(lines)
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    found: list[list[HighlightSpan]] = [[] for _ in lines]
    line = 0
    for start, end, kind in _kinds(text):
        while starts[line + 1] <= start:
            line += 1
        for number in range(line, len(lines)):
            if starts[number] >= end:
                break
            first, last = max(start - starts[number], 0), min(end - starts[number], len(lines[number]))
            if first < last:
                found[number].append(HighlightSpan(first, last, kind))
    return found


def _kinds(text: str) -> Iterator[tuple[int, int, Kind]]:
    word = ""
    for start, end, token in tokenize(text):
        source = text[start:end]
        kind: Kind = "text"
        match token:
            case "comment":
                kind = "comment"
            case "word":
                word = source.upper()
                kind = "instruction" if word in INSTRUCTIONS else "unknown"
            case "name":
                known = source in ROLES if word == "MESSAGE" else source in KNOBS or source in WITHOUT_KNOB
                kind = "name" if known else "unknown"
            case "value" if _NUMBER.fullmatch(source):
                kind = "number"
        yield start, end, kind
