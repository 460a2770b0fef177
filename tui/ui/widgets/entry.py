"""What a transcript is made of: messages and notices, each as lines that are laid out only when they are looked at."""

from abc import ABC, abstractmethod

from tui.chat import Ending, Role
from tui.terminal import safe, safe_line
from tui.ui.markdown import BLANK, Document, Line, Mark, Span, fold, indented

MARGIN = 3
"""Cells for the rail on the left."""
MEASURE = 100
"""Cells; a longer line of prose is hard to read."""

_ENDINGS: dict[Ending, tuple[str, bool]] = {
    "stop": ("", False),
    "length": ("stopped at the length limit", False),
    "stopped": ("stopped", False),
    "failed": ("failed", True),
    "died": ("the engine was lost", True),
    "interrupted": ("interrupted", True),
}


class Entry(ABC):
    """One thing in a transcript, with a blank line under it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.width = 0
        """The width it is laid out for; 0 before."""
        self.height = 0
        """Its lines, or a guess while it is not laid out."""

    def guess(self, width: int) -> None:
        """Makes do with a cheap guess at the height."""
        inner = self._inner(width)
        self.width = 0
        self.height = 1 + sum(1 + max(0, len(line) - 1) // inner for line in self.text.split("\n"))

    @abstractmethod
    def lay_out(self, width: int) -> None:
        """Makes the lines for a width."""

    @abstractmethod
    def line(self, number: int) -> Line:
        """One of the lines."""

    @staticmethod
    def _inner(width: int) -> int:
        return max(1, min(width - MARGIN - 2, MEASURE))


class Saying(Entry):
    """A text shown as it was written: what a person, the system prompt or the program itself says."""

    def __init__(self, text: str, role: Role | None = None) -> None:
        super().__init__(text)
        self._role = role or "notice"
        self._lines: list[Line] = []

    def lay_out(self, width: int) -> None:
        """Makes the lines for a width."""
        text = "\n".join(line.expandtabs(4) for line in safe(self.text).split("\n"))
        rail = Span("·  " if self._role == "notice" else "▌  ", f"{self._role}-rail", copied=False)
        fill = "user" if self._role == "user" else ""
        lines = [line._replace(fill=fill) for line in fold([Span(text, self._role)], self._inner(width))]
        self._lines = [*indented(lines, rail, rail if self._role != "notice" else None), BLANK]
        self.width, self.height = width, len(self._lines)

    def line(self, number: int) -> Line:
        """One of the lines."""
        return self._lines[number]


class Reply(Entry):
    """What a model writes, as Markdown."""

    _RAIL = Span("▏  ", "assistant-rail", copied=False)

    def __init__(self, text: str = "", label: str = "", ending: Ending | None = None) -> None:
        super().__init__(text)
        self._label = label
        self.ended = ending is not None
        """Whether its text is complete."""
        self._note, self._failed = _ENDINGS[ending or "stop"]
        self._progress = ""
        self._marks: list[Mark] = []
        self._document: Document | None = None
        self._head: list[Line] = []
        self._foot: list[Line] = []

    def append(self, text: str) -> int:
        """Adds text; returns the number of the first line that has changed."""
        self._progress = self._progress if self.text else ""
        self.text += text
        if self._document is None:
            return 0
        self._document.append(text)
        self._measure()
        return len(self._head) + self._document.stable

    def mark(self, mark: Mark) -> None:
        """Adds a mark at its place in the text."""
        self._marks.append(mark)
        if self._document is not None:
            self._document.mark(mark)
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
        """Makes the lines for a width."""
        if self._document is None:
            self._document = Document(self._inner(width), self.text, self._marks)
        elif self._document.width != self._inner(width):
            self._document.resize(self._inner(width))
        self.width = width
        self._measure()

    def line(self, number: int) -> Line:
        """One of the lines."""
        if number == self.height - 1 or self._document is None:
            return BLANK
        beyond = number - len(self._head)
        if beyond < 0:
            line = self._head[number]
        elif beyond < self._document.height:
            line = self._document.line(beyond)
        else:
            line = self._foot[beyond - self._document.height]
        return line._replace(spans=(self._RAIL, *line.spans))

    def _measure(self) -> None:
        if self._document is None:
            return
        inner = self._document.width
        label = fold([Span(safe_line(self._label), "label")], inner) if self._label else []
        self._head = [line._replace(said=False) for line in label]
        foot: list[Line] = []
        if self._progress:
            foot += fold([Span(safe_line(self._progress), "progress")], inner)
        if self._note:
            style, lead = ("failure", "✗ ") if self._failed else ("note", "")
            foot += [BLANK] if self.text else []
            foot += fold([Span(lead + safe(self._note), style)], inner)
        self._foot = foot
        self.height = len(self._head) + self._document.height + len(foot) + 1
