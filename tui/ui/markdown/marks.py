"""Labels inside a text. Each is one noncharacter in the source, which untrusted text cannot contain."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from tui.terminal import safe, safe_line
from tui.ui.markdown.lines import Span

MarkKind = Literal["knob", "fork", "branch"]

_SIGNS = "".join(map(chr, range(0xFDD0, 0xFDF0)))
"""Noncharacters, which terminal.safe replaces in all text from elsewhere; neighbouring marks get different ones."""
_SIGN = re.compile(f"[{_SIGNS}]")
_GLYPHS: dict[MarkKind, str] = {"knob": "◆", "fork": "≠", "branch": "⑂"}

_MARKER = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])|#{1,6}(?=[ \t])))*[ \t]*\|?[ \t]*")
_STRUCTURE = re.compile(r"[ \t>]*(?:`{3,}.*|~{3,}.*|[-+*=_|:~` \t]*|\d{1,9}[.)]?|#+)[ \t]*")


class Mark(NamedTuple):
    """Label at a place of a text."""

    at: int
    """Index in the raw text of the character after it."""
    label: str
    kind: MarkKind = "knob"

    @property
    def chip(self) -> Span:
        """Span that is drawn; its spaces do not break."""
        label = safe_line(self.label).replace(" ", "\u00a0")
        return Span(f"\u00a0{_GLYPHS[self.kind]}\u00a0{label}\u00a0", f"mark-{self.kind}", copied=False)


def sign(number: int) -> str:
    """Return the character that stands for mark `number`."""
    return _SIGNS[number % len(_SIGNS)]


def signs(text: str) -> list[str]:
    """Return the signs in a text, in order."""
    return [] if text.isascii() else _SIGN.findall(text)


def without_signs(text: str) -> str:
    """Return a text without its signs."""
    return text if text.isascii() else _SIGN.sub("", text)


def move_signs(line: str) -> tuple[str, str]:
    """Move the signs of a source line to where they cannot change its meaning; return those for the next line too.

    A sign before a list marker would make a paragraph of the item, and one in a fence or a rule would undo it.
    """
    found = signs(line)
    if not found:
        return line, ""
    text = without_signs(line)
    if _STRUCTURE.fullmatch(text):
        return text, "".join(found)
    marker = _MARKER.match(text)
    first = marker.end() if marker else 0
    row = text.rstrip()
    last = len(row) - 1 if row.startswith("|") and row.endswith("|") else len(text)
    moved = text
    for place, match in enumerate(_SIGN.finditer(line)):
        at = max(first, min(match.start() - place, last)) + place
        moved = moved[:at] + match[0] + moved[at:]
    return moved, ""


class InlineMarks:
    """Marks of one block, handed out as their signs turn up."""

    def __init__(self, text: str, marks: Iterable[Mark]) -> None:
        self._marks = list(zip(signs(text), marks, strict=False))
        self._drawn: set[int] = set()

    def spans(self, text: str, style: str = "") -> Iterator[Span]:
        """Yield a text as spans, chips in place of signs; `safe` again, since entities were decoded."""
        if text.isascii() and text.isprintable():
            yield Span(text, style)
            return
        start = 0
        for match in _SIGN.finditer(text):
            yield from _plain(text[start : match.start()], style)
            yield from self._chip(match[0])
            start = match.end()
        yield from _plain(text[start:], style)

    def rest(self) -> list[Span]:
        """Return the marks whose places Markdown swallowed, such as a cell beyond the last column."""
        return [mark.chip for place, (_, mark) in enumerate(self._marks) if place not in self._drawn]

    def _chip(self, character: str) -> Iterator[Span]:
        places = [place for place, (sign, _) in enumerate(self._marks) if sign == character]
        if places:
            place = next((place for place in places if place not in self._drawn), places[-1])
            self._drawn.add(place)
            yield self._marks[place][1].chip


def _plain(text: str, style: str) -> Iterator[Span]:
    if text:
        yield Span(safe(text).replace("\t", "    "), style)
