"""Tokens laid out in lines, with a map between tokens and cells."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Literal, NamedTuple

from rich.cells import cell_len, split_graphemes

from tui.conversation.reply_record import ReplyRecord
from tui.terminal import safe, safe_line
from tui.ui.markdown import Mark
from tui.ui.widgets.transcript.reply_footer import notable_events

NOBODY = -1
"""Index in place of a token's, for text of no token."""

_TAB = 4
_PIECE = re.compile(r"\n|\t|[^\S\n\t]+|\S+")
_JOINERS = "\u200d\ufe0e\ufe0f"

Kind = Literal["token", "sign", "person", "mark"]
"""Text of a token, a sign for a token without visible text, text written by a person, a label of twiddle's own."""


class TokenRun(NamedTuple):
    """Stretch of a line that belongs to one token."""

    token: int
    text: str
    width: int
    kind: Kind = "token"


class TokenSpan(NamedTuple):
    """Token, text or label in a row."""

    text: str
    kind: str = "token"
    """`token`, `person` for text that somebody wrote, or `mark` for a label of twiddle's own."""
    nameless: str = "◦"
    """Sign for a token without visible text."""
    given: bool = False
    """True if the token was there before the reply was asked for."""


class TokenLines:
    """Lines that tokens are added to. A line breaks after a space, so that words stay whole."""

    def __init__(self, width: int) -> None:
        self.width = max(2, width)
        self.lines: list[list[TokenRun]] = [[]]
        self.first: list[int] = []
        """First line of each token."""
        self._column = 0
        self._word = 0
        """Index in the last line of the first run of its last word, which may still go on."""

    def add(self, span: TokenSpan) -> None:
        """Add a span of any kind."""
        match span.kind:
            case "token":
                self.token(span.text, span.nameless)
            case "person":
                self.person(span.text)
            case _:
                self.mark(span.text)

    def token(self, text: str, nameless: str = "◦") -> None:
        """Add a token; `nameless` stands for one without visible text."""
        token = len(self.first)
        self.first.append(len(self.lines) - 1)
        if shown := safe(text):
            self._add_text(token, shown, "token")
        else:
            self._add_run(TokenRun(token, nameless, cell_len(nameless), "sign"))
        self.first[token] = self._line_of(token)

    def person(self, text: str) -> None:
        """Add text that is no token's."""
        self._add_text(NOBODY, safe(text), "person")

    def mark(self, label: str) -> None:
        """Add a label, which is not broken."""
        label = label if cell_len(label) <= self.width else label[: self.width - 1] + "…"
        self._word = len(self.lines[-1])
        self._add_run(TokenRun(NOBODY, label, cell_len(label), "mark"))
        self._word = len(self.lines[-1])

    # --- finding ----------------------------------------------------------------------------------------------------

    def at(self, x: int, y: int) -> int:
        """Return the token at a cell, else the nearest before it; NOBODY if its line has none."""
        if not 0 <= y < len(self.lines):
            return NOBODY
        runs = self.lines[y]
        place = bisect_right(self._edges(y), x) - 1
        before = (run.token for run in reversed(runs[: place + 1]) if run.token != NOBODY)
        after = (run.token for run in runs if run.token != NOBODY)
        return next(before, next(after, NOBODY))

    def where(self, token: int) -> tuple[int, int]:
        """Return column and line of the start of a token."""
        y = self.first[token]
        place = next(place for place, run in enumerate(self.lines[y]) if run.token == token)
        return self._edges(y)[place], y

    def last(self, token: int) -> int:
        """Return the last line of a token."""
        y = self.first[token]
        while y + 1 < len(self.lines) and self.lines[y + 1] and self.lines[y + 1][0].token == token:
            y += 1
        return y

    def _edges(self, y: int) -> list[int]:
        return list(accumulate((run.width for run in self.lines[y][:-1]), initial=0))

    # --- laying out -------------------------------------------------------------------------------------------------

    def _add_text(self, token: int, text: str, kind: Kind) -> None:
        for piece in _PIECE.findall(text):
            if piece == "\n":
                self._add_run(TokenRun(token, "↵", 1, "sign" if token != NOBODY else "person"))
                self._break()
            elif piece == "\t":
                self._add_blanks(token, "⇥".ljust(_TAB - self._column % _TAB), kind)
            elif piece.isspace():
                self._add_blanks(token, piece, kind)
            else:
                self._add_word(token, piece, kind)

    def _add_blanks(self, token: int, blanks: str, kind: Kind) -> None:
        """Add blanks, which end a word; those that do not fit go on in the next line."""
        for start in range(0, len(blanks), self.width):
            for piece in self._fitting(blanks[start : start + self.width]):
                if self._column >= self.width:
                    self._break()
                self._append(TokenRun(token, piece, cell_len(piece), kind))
        self._word = len(self.lines[-1])

    def _fitting(self, blanks: str) -> Iterator[str]:
        room = max(self.width - self._column, 0)
        yield from filter(None, (blanks[:room], blanks[room:]) if cell_len(blanks) > room else (blanks,))

    def _add_word(self, token: int, word: str, kind: Kind) -> None:
        """Add a word or a part of one; one wider than a line is cut anywhere."""
        word = self._separated(word)
        width = cell_len(word)
        if width <= self.width:
            self._add_run(TokenRun(token, word, width, kind))
            return
        for start, end, cells in split_graphemes(word)[0]:
            self._add_run(TokenRun(token, word[start:end], cells, kind), together=False)

    def _add_run(self, run: TokenRun, together: bool = True) -> None:
        """Add a run where it fits: with the word that it belongs to, if that fits into a line."""
        if self._column + run.width > self.width:
            line = self.lines[-1]
            word = line[self._word :]
            moves = together and self._word and sum(each.width for each in word) + run.width <= self.width
            if moves:
                del line[self._word :]
            self._break()
            for each in word if moves else ():
                self._append(each)
                if each.token != NOBODY:
                    self.first[each.token] = self._line_of(each.token)
        self._append(run)

    def _append(self, run: TokenRun) -> None:
        self.lines[-1].append(run)
        self._column += run.width

    def _break(self) -> None:
        self.lines.append([])
        self._column = self._word = 0

    def _line_of(self, token: int) -> int:
        """Return the first line that has a token, searched from where it was added."""
        lines = range(self.first[token], len(self.lines))
        return next((y for y in lines if any(run.token == token for run in self.lines[y])), self.first[token])

    def _separated(self, word: str) -> str:
        """Put a placeholder under a character that would melt into the one before, though that is another token's.

        Else the terminal would draw one character where two tokens are.
        """
        if word.isascii():
            return word
        if word[-1] in _JOINERS[:1]:
            word = word[:-1] + "⁀"
        line = self.lines[-1]
        alone = cell_len(word[0]) == 0 or word[0] in _JOINERS or unicodedata.category(word[0]) in ("Mn", "Me", "Mc")
        melts = line and cell_len(line[-1].text + word) != line[-1].width + cell_len(word)
        return f"◌{word}" if alone or melts else word


def token_spans(text: str, record: ReplyRecord, *, start: int = 0, ended: bool = True) -> Iterator[TokenSpan]:
    """Yield the spans from token `start` on; `ended` is True if these are all."""
    ends = (*record.offsets[1:], len(text))
    happened = list(notable_events(record))
    for place in range(start, len(record.traces)):
        begin, trace = record.offsets[place], record.traces[place]
        if not place and begin:
            yield TokenSpan(text[:begin], "person")
        yield from (TokenSpan(Mark(0, label, kind).chip.text, "mark") for at, label, kind in happened if at == place)
        last = ended and place == len(record.traces) - 1
        nameless = safe_line(trace.text) if last and "\ufffd" not in trace.text and trace.text else "◦"
        yield TokenSpan(text[begin : ends[place]], "token", nameless, place < record.inherited)
