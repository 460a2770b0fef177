"""A template text cut into texts and the words of actions, by the rules of Go's text/template/parse."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tui.presets.gotemplate import literals
from tui.presets.gotemplate.error import TemplateError
from tui.presets.gotemplate.nodes import Position

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<raw>`[^`]*`)
      | (?P<char>'(?:[^'\\\n]|\\.)+')
      | (?P<number>[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[bBoO][0-9_]+|
                           (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]*)?))
      | (?P<field>\.[^\W\d]\w*)
      | (?P<variable>\$\w*)
      | (?P<name>[^\W\d]\w*)
      | (?P<sign>:=|=|\||\(|\)|,|\.)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACED_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/", re.DOTALL)


class Lexeme(NamedTuple):
    """A text, or a word of an action."""

    kind: str
    """text, open, close, string, char, number, field, variable, name or sign."""
    text: str
    place: Position
    spaced: bool = False
    """Whether white space stands before it."""
    end: int = 0
    """Of a close: where the text after it begins."""


def words(source: str) -> Iterator[Lexeme]:
    """The words of a template; raises TemplateError."""
    at, trimmed = 0, False
    while (opening := source.find("{{", at)) >= 0:
        inner = opening + 2
        trims = source[inner : inner + 1] == "-" and source[inner + 1 : inner + 2] in (" ", "\t", "\r", "\n")
        inner += 1 if trims else 0
        yield from _text(source, at, opening, trimmed, trims)
        comment = (_SPACED_COMMENT if trims else _COMMENT).match(source, inner)
        if comment:
            at, trimmed = _after_comment(source, comment.end(), _place(source, opening))
            continue
        yield Lexeme("open", "{{", _place(source, opening))
        for word in _action(source, inner, opening):
            yield word
        at, trimmed = word.end, word.text == "-}}"
    yield from _text(source, at, len(source), trimmed, False)


def _text(source: str, start: int, end: int, left: bool, right: bool) -> Iterator[Lexeme]:
    text = source[start:end]
    text = text.lstrip(" \t\r\n") if left else text
    text = text.rstrip(" \t\r\n") if right else text
    if text:
        yield Lexeme("text", text, _place(source, start))


def _after_comment(source: str, at: int, place: Position) -> tuple[int, bool]:
    if source.startswith("}}", at):
        return at + 2, False
    rest = source[at:].lstrip(" \t\r\n")
    if rest.startswith("-}}") and rest != source[at:]:
        return len(source) - len(rest) + 3, True
    raise TemplateError("a comment ends right before }} or  -}}", place)


def _action(source: str, at: int, opening: int) -> Iterator[Lexeme]:
    """The words up to the end of the action; the last one is a close."""
    spaced = False
    while at < len(source):
        if source.startswith("}}", at):
            yield Lexeme("close", "}}", _place(source, at), end=at + 2)
            return
        if spaced and source.startswith("-}}", at):
            yield Lexeme("close", "-}}", _place(source, at), end=at + 3)
            return
        match = _WORD.match(source, at)
        if not match or not match.lastgroup:
            raise TemplateError(f"{source[at]!r} does not belong into an action", _place(source, at))
        if match.lastgroup != "space":
            yield Lexeme(match.lastgroup, match[0], _place(source, at), spaced)
        spaced, at = match.lastgroup == "space", match.end()
    raise TemplateError("{{ is not closed; write }}", _place(source, opening))


def _place(source: str, at: int) -> Position:
    return Position(source.count("\n", 0, at) + 1, at - (source.rfind("\n", 0, at) + 1) + 1)


def literal(word: Lexeme) -> str | int | float:
    """What a string, character or number means; raises TemplateError."""
    if word.kind == "raw":
        return word.text[1:-1]
    reads: dict[str, Callable[[str], str | int | float]] = {
        "string": literals.text,
        "char": literals.rune,
        "number": literals.number,
    }
    try:
        return reads[word.kind](word.text)
    except (ValueError, TypeError, OverflowError):
        raise TemplateError(f"{word.text} cannot be read", word.place) from None
