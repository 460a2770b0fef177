"""Growing Markdown document: complete blocks are laid out once, only the last one again for each new text."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tui.terminal import safe
from tui.ui.markdown.blocks import LONGEST, Block, blocks
from tui.ui.markdown.code import Code
from tui.ui.markdown.lines import BLANK, NARROWEST, Fold, StyledLine, fold
from tui.ui.markdown.marks import InlineMarks, Mark, signs
from tui.ui.markdown.source import MarkdownSource

OPEN_CHARACTERS = 4_000
OPEN_LINES = 80
"""Limits of the last block: above them it is plain text until complete, so that each token costs the same."""

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})")


class Document:
    """Markdown text as lines of a width."""

    def __init__(self, width: int, text: str = "", marks: Iterable[Mark] = ()) -> None:
        self.width = max(width, NARROWEST)
        self.stable = 0
        """Number of leading lines that the last change left alone."""
        self._lay_out_all(text, marks)

    @property
    def text(self) -> str:
        """Raw text."""
        return self._source.text

    @property
    def marks(self) -> Sequence[Mark]:
        """Marks in the order of their places."""
        return self._source.marks

    @property
    def height(self) -> int:
        """Number of lines."""
        return len(self._closed) + len(self._open)

    @property
    def lines(self) -> list[StyledLine]:
        """All lines."""
        return self._closed + self._open

    def line(self, number: int) -> StyledLine:
        """Return line `number`."""
        beyond = number - len(self._closed)
        return self._open[beyond] if beyond >= 0 else self._closed[number]

    def append(self, text: str) -> None:
        """Append text."""
        self._source.append(text)
        if self._plain is not None:
            self._plain.feed(InlineMarks("", ()).spans(safe(text)))
        self._lay_out()

    def mark(self, mark: Mark) -> None:
        """Add a mark at its place."""
        if mark.at < len(self.text):
            self._lay_out_all(self.text, (*self.marks, mark))
            return
        self._source.append("", (mark._replace(at=len(self.text)),))
        if self._plain is not None:
            self._plain.feed((mark.chip,))
        self._lay_out()

    def finish(self) -> None:
        """Lay the whole text out once more, now that it is complete."""
        self._lay_out_all(self.text, self.marks)

    def resize(self, width: int) -> None:
        """Lay the text out for another width."""
        self.width = max(width, NARROWEST)
        self.finish()

    def _lay_out_all(self, text: str, marks: Iterable[Mark]) -> None:
        self._source = MarkdownSource()
        self._closed: list[StyledLine] = []
        self._open: list[StyledLine] = []
        self._passed = 0  # marks that stand in closed lines
        self._gap = False  # whether a blank line stands above the open block
        self._number: int | None = None  # of the open block, where it is an item of a list
        self._code: Code | None = None  # the fence that is open
        self._indent, self._ticks = 0, "```"
        self._plain: Fold | None = None  # the open block where it is too long
        placed = (mark._replace(at=min(max(mark.at, 0), len(text))) for mark in marks)
        self._source.append(text, sorted(placed, key=lambda mark: mark.at))
        self._lay_out(whole=True)
        self.stable = 0

    def _lay_out(self, whole: bool = False) -> None:
        self.stable = len(self._closed)
        if self._plain is not None and not self._is_past_block():
            self._show_plain()
            return
        self._plain = None
        while self._read_code() if self._code is not None else self._read_blocks(whole):
            pass
        if waiting := self._source.waiting:
            self._open += fold((mark.chip for mark in self.marks[-len(waiting) :]), self.width)

    def _read_blocks(self, whole: bool) -> bool:
        """Close all blocks but the last; return True if that one is a fence, which is read line by line."""
        lines = self._source.lines
        source = [*lines, self._source.tail]
        if any(len(line) > LONGEST for line in source):
            self._go_plain(source)
            return False
        found = blocks(source, self._number)
        while len(found) > 1 and found[1].start < len(lines):  # a line still being written could yet join the two
            self._closed += self._drawn(found.pop(0), self._gap)
            self._gap, self._number = found[0].gap, found[0].number
        if found and found[0].is_fence and found[0].start < len(lines):
            self._open_code(found[0])
            return True
        if found:
            del lines[: min(found[0].start, len(lines))]
        source = [*lines, self._source.tail]
        if not whole and (len(source) > OPEN_LINES or sum(map(len, source)) > OPEN_CHARACTERS):
            self._go_plain(source)
            return False
        passed = self._passed
        self._open = []
        for place, block in enumerate(found):
            self._open += self._drawn(block, block.gap if place else self._gap)
        self._passed = passed
        return False

    def _go_plain(self, source: list[str]) -> None:
        text = "\n".join(source)
        self._plain = Fold(self.width).feed(InlineMarks(text, self.marks[self._passed :]).spans(text))
        self._show_plain()

    def _show_plain(self) -> None:
        lines = self._plain.lines if self._plain is not None else []
        self._open = [*_above(self._gap), *(lines if not lines or lines[-1].spans else lines[:-1])]

    def _drawn(self, block: Block, gap: bool) -> list[StyledLine]:
        chips = InlineMarks(block.source, self.marks[self._passed :])
        self._passed += len(signs(block.source))
        return [*_above(gap), *block.lines(self.width, chips)]

    def _is_past_block(self) -> bool:
        """Return True if the long block has ended: with a blank line, then a line that starts at the margin."""
        lines = self._source.lines
        return not any(len(line) > LONGEST for line in lines) and any(
            not above.strip() and below[:1] not in ("", " ", "\t", ">") for above, below in pairwise(lines)
        )

    def _open_code(self, block: Block) -> None:
        opener = _FENCE.match(self._source.lines[block.start])
        assert opener is not None
        self._indent, self._ticks = len(opener[1]), opener[2]
        self._code = Code(block.tokens[0].info, self.width)
        self._closed += [*_above(self._gap), *self._code.opening()]
        del self._source.lines[: block.start + 1]

    def _read_code(self) -> bool:
        """Close the complete lines of the open fence; return True if the fence itself is complete."""
        assert self._code is not None
        lines = self._source.lines
        for place, line in enumerate(lines):
            if self._is_fence(line, len(self._ticks)):
                del lines[: place + 1]
                self._code, self._gap, self._number = None, True, None
                return True
            self._closed += self._code.add(self._dedented(line), InlineMarks(line, self.marks[self._passed :]))
            self._passed += len(signs(line))
        lines.clear()
        tail = self._source.tail
        self._open = []
        if tail and not self._is_fence(tail, 1):
            self._open = self._code.preview(self._dedented(tail), InlineMarks(tail, self.marks[self._passed :]))
        return False

    def _is_fence(self, line: str, least: int) -> bool:
        """Return True if a line closes the fence, or with `least` 1 could become a closing line."""
        text = line.strip(" \t")
        return len(text) >= least and set(text) == {self._ticks[0]} and not line.startswith(("    ", "\t"))

    def _dedented(self, line: str) -> str:
        return line[min(self._indent, len(line) - len(line.lstrip(" "))) :]


def _above(gap: bool) -> list[StyledLine]:
    return [BLANK] if gap else []
