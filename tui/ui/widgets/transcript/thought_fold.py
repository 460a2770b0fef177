"""Thought of a reply: one line with its length and, while open, its text."""

from collections.abc import Sequence

from tui.conversation.thinking import Thought
from tui.terminal import safe
from tui.ui.markdown import Mark, Span, StyledLine, indented
from tui.ui.markdown.lines import NARROWEST, Fold

_RAIL = Span("┊ ", "thought-rail", copied=False)
_LAST = 2
"""Lines shown of a thought while it is being written."""


class ThoughtFold:
    """Thought of one reply, folded or open; the answer is the text after it."""

    def __init__(self, thought: Thought | None) -> None:
        self.thought = thought
        self.open = False
        self._fold = Fold(NARROWEST)
        self._folded: tuple[int, tuple[Mark, ...]] = (0, ())
        self._fed = 0

    def answer_start(self, text: str) -> int:
        """Return the index in the text of the reply where the answer starts; its end while there is none."""
        start = self.thought.answer if self.thought else 0
        return len(text) if start is None else min(start, len(text))

    def holds(self, mark: Mark) -> bool:
        """Return True for a mark inside the thought."""
        return self.thought is not None and (self.thought.answer is None or mark.at < self.thought.answer)

    def answer(self, text: str, marks: Sequence[Mark]) -> tuple[str, list[Mark]]:
        """Return the answer in the text of the reply, with its marks."""
        start = self.answer_start(text)
        return text[start:], [mark._replace(at=mark.at - start) for mark in marks if not self.holds(mark)]

    def lines(self, text: str, marks: Sequence[Mark], width: int, *, running: bool) -> list[StyledLine]:
        """Lay it out; `text` and `marks` are the whole reply's. An empty list without a thought."""
        if self.thought is None or self.thought.end == self.thought.start:  # an answer that was announced as such
            return []
        thinking = running and self.thought.end is None
        head = StyledLine((Span(self._head(self.thought, thinking), "thought-head", copied=False),), copied=False)
        if not self.open and not thinking:
            return [head]
        inside = tuple(mark for mark in marks if self.holds(mark))
        body = self._body(self.thought, text, inside, max(width - len(_RAIL.text), NARROWEST))
        return [head, *indented(body if self.open else body[-_LAST:], _RAIL, _RAIL)]

    def _head(self, thought: Thought, thinking: bool) -> str:
        sign = "▾" if self.open or thinking else "▸"
        length = f"{thought.tokens} token{'' if thought.tokens == 1 else 's'}"
        if thinking:
            return f"{sign} thinking · {length}"
        if thought.end is None:
            return f"{sign} thought for {length}, and came to no end"
        return f"{sign} thought for {length}" + (f" · {thought.seconds:.1f} s" if thought.seconds else "")

    def _body(self, thought: Thought, text: str, marks: tuple[Mark, ...], width: int) -> list[StyledLine]:
        """Lay out the text of the thought. It grows at its end, and only new text is folded."""
        inner, start = thought.parts(text)[0], thought.start
        if self._folded != (width, marks) or self._fed > len(inner):
            self._fold, self._folded, self._fed = Fold(width), (width, marks), 0
            for mark in marks:
                self._feed(inner[: mark.at - start])
                self._fold.feed((mark.chip,))
        self._feed(inner)
        lines = self._fold.lines
        while lines and not lines[-1].text.strip():
            lines.pop()
        return lines

    def _feed(self, inner: str) -> None:
        new = inner[self._fed :]
        if not inner[: self._fed].strip("\n"):
            new = new.lstrip("\n")  # what stands between the tag and the first word
        self._fed = max(self._fed, len(inner))
        if new:
            self._fold.feed((Span(safe(new).replace("\t", "    "), "thought"),))
