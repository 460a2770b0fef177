"""Raw text split into harmless source lines, with a sign in place of each mark."""

import re
from collections.abc import Iterable

from tui.terminal import safe
from tui.ui.markdown.marks import Mark, move_signs, sign

_BREAK = re.compile("[\n\u2028\u2029]")


class MarkdownSource:
    """Growing text with its marks."""

    def __init__(self) -> None:
        self.text = ""
        """Raw text as appended."""
        self.marks: list[Mark] = []
        """All marks, in the order of their places."""
        self.lines: list[str] = []
        """Complete source lines; the reader deletes those it has finished."""
        self._pieces = [""]  # the line being written, raw, with a mark between each two pieces
        self._waiting = ""  # signs that their own line had no place for

    @property
    def tail(self) -> str:
        """Line being written."""
        return self._place_signs()[0]

    @property
    def waiting(self) -> str:
        """Signs that wait for a line to stand in."""
        return self._place_signs()[1]

    def append(self, text: str, marks: Iterable[Mark] = ()) -> None:
        """Append text, and marks whose places are in it."""
        start, done = len(self.text), 0
        for mark in marks:
            self._read(text[done : mark.at - start])
            done = mark.at - start
            self._pieces.append("")
            self.marks.append(mark)
        self._read(text[done:])
        self.text += text

    def _read(self, text: str) -> None:
        first, *others = _BREAK.split(text)
        self._pieces[-1] += first
        for other in others:
            line, self._waiting = self._place_signs()
            self.lines.append(line)
            self._pieces = [other]

    def _place_signs(self) -> tuple[str, str]:
        """Return the line being written with its signs moved where they do no harm, and the signs left over."""
        *pieces, last = self._pieces
        number = len(self.marks) - len(pieces)
        text = "".join(safe(piece) + sign(number + place) for place, piece in enumerate(pieces))
        return move_signs(self._waiting + text + safe(last.removesuffix("\r")))
