"""Styled text, folded into lines of a width. A style is a few names that the widget gives colours to."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

NARROWEST = 8
"""Smallest width in cells to fold into: a wide character must fit."""


class Span(NamedTuple):
    """Stretch of text in one style."""

    text: str
    style: str = ""
    copied: bool = True
    """False for decoration that is drawn but not copied: rails, padding, marks."""
    link: str = ""
    """Target of the link that the text belongs to."""


class StyledLine(NamedTuple):
    """One line on screen."""

    spans: tuple[Span, ...] = ()
    glue: str = "\n"
    """Text between the line above and this one: a line break, or the space at which a longer line was folded."""
    fill: str = ""
    """Style of the rest of the row."""
    copied: bool = True
    """False for a line that is only drawn, such as the name of a language above its code."""

    @property
    def text(self) -> str:
        """All that is drawn."""
        return "".join(span.text for span in self.spans)


BLANK = StyledLine()


def styled(style: str, more: str) -> str:
    """Combine two styles; the later wins where they conflict."""
    return f"{style} {more}" if style and more else style or more


def indented(lines: Iterable[StyledLine], first: Span, rest: Span | None = None) -> Iterator[StyledLine]:
    """Put lines behind a marker: `first` before the first line, `rest` (or as many spaces) before the others."""
    hanging = rest or Span(" " * cell_len(first.text))
    for number, line in enumerate(lines):
        lead = hanging if number else first
        if line.glue != "\n":
            lead = lead._replace(copied=False)  # a folded line is copied as one, without the indent of its second half
        yield line._replace(spans=(lead, *line.spans))


def cut(text: str, room: int) -> tuple[str, str]:
    """Cut a text in two, the first part of at most `room` cells; a grapheme is never split."""
    if text.isascii():
        return text[:room], text[room:]
    taken = 0
    for start, _, width in split_graphemes(text)[0]:
        taken += width
        if taken > room:
            return text[:start], text[start:]
    return text, ""


def chop(spans: Iterable[Span], width: int) -> list[StyledLine]:
    """Fold spans into lines of at most `width` cells as code is folded: broken anywhere but in marks."""
    lines: list[StyledLine] = []
    line: list[Span] = []
    room = width
    for span in spans:
        text = span.text
        if not span.copied and room < cell_len(text) <= width:
            lines.append(StyledLine(tuple(line), "" if lines else "\n"))
            line, room = [], width
        while text:
            part, text = cut(text, room)
            if part:
                line.append(span._replace(text=part))
                room -= cell_len(part)
            if text:
                lines.append(StyledLine(tuple(line), "" if lines else "\n"))
                line, room = [], width
    lines.append(StyledLine(tuple(line), "" if lines else "\n"))
    return lines


_PIECES = re.compile(r"\n| +|[^ \n]+")


class Fold:
    """Greedy folding between words; fed piece by piece, at no extra cost."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lines: list[StyledLine] = []
        self._line: list[Span] = []
        self._used = 0
        self._glue = "\n"
        self._gap: Span | None = None
        self._word: list[Span] = []
        self._size = 0

    @property
    def lines(self) -> list[StyledLine]:
        """Lines so far, the open one included."""
        rest = Fold(self._width)
        rest._line, rest._used, rest._glue, rest._gap = self._line.copy(), self._used, self._glue, self._gap
        rest._word, rest._size = self._word, self._size
        rest._end_word()
        rest._break("\n")
        return self._lines + rest._lines

    def feed(self, spans: Iterable[Span]) -> "Fold":
        """Add text. A span that is not copied stays in one piece if it can."""
        for span in spans:
            if not span.copied:
                self._end_word()
                self._add(span, cell_len(span.text))
                self._end_word()
                continue
            for piece in _PIECES.findall(span.text):
                if piece == "\n":
                    self._end_word()
                    self._break("\n")
                elif piece[0] == " ":
                    self._end_word()
                    self._gap = span._replace(text=(self._gap.text if self._gap else "") + piece)
                elif piece.isascii():
                    self._add(span._replace(text=piece), len(piece))
                else:
                    self._feed_wide(piece, span)
        return self

    def _feed_wide(self, piece: str, span: Span) -> None:
        """Add text with wide characters: a line may break on either side of one."""
        start = 0
        for begin, end, width in split_graphemes(piece)[0]:
            if width > 1:
                if begin > start:
                    self._add(span._replace(text=piece[start:begin]), cell_len(piece[start:begin]))
                self._end_word()
                self._add(span._replace(text=piece[begin:end]), width)
                self._end_word()
                start = end
        if start < len(piece):
            self._add(span._replace(text=piece[start:]), cell_len(piece[start:]))

    def _add(self, span: Span, size: int) -> None:
        self._word.append(span)
        self._size += size

    def _end_word(self) -> None:
        """Move the pending word to this line or, if it does not fit, to the next."""
        if not self._word:
            return
        gap = len(self._gap.text) if self._gap else 0
        if self._used + gap + self._size > self._width and (self._used or gap):
            self._break(self._gap.text if self._gap else "")
        elif self._gap:
            self._line.append(self._gap)
            self._used += gap
        self._gap = None
        if self._size > self._width:
            *full, last = chop(self._word, self._width)
            for line in full:
                self._line = list(line.spans)
                self._break("")
            self._word = list(last.spans)
            self._size = cell_len(last.text)
        self._line += self._word
        self._used += self._size
        self._word, self._size = [], 0

    def _break(self, glue: str) -> None:
        if glue == "\n" and self._gap and self._line and self._used + len(self._gap.text) <= self._width:
            self._line.append(self._gap)
        self._lines.append(StyledLine(tuple(_joined(self._line)), self._glue))
        self._line, self._used, self._gap, self._glue = [], 0, None, glue


def fold(spans: Iterable[Span], width: int) -> list[StyledLine]:
    """Fold spans into lines of at most `width` cells, broken between words."""
    return Fold(width).feed(spans).lines


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Join neighbouring spans of one style: a line has a handful of segments, not one per word."""
    last = Span("")
    for span in spans:
        if span.copied and span._replace(text="") == last._replace(text=""):
            last = last._replace(text=last.text + span.text)
            continue
        if last.text:
            yield last
        last = span
    if last.text:
        yield last
