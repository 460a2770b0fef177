"""Markdown that grows: what is complete is laid out once, and only the last block again for each piece of text."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tui.terminal import safe
from tui.ui.markdown.blocks import Block, blocks
from tui.ui.markdown.code import Code
from tui.ui.markdown.lines import BLANK, NARROWEST, Fold, Line, fold
from tui.ui.markdown.marks import Chips, Mark, signs
from tui.ui.markdown.source import Source

OPEN_LIMIT = 4_000
"""Characters; a longer last block is plain text until it is complete, so that a token costs the same however long."""

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})")


class Document:
    """A text in Markdown, as lines of a width."""

    def __init__(self, width: int, text: str = "", marks: Iterable[Mark] = ()) -> None:
        self.width = max(width, NARROWEST)
        self.stable = 0
        """How many of the first lines the last change has left alone."""
        self._lay_out_all(text, marks)

    @property
    def text(self) -> str:
        """The raw text."""
        return self._source.text

    @property
    def marks(self) -> Sequence[Mark]:
        """The marks, in the order of their places."""
        return self._source.marks

    @property
    def height(self) -> int:
        """How many lines there are."""
        return len(self._closed) + len(self._open)

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        return self._closed + self._open

    def line(self, number: int) -> Line:
        """One line."""
        beyond = number - len(self._closed)
        return self._open[beyond] if beyond >= 0 else self._closed[number]

    def append(self, text: str) -> None:
        """Adds text at the end."""
        self._source.append(text)
        if self._plain is not None:
            self._plain.feed(Chips("", ()).drawn(safe(text)))
        self._lay_out(OPEN_LIMIT)

    def mark(self, mark: Mark) -> None:
        """Adds a mark at its place."""
        if mark.at < len(self.text):
            self._lay_out_all(self.text, (*self.marks, mark))
            return
        self._source.append("", (mark._replace(at=len(self.text)),))
        if self._plain is not None:
            self._plain.feed((mark.chip,))
        self._lay_out(OPEN_LIMIT)

    def finish(self) -> None:
        """The text is complete: lays it out once more as a whole."""
        self._lay_out_all(self.text, self.marks)

    def resize(self, width: int) -> None:
        """Lays it out for another width."""
        self.width = max(width, NARROWEST)
        self.finish()

    def _lay_out_all(self, text: str, marks: Iterable[Mark]) -> None:
        self._source = Source()
        self._closed: list[Line] = []
        self._open: list[Line] = []
        self._passed = 0  # marks that stand in closed lines
        self._gap = False  # whether a blank line stands above the open block
        self._number: int | None = None  # of the open block, where it is an item of a list
        self._code: Code | None = None  # the fence that is open
        self._indent, self._ticks = 0, "```"
        self._plain: Fold | None = None  # the open block where it is too long
        ordered = sorted(
            (mark._replace(at=min(max(mark.at, 0), len(text))) for mark in marks), key=lambda mark: mark.at
        )
        self._source.append(text, ordered)
        self._lay_out(len(text) + 1)
        self.stable = 0

    def _lay_out(self, limit: int) -> None:
        self.stable = len(self._closed)
        if self._plain is not None and not self._is_past_block():
            self._open = [*self._above(self._gap), *self._plain.lines]
            return
        self._plain = None
        while self._read_code() if self._code is not None else self._read_blocks(limit):
            pass
        if waiting := self._source.waiting:
            self._open += fold((mark.chip for mark in self.marks[-len(waiting) :]), self.width)

    def _read_blocks(self, limit: int) -> bool:
        """Closes all blocks but the last; true where that one is a fence, which is read by lines."""
        lines = self._source.lines
        found = blocks(lines + self._source.tail, self._number)
        while len(found) > 1 and found[1].start < len(lines):  # a line still being written could yet join the two
            self._closed += self._drawn(found.pop(0), self._gap)
            self._gap, self._number = found[0].gap, found[0].number
        if found and found[0].is_fence and found[0].start < len(lines):
            self._open_code(found[0])
            return True
        if found:
            del lines[: min(found[0].start, len(lines))]
        written = "\n".join(lines + self._source.tail)
        if len(written) > limit:
            chips = Chips(written, self.marks[self._passed :])
            self._plain = Fold(self.width).feed(chips.drawn(written))
            self._open = [*self._above(self._gap), *self._plain.lines]
            return False
        passed = self._passed
        self._open = []
        for place, block in enumerate(found):
            self._open += self._drawn(block, block.gap if place else self._gap)
        self._passed = passed
        return False

    def _drawn(self, block: Block, gap: bool) -> list[Line]:
        chips = Chips(block.source, self.marks[self._passed :])
        self._passed += len(signs(block.source))
        return [*self._above(gap), *block.lines(self.width, chips)]

    def _above(self, gap: bool) -> list[Line]:
        return [BLANK] if gap else []

    def _is_past_block(self) -> bool:
        """Whether the long block has ended: with a blank line, and a line after it that starts at the margin."""
        return any(
            not above.strip() and below[:1] not in ("", " ", "\t", ">") for above, below in pairwise(self._source.lines)
        )

    def _open_code(self, block: Block) -> None:
        opener = _FENCE.match(self._source.lines[block.start])
        assert opener is not None
        self._indent, self._ticks = len(opener[1]), opener[2]
        self._code = Code(block.tokens[0].info, self.width)
        self._closed += [*self._above(self._gap), *self._code.opening()]
        del self._source.lines[: block.start + 1]

    def _read_code(self) -> bool:
        """Closes the lines of the open fence that are complete; true where the fence itself is."""
        assert self._code is not None
        lines = self._source.lines
        for place, line in enumerate(lines):
            if self._is_fence(line, len(self._ticks)):
                del lines[: place + 1]
                self._code, self._gap, self._number = None, True, None
                return True
            self._closed += self._code.add(self._dedented(line), Chips(line, self.marks[self._passed :]))
            self._passed += len(signs(line))
        lines.clear()
        tail = self._source.tail[0]
        self._open = []
        if tail and not self._is_fence(tail, 1):
            self._open = self._code.preview(self._dedented(tail), Chips(tail, self.marks[self._passed :]))
        return False

    def _is_fence(self, line: str, least: int) -> bool:
        """Whether a line ends the fence, or with `least` 1 could become its end."""
        text = line.strip(" \t")
        return len(text) >= least and set(text) == {self._ticks[0]} and not line.startswith(("    ", "\t"))

    def _dedented(self, line: str) -> str:
        return line[min(self._indent, len(line) - len(line.lstrip(" "))) :]
