"""Words of a text, and the highlighting of some of them."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tui.ui.markdown import Span, StyledLine
from tui.ui.markdown.lines import styled

_WORD = re.compile(r"\S+")


class WordPiece(NamedTuple):
    """Word, or the part of it in one line."""

    line: int
    start: int
    """Index in the text of the line."""
    end: int


def words(lines: Sequence[StyledLine]) -> list[tuple[str, list[WordPiece]]]:
    """Return each word with its pieces: a folded word has one in each line."""
    found: list[tuple[str, list[WordPiece]]] = []
    open_ended = False
    for number, line in enumerate(lines):
        text = _copied(line)
        for match in _WORD.finditer(text):
            piece = WordPiece(number, *match.span())
            if open_ended and match.start() == 0 and line.glue == "":
                word, pieces = found[-1]
                found[-1] = word + match[0], [*pieces, piece]
            else:
                found.append((match[0], [piece]))
        open_ended = bool(text) and not text[-1].isspace()
    return found


def marked(lines: Sequence[StyledLine], places: Collection[int]) -> list[StyledLine]:
    """Highlight the words with some indices."""
    reach: dict[int, list[WordPiece]] = {}
    for place, (_, pieces) in enumerate(words(lines)):
        for piece in pieces if place in places else ():
            reach.setdefault(piece.line, []).append(piece)
    return [
        line._replace(spans=tuple(_marked(line, reach[number]))) if number in reach else line
        for number, line in enumerate(lines)
    ]


def _copied(line: StyledLine) -> str:
    return "".join(span.text for span in line.spans if span.copied) if line.copied else ""


def _marked(line: StyledLine, pieces: Sequence[WordPiece]) -> Iterator[Span]:
    position = 0
    for span in line.spans:
        if not span.copied:
            yield span
            continue
        start = 0
        for piece in pieces:
            low, high = max(piece.start - position, start), min(piece.end - position, len(span.text))
            if low < high:
                if start < low:
                    yield span._replace(text=span.text[start:low])
                yield span._replace(text=span.text[low:high], style=styled(span.style, "differs"))
                start = high
        if start < len(span.text):
            yield span._replace(text=span.text[start:])
        position += len(span.text)
