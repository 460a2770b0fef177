"""Ollama's way to read a Modelfile, one character at a time: what the reader under test is compared with.

It is slow and says nothing helpful. The rules are those of sections 1 to 4 of the notes on the Modelfile.
"""

import unicodedata
from typing import NamedTuple

WORDS = (
    "from", "license", "template", "system", "adapter", "draft", "renderer", "parser", "parameter", "message",
    "requires",
)  # fmt: skip
ROLES = ("system", "user", "assistant")


class Refused(Exception):
    """The kind of fault, and the line that Ollama names, if it names one."""

    def __init__(self, kind: str, line: int | None = None) -> None:
        super().__init__(kind, line)


class Machine(NamedTuple):
    """State of the reader."""

    state: str = "between"
    held: str = ""
    """Characters so far of the word, the name, the role or the value."""
    name: str = ""
    role: str = ""


def read(text: str) -> list[tuple[str, str]]:
    """The commands in a text; raises Refused."""
    at, line, found = Machine(), 1, list[tuple[str, str]]()
    for rune in text:
        line += rune in "\r\n"
        at = step(at, rune, line, found)
    if at.state == "value":
        found.append(command(at))
    elif at.state not in ("between", "comment"):
        raise Refused("unexpected_eof")
    if not any(name == "model" for name, _ in found):
        raise Refused("missing_from")
    return found


def keeps(rune: str, state: str) -> bool:
    """Of a word no rune that is not printed; of a value every sign that people write, which is more than Ollama has."""
    return rune.isprintable() or (state == "value" and unicodedata.category(rune) not in ("Cc", "Cs"))


def step(at: Machine, rune: str, line: int, found: list[tuple[str, str]]) -> Machine:
    newline, blank = rune in "\r\n", rune in " \t"
    kept = at.held + (rune if keeps(rune, at.state) else "")
    match at.state:
        case "comment":
            return Machine() if newline else at
        case "between" if rune == "#":
            return Machine("comment")
        case "between":
            return at if newline or blank else Machine("word", kept)
        case "value" if newline and unquoted(at.held) is not None:
            found.append(command(at))
            return Machine()
        case "value":
            return at._replace(held=at.held + rune if newline or blank else kept)
    if rune.isascii() and (rune.isalpha() or (at.state == "name" and (rune.isdigit() or rune == "_"))):
        return at._replace(held=kept)
    return after_word(at, blank, line)


def after_word(at: Machine, blank: bool, line: int) -> Machine:
    """Return the state after the end of a word, a name or a role."""
    word = at.held.lower()
    if at.state == "word":
        if not blank or word not in WORDS or not at.held.isascii():
            raise Refused("invalid_command", line)
        state = {"parameter": "name", "message": "role"}.get(word, "value")
        return Machine(state, name="model" if word == "from" else word)
    if not blank:
        raise Refused("unexpected_eof")
    if at.state == "name":
        return Machine("value", name=at.held)
    if at.held not in ROLES:
        raise Refused("invalid_role", line)
    return Machine("value", name="message", role=at.held)


def command(at: Machine) -> tuple[str, str]:
    value = unquoted(at.held)
    if value is None:
        raise Refused("unexpected_eof")
    return at.name, f"{at.role}: {value}" if at.role else value


def unquoted(raw: str) -> str | None:
    """The value, or None while its quotes are open."""
    raw = raw.strip(" \t\r\n")
    for quotes in ('"""', '"'):
        if raw.startswith(quotes):
            closed = len(raw) >= 2 * len(quotes) and raw.endswith(quotes)
            return raw[len(quotes) : -len(quotes)] if closed else None
    return raw
