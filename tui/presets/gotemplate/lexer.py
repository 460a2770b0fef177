"""Lexer: a template as texts and the words of actions, after Go's text/template/parse/lex.go.

Literals are the plain ones: strings with the escapes of JSON, raw strings, decimal numbers. Characters in single
quotes, numbers in other bases and the escapes that only Go has are refused.
"""

import json
import re
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from tui.presets.gotemplate.nodes import Position, TemplateError

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<raw>`[^`]*`)
      | (?P<number>[+-]?\.?[0-9](?:[eE][+-]|[\w.])*)
      | (?P<field>\.[^\W\d]\w*)
      | (?P<variable>\$\w*)
      | (?P<name>[^\W\d]\w*)
      | (?P<sign>:=|=|\||\(|\)|,|\.)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACED_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/", re.DOTALL)


class Lexeme(NamedTuple):
    """Text between actions, or a word of an action."""

    kind: str
    """One of text, open, close, string, raw, number, field, variable, name, sign and eof."""
    text: str
    position: Position
    spaced: bool = False
    """True if white space precedes it."""
    end: int = 0
    """Index of the text after a close."""


def words(source: str) -> Iterator[Lexeme]:
    """Split a template into words; raises TemplateError."""
    at, trimmed = 0, False
    while (opening := source.find("{{", at)) >= 0:
        inner = opening + 2
        trims = source[inner : inner + 1] == "-" and source[inner + 1 : inner + 2] in (" ", "\t", "\r", "\n")
        inner += 1 if trims else 0
        yield from _text(source, at, opening, trimmed, trims)
        comment = (_SPACED_COMMENT if trims else _COMMENT).match(source, inner)
        if comment:
            at, trimmed = _after_comment(source, comment.end(), _position(source, opening))
            continue
        yield Lexeme("open", "{{", _position(source, opening))
        for word in _action(source, inner, opening):
            yield word
        at, trimmed = word.end, word.text == "-}}"
    yield from _text(source, at, len(source), trimmed, False)


def _text(source: str, start: int, end: int, left: bool, right: bool) -> Iterator[Lexeme]:
    text = source[start:end]
    text = text.lstrip(" \t\r\n") if left else text
    text = text.rstrip(" \t\r\n") if right else text
    if text:
        yield Lexeme("text", text, _position(source, start))


def _after_comment(source: str, at: int, position: Position) -> tuple[int, bool]:
    if source.startswith("}}", at):
        return at + 2, False
    rest = source[at:].lstrip(" \t\r\n")
    if rest.startswith("-}}") and rest != source[at:]:
        return len(source) - len(rest) + 3, True
    raise TemplateError("a comment ends right before }} or  -}}", position)


def _action(source: str, at: int, opening: int) -> Iterator[Lexeme]:
    """Yield the words up to the end of the action; the last one is a close."""
    spaced = False
    while at < len(source):
        if source.startswith("}}", at):
            yield Lexeme("close", "}}", _position(source, at), end=at + 2)
            return
        if spaced and source.startswith("-}}", at):
            yield Lexeme("close", "-}}", _position(source, at), end=at + 3)
            return
        match = _WORD.match(source, at)
        if not match or not match.lastgroup:
            raise TemplateError(f"{source[at]!r} does not belong into an action", _position(source, at))
        if match.lastgroup != "space":
            yield Lexeme(match.lastgroup, match[0], _position(source, at), spaced)
        spaced, at = match.lastgroup == "space", match.end()
    raise TemplateError("{{ is not closed; write }}", _position(source, opening))


def _position(source: str, at: int) -> Position:
    return Position(source.count("\n", 0, at) + 1, at - (source.rfind("\n", 0, at) + 1) + 1)


_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def literal(word: Lexeme) -> str | int | float:
    """Return the value of a string or a number; raises TemplateError."""
    if word.kind == "raw":
        return word.text[1:-1]
    try:
        return _string(word.text) if word.kind == "string" else _number(word.text)
    except ValueError:
        raise TemplateError(f"{word.text} cannot be read", word.position) from None


def _string(source: str) -> str:
    text: str = json.loads(source, strict=False)
    text.encode("utf-8", "surrogateescape")  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
    return text


def _number(source: str) -> int | float:
    if _INTEGER.fullmatch(source) and -(2**63) <= int(source) < 2**63:
        return int(source)
    if not _FLOAT.fullmatch(source) or source.lstrip("+-").isdigit() or float(source) in (inf, -inf):
        raise ValueError(f"{source} is no number")
    return float(source)
