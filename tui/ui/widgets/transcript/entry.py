"""Entries of a transcript: messages and notices, laid out only when they come into view."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len

from tui.conversation.conversation import Ending, Role
from tui.conversation.thinking import Thought
from tui.terminal import safe, safe_line
from tui.ui.markdown import BLANK, Document, Mark, Span, StyledLine, fold
from tui.ui.widgets.transcript.copy_target import CopyTarget, find_targets
from tui.ui.widgets.transcript.thought_fold import ThoughtFold
from tui.ui.widgets.transcript.word_marks import marked, words

MARGIN = 3
"""Cells of the rail on the left."""
MEASURE = 100
"""Most cells in a line: longer lines of prose are hard to read."""
MANY, MUCH = 24, 4000
"""Lines and characters of a question that are shown."""

_PICKED = ("▶  ", "┃  ")
"""Rail of the message with the cursor: its first line, and the others."""
_LIT = "█  "
"""Rail of the part to be copied."""


class VersionNumber(NamedTuple):
    """Number of a version of a message, from 0, among how many."""

    at: int = 0
    of: int = 1

    @property
    def spans(self) -> tuple[Span, ...]:
        """Number with an arrow on each side; empty for the only version."""
        if self.of < 2:
            return ()
        return (
            Span("‹ ", "versions", False),
            Span(f"{self.at + 1}/{self.of}", "note", False),
            Span(" › ", "versions", False),
        )


class Entry(ABC):
    """Message or notice, with a blank line under it."""

    aside = False
    """True for a notice of twiddle's own."""
    asks = False
    """True for a question."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.width = 0
        """Width that it is laid out for; 0 before."""
        self.height = 0
        """Number of lines; an estimate while it is not laid out."""
        self.turn: int | None = None
        """Index in the conversation; None for a notice."""
        self.picked = False
        """True if the cursor is on it."""
        self.version = VersionNumber()
        """Number among its versions."""
        self.lit: CopyTarget | None = None
        """Part of it that is lit."""

    def set_version(self, place: VersionNumber) -> bool:
        """Set the number among its versions, and return True if it changed."""
        if place == self.version:
            return False
        self.version = place
        if self.width:
            self.lay_out(self.width)
        return True

    def turned_at(self, number: int, column: int) -> int:
        """Return -1 or 1 for a cell that is the arrow to the version before or after; else 0."""
        for span in self.line(number).spans:
            column -= cell_len(span.text)
            if column < 0:
                return {"‹ ": -1, " › ": 1}.get(span.text, 0) if span.style == "versions" else 0
        return 0

    def find_targets(self) -> list[CopyTarget]:
        """Return the parts that can be copied; none before it is laid out."""
        return []

    def _railed(self, number: int, line: StyledLine, rail: Span) -> StyledLine:
        """Put a line behind its rail, which shows the cursor."""
        if self.lit and number in self.lit.lines:
            rail = Span(_LIT, f"{rail.style} picked-rail", copied=False)
            line = self.lit.light(line)
        elif self.picked:
            rail = Span(_PICKED[min(number, 1)], f"{rail.style} picked-rail", copied=False)
        return line._replace(spans=(rail, *line.spans))

    def guess(self, width: int) -> None:
        """Estimate the height cheaply."""
        inner = self._inner(width)
        self.width = 0
        self.height = 1 + sum(1 + max(0, len(line) - 1) // inner for line in self.text.split("\n"))

    @abstractmethod
    def lay_out(self, width: int) -> None:
        """Lay out the lines for a width."""

    @abstractmethod
    def line(self, number: int) -> StyledLine:
        """Return line `number`."""

    @staticmethod
    def _inner(width: int) -> int:
        return max(1, min(width - MARGIN - 2, MEASURE))


class TextEntry(Entry):
    """Plain text: a question, the system prompt, or a notice of twiddle's own."""

    def __init__(self, text: str, role: Role | None = None) -> None:
        beginning = _beginning(text) if role == "user" else text
        super().__init__(beginning)
        self._left_out = len(text) - len(beginning)
        self._role = role or "notice"
        self.aside, self.asks = role is None, role == "user"
        self._lines: list[StyledLine] = []

    def lay_out(self, width: int) -> None:
        """Lay out the lines for a width."""
        text = "\n".join(line.expandtabs(4) for line in safe(self.text).split("\n"))
        fill = "user" if self._role == "user" else ""
        lines = [line._replace(fill=fill) for line in fold([Span(text, self._role)], self._inner(width))]
        if self._left_out:
            rest = Span(f"… {self._left_out:,} characters more", "note", copied=False)
            lines.append(StyledLine((rest,), fill=fill, copied=False))
        if self.version.spans:
            lines.append(StyledLine(self.version.spans, fill=fill, copied=False))
        self._lines = lines
        self.width, self.height = width, len(lines) + 1

    def line(self, number: int) -> StyledLine:
        """Return line `number`."""
        if number == len(self._lines):
            return BLANK
        first = "▌  " if not self.aside else "·  " if number == 0 else "   "
        return self._railed(number, self._lines[number], Span(first, f"{self._role}-rail", copied=False))


def _beginning(text: str) -> str:
    """Return the start of a long question: its attachments can be whole files."""
    if len(text) <= MUCH and text.count("\n") <= MANY:
        return text
    return "\n".join(text[:MUCH].split("\n")[:MANY])


class ReplyEntry(Entry):
    """Reply of a model, laid out as Markdown."""

    _RAIL = Span("▏  ", "assistant-rail", copied=False)

    def __init__(
        self,
        text: str = "",
        label: str = "",
        ending: Ending | None = None,
        note: str = "",
        marks: Iterable[Mark] = (),
        thought: Thought | None = None,
    ) -> None:
        super().__init__(text)
        self._fold = ThoughtFold(thought)
        self._label = label
        self.ended = ending is not None
        """True if its text is complete."""
        self._note, self._failed = note, ending in ("failed", "died", "interrupted")
        self._progress = ""
        self._marks: list[Mark] = list(marks)
        self._document: Document | None = None
        self._head: list[StyledLine] = []
        self._labels = 0
        self._foot: list[StyledLine] = []
        self._differing: frozenset[int] = frozenset()
        self._lines: list[StyledLine] | None = None
        """Lines of the text with highlighted words; made when they are first drawn."""

    @property
    def words(self) -> list[str]:
        """Words of the reply; none before it is laid out."""
        return [word for word, _ in words(self._document.lines)] if self._document else []

    @property
    def forks(self) -> list[int]:
        """Lines where it differs first from another reply; none before it is laid out."""
        lines = self._document.lines if self._document else []
        found = (place for place, line in enumerate(lines) if any(span.style == "mark-fork" for span in line.spans))
        return [len(self._head) + place for place in found]

    def light(self, places: frozenset[int]) -> None:
        """Highlight the words with some indices, and no others."""
        self._differing, self._lines = places, None

    @property
    def thought(self) -> Thought | None:
        """Part of its text that is thought."""
        return self._fold.thought

    def unfolds_at(self, number: int) -> bool:
        """Return True for the line that opens its thought."""
        return self.thought is not None and number == self._labels

    def unfold(self) -> None:
        """Open its thought, or fold it again."""
        self._fold.open = not self._fold.open
        self._measure()

    def append(self, text: str, thought: Thought | None = None) -> int:
        """Append text and return the number of the first line that changed; `thought` is the whole thought so far."""
        before = self._fold.thought
        self._fold.thought = thought or before
        if before is None and thought and self._document is not None:  # its start was taken for the answer
            self._document = Document(self._document.width, *self._fold.answer(self.text, self._marks))
        self._progress = self._progress if self.text else ""
        self.text += text
        if self._document is None:
            return 0
        answer = self.text[self._fold.answer_start(self.text) :]
        if new := answer[len(self._document.text) :]:
            self._document.append(new)
        self._measure()
        if before != self._fold.thought:
            return 0
        return len(self._head) + self._document.stable if new else self._labels

    def mark(self, mark: Mark) -> None:
        """Add a mark at its place in the text."""
        self._marks.append(mark)
        if self._document is None:
            return
        if not self._fold.holds(mark):
            self._document.mark(mark._replace(at=mark.at - self._fold.answer_start(self.text)))
        self._measure()

    def progress(self, text: str) -> None:
        """Show a line about what is happening now under the text."""
        self._progress = text
        self._measure()

    def finish(self, note: str, failed: bool) -> None:
        """End the reply, with a note under it."""
        self.ended = True
        self._note, self._failed, self._progress = note, failed, ""
        if self._document is not None:
            self._document.finish()
        self._measure()

    def lay_out(self, width: int) -> None:
        """Make the lines for a width."""
        if self._document is None:
            self._document = Document(self._inner(width), *self._fold.answer(self.text, self._marks))
        elif self._document.width != self._inner(width):
            self._document.resize(self._inner(width))
        self.width = width
        self._measure()

    def line(self, number: int) -> StyledLine:
        """One of the lines."""
        if number == self.height - 1 or self._document is None:
            return BLANK
        beyond = number - len(self._head)
        if beyond < 0:
            line = self._head[number]
        elif beyond < self._document.height:
            if self._differing and self._lines is None:
                self._lines = marked(self._document.lines, self._differing)
            line = self._lines[beyond] if self._lines else self._document.line(beyond)
        else:
            line = self._foot[beyond - self._document.height]
        return self._railed(number, line, self._RAIL)

    def find_targets(self) -> list[CopyTarget]:
        """Return the blocks of code and the links in it."""
        if self._document is None:
            return []
        return find_targets(self._document.lines, self._document.text, len(self._head))

    def _measure(self) -> None:
        self.lit = None  # its lines may have moved
        if self._document is None:
            return
        self._lines = None
        inner = self._document.width
        label = fold([Span(safe_line(self._label), "label")], inner) if self._label else []
        self._head = [line._replace(copied=False) for line in label]
        if self.thought:
            self._head += self._fold.lines(self.text, self._marks, inner, running=not self.ended)
            self._head += [BLANK._replace(copied=self._fold.open)] if self._document.text.strip() else []
        self._labels = len(label)
        foot: list[StyledLine] = []
        if self._progress:
            foot += fold([Span(safe_line(self._progress), "progress")], inner)
        if self._note or self.version.spans:
            style, lead = ("failure", "✗ ") if self._failed else ("note", "")
            foot += [BLANK] if self.text else []
            foot += fold([*self.version.spans, Span(lead + safe(self._note), style)], inner)
        self._foot = foot
        self.height = len(self._head) + self._document.height + len(foot) + 1
