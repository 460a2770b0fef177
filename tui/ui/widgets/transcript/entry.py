"""What a transcript is made of: messages and notices, each as lines that are laid out only when they are looked at."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len

from tui.conversation.conversation import Ending, Role
from tui.conversation.thinking import Thought
from tui.terminal import safe, safe_line
from tui.ui.markdown import BLANK, Document, Mark, Span, StyledLine, fold
from tui.ui.widgets.transcript.copy_target import CopyTarget, excerpts
from tui.ui.widgets.transcript.thought_fold import ThoughtFold
from tui.ui.widgets.transcript.word_marks import marked, words

MARGIN = 3
"""Cells for the rail on the left."""
MEASURE = 100
"""Cells; a longer line of prose is hard to read."""
MANY, MUCH = 24, 4000
"""Lines and characters of a question that are shown."""

_PICKED = ("▶  ", "┃  ")
"""The rail of the message that the cursor is on: on its first line, and on the others."""
_LIT = "█  "
"""The rail of what is to be taken out."""


class VersionNumber(NamedTuple):
    """Which of how many versions a message is, from 0."""

    at: int = 0
    of: int = 1

    @property
    def spans(self) -> tuple[Span, ...]:
        """How it is drawn, with an arrow to each side; nothing where there is one."""
        if self.of < 2:
            return ()
        return (
            Span("‹ ", "versions", False),
            Span(f"{self.at + 1}/{self.of}", "note", False),
            Span(" › ", "versions", False),
        )


class Entry(ABC):
    """One thing in a transcript, with a blank line under it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.width = 0
        """The width it is laid out for; 0 before."""
        self.height = 0
        """Its lines, or a guess while it is not laid out."""
        self.turn: int | None = None
        """Its index in the conversation, once it has one."""
        self.picked = False
        """True if the cursor is on it."""
        self.place = VersionNumber()
        """Where it stands among its versions."""
        self.lit: CopyTarget | None = None
        """The part of it that is to be taken out."""

    @property
    def aside(self) -> bool:
        """True if it is no message, but the program's own word."""
        return False

    @property
    def asks(self) -> bool:
        """True if it is a question."""
        return False

    def put(self, place: VersionNumber) -> bool:
        """Take in where it stands among its versions; whether that is new."""
        if place == self.place:
            return False
        self.place = place
        if self.width:
            self.lay_out(self.width)
        return True

    def turned_at(self, number: int, column: int) -> int:
        """-1 or 1 where a cell of a line is the arrow to the version before or after; else 0."""
        for span in self.line(number).spans:
            column -= cell_len(span.text)
            if column < 0:
                return {"‹ ": -1, " › ": 1}.get(span.text, 0) if span.style == "versions" else 0
        return 0

    def excerpts(self) -> list[CopyTarget]:
        """What of it can be taken out, once it is laid out."""
        return []

    def _railed(self, number: int, line: StyledLine, rail: Span) -> StyledLine:
        """A line behind its rail, which shows where the cursor is."""
        if self.lit and number in self.lit.lines:
            rail = Span(_LIT, f"{rail.style} picked-rail", copied=False)
            line = self.lit.light(line)
        elif self.picked:
            rail = Span(_PICKED[min(number, 1)], f"{rail.style} picked-rail", copied=False)
        return line._replace(spans=(rail, *line.spans))

    def guess(self, width: int) -> None:
        """Make do with a cheap guess at the height."""
        inner = self._inner(width)
        self.width = 0
        self.height = 1 + sum(1 + max(0, len(line) - 1) // inner for line in self.text.split("\n"))

    @abstractmethod
    def lay_out(self, width: int) -> None:
        """Make the lines for a width."""

    @abstractmethod
    def line(self, number: int) -> StyledLine:
        """One of the lines."""

    @staticmethod
    def _inner(width: int) -> int:
        return max(1, min(width - MARGIN - 2, MEASURE))


class TextEntry(Entry):
    """A text shown as it was written: what a person, the system prompt or the program itself says."""

    def __init__(self, text: str, role: Role | None = None) -> None:
        beginning = _beginning(text) if role == "user" else text
        super().__init__(beginning)
        self._left_out = len(text) - len(beginning)
        self._role = role or "notice"
        self._lines: list[StyledLine] = []

    @property
    def aside(self) -> bool:
        """True if it is no message, but the program's own word."""
        return self._role == "notice"

    @property
    def asks(self) -> bool:
        """True if it is a question."""
        return self._role == "user"

    def lay_out(self, width: int) -> None:
        """Make the lines for a width."""
        text = "\n".join(line.expandtabs(4) for line in safe(self.text).split("\n"))
        fill = "user" if self._role == "user" else ""
        lines = [line._replace(fill=fill) for line in fold([Span(text, self._role)], self._inner(width))]
        if self._left_out:
            rest = Span(f"… {self._left_out:,} characters more", "note", copied=False)
            lines.append(StyledLine((rest,), fill=fill, said=False))
        if self.place.spans:
            lines.append(StyledLine(self.place.spans, fill=fill, said=False))
        self._lines = lines
        self.width, self.height = width, len(lines) + 1

    def line(self, number: int) -> StyledLine:
        """One of the lines."""
        if number == len(self._lines):
            return BLANK
        first = "▌  " if not self.aside else "·  " if number == 0 else "   "
        return self._railed(number, self._lines[number], Span(first, f"{self._role}-rail", copied=False))


def _beginning(text: str) -> str:
    """As much of a question as one wants to scroll past: what goes along with it can be a whole file."""
    if len(text) <= MUCH and text.count("\n") <= MANY:
        return text
    return "\n".join(text[:MUCH].split("\n")[:MANY])


class ReplyEntry(Entry):
    """What a model writes, as Markdown."""

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
        self._fold = ThoughtFold(thought) if thought else None
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
        """Those of the text with words lit; made when they are looked at."""

    @property
    def words(self) -> list[str]:
        """What was said, word by word, once it is laid out."""
        return [word for word, _ in words(self._document.lines)] if self._document else []

    @property
    def forks(self) -> list[int]:
        """The lines in which it parts from another reply, once it is laid out."""
        lines = self._document.lines if self._document else []
        found = (place for place, line in enumerate(lines) if any(span.style == "mark-fork" for span in line.spans))
        return [len(self._head) + place for place in found]

    def light(self, places: frozenset[int]) -> None:
        """Light these of its words, and no others."""
        self._differing, self._lines = places, None

    @property
    def thought(self) -> Thought | None:
        """What of its text is thought."""
        return self._fold.thought if self._fold else None

    @thought.setter
    def thought(self, thought: Thought) -> None:
        """Take in how far the thought goes."""
        if self._fold is None:
            self._fold = ThoughtFold(thought)
            if self._document is not None:
                self._document = Document(self._document.width, self._answer, self._answer_marks)
        self._fold.thought = thought
        self._measure()

    @property
    def _answered_from(self) -> int:
        """Characters of the text before the answer."""
        if self._fold is None:
            return 0
        answer = self._fold.thought.answer
        return len(self.text) if answer is None else min(answer, len(self.text))

    @property
    def _answer(self) -> str:
        return self.text[self._answered_from :]

    @property
    def _answer_marks(self) -> list[Mark]:
        before = self._answered_from
        return [mark._replace(at=mark.at - before) for mark in self._marks if not self._in_thought(mark)]

    def _in_thought(self, mark: Mark) -> bool:
        thought = self.thought
        return thought is not None and (thought.answer is None or mark.at < thought.answer)

    def unfolds_at(self, number: int) -> bool:
        """Return True if a line is the one that stands for its thought."""
        return self._fold is not None and number == self._labels

    def unfold(self) -> None:
        """Open its thought, or folds it again."""
        if self._fold:
            self._fold.open = not self._fold.open
            self._measure()

    def append(self, text: str) -> int:
        """Add text; returns the number of the first line that has changed."""
        self._progress = self._progress if self.text else ""
        self.text += text
        if self._document is None:
            return 0
        answer = self._answer
        if new := answer[len(self._document.text) :]:
            self._document.append(new)
        self._measure()
        return len(self._head) + self._document.stable if new else self._labels

    def mark(self, mark: Mark) -> None:
        """Add a mark at its place in the text."""
        self._marks.append(mark)
        if self._document is None:
            return
        if not self._in_thought(mark):
            self._document.mark(mark._replace(at=mark.at - self._answered_from))
        self._measure()

    def progress(self, text: str) -> None:
        """What is happening now, under the text."""
        self._progress = text
        self._measure()

    def finish(self, note: str, failed: bool) -> None:
        """The text is complete; a note may stand under it."""
        self.ended = True
        self._note, self._failed, self._progress = note, failed, ""
        if self._document is not None:
            self._document.finish()
        self._measure()

    def lay_out(self, width: int) -> None:
        """Make the lines for a width."""
        if self._document is None:
            self._document = Document(self._inner(width), self._answer, self._answer_marks)
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
            line = self._line(self._document, beyond)
        else:
            line = self._foot[beyond - self._document.height]
        return self._railed(number, line, self._RAIL)

    def _line(self, document: Document, number: int) -> StyledLine:
        if not self._differing:
            return document.line(number)
        if self._lines is None:
            self._lines = marked(document.lines, self._differing)
        return self._lines[number]

    def excerpts(self) -> list[CopyTarget]:
        """The blocks of code and the links in it."""
        return excerpts(self._document.lines, self._answer, len(self._head)) if self._document else []

    def _measure(self) -> None:
        self.lit = None  # its lines may have moved
        if self._document is None:
            return
        self._lines = None
        inner = self._document.width
        label = fold([Span(safe_line(self._label), "label")], inner) if self._label else []
        self._head = [line._replace(said=False) for line in label]
        if self._fold:
            marks = [mark for mark in self._marks if self._in_thought(mark)]
            self._head += self._fold.lines(self.text, marks, inner, running=not self.ended)
            self._head += [BLANK._replace(said=self._fold.open)] if self._answer.strip() else []
        self._labels = len(label)
        foot: list[StyledLine] = []
        if self._progress:
            foot += fold([Span(safe_line(self._progress), "progress")], inner)
        if self._note or self.place.spans:
            style, lead = ("failure", "✗ ") if self._failed else ("note", "")
            foot += [BLANK] if self.text else []
            foot += fold([*self.place.spans, Span(lead + safe(self._note), style)], inner)
        self._foot = foot
        self.height = len(self._head) + self._document.height + len(foot) + 1
