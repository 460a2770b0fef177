"""Parser of the Modelfile syntax, compatible with Ollama's.

    file        = { blank line | "#" comment | instruction }
    instruction = WORD sep value | "PARAMETER" sep NAME sep value | "MESSAGE" sep ROLE sep value

A separator is one blank or tab. A value runs to the end of its line; one that opens with `"` or `\"""` runs to the
first line that ends with the same. Nothing inside is an escape, and there are no comments at the end of a line.
Control characters other than tabs are dropped. The rules were compared with Ollama's own parser (v0.33): it accepts and
refuses the same files; its error messages are less detailed, and it drops every rune that Go does not print, such as
the joiners in an emoji, so that a text with them is another one there.
"""

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from tui.errors import PresetError, did_you_mean
from tui.terminal import truncate

INSTRUCTIONS = (
    "FROM", "PARAMETER", "SYSTEM", "TEMPLATE", "MESSAGE", "LICENSE",
    "ADAPTER", "DRAFT", "RENDERER", "PARSER", "REQUIRES",
)  # fmt: skip
ROLES = ("system", "user", "assistant")

Fault = Literal[
    "invalid_command", "invalid_role", "unexpected_eof", "missing_from", "unknown_parameter", "invalid_int",
    "invalid_float", "invalid_bool", "not_serialisable", "invalid_requires", "out_of_range", "loop",
]  # fmt: skip
"""Kinds of errors in a Modelfile, in the terms of Ollama's error messages."""


class ModelfileError(PresetError):
    """Error in a Modelfile: its kind, its position, and advice on what to write instead.

    Lines and columns count from 1, CR LF as one line end; both are None for an error of the whole file. `counted` is
    the line number in Ollama's message: it counts CR and LF separately, and the line end after the faulty word too.
    """

    def __init__(
        self,
        kind: Fault,
        advice: str,
        *,
        file: str,
        line: int | None = None,
        column: int | None = None,
        counted: int | None = None,
    ):
        where = file if line is None else f"{file}, line {line}, column {column}"
        super().__init__(f"{where}: {advice}")
        self.kind = kind
        self.advice = advice
        self.file = file
        self.line = line
        self.column = column
        self.counted = counted or line


class Instruction(Struct, frozen=True):
    """Instruction. FROM is named `model`, a PARAMETER by its own name, the others by their word in lower case."""

    name: str
    args: str
    """Value without its quotes; for a message `role: text`."""
    line: int
    column: int
    start: int
    end: int
    """Range in the decoded text, without the last line end."""


class SourceToken(NamedTuple):
    """Range of the decoded text with its part in the syntax."""

    start: int
    end: int
    kind: Literal["comment", "word", "name", "value"]
    """`name` is the name of a PARAMETER or the role of a MESSAGE."""


class Modelfile(Struct, frozen=True):
    """Parsed Modelfile: its instructions in order."""

    commands: tuple[Instruction, ...]
    description: str
    """Comment before the first instruction, as one paragraph."""


def parse_modelfile(source: str | bytes, file: str = "Modelfile") -> Modelfile:
    """Parse a Modelfile; `file` is its name in errors. Raises ModelfileError. Ollama would `require_from` as well."""
    reader = _Reader(decode(source), file)
    reader.skip()
    description = _paragraph(reader.text[: reader.at])
    return Modelfile(tuple(reader.commands()), description)


def require_from(modelfile: Modelfile, file: str = "Modelfile") -> None:
    """Raise ModelfileError for a Modelfile without FROM, which twiddle uses with any model and Ollama refuses."""
    if not any(command.name == "model" for command in modelfile.commands):
        raise ModelfileError(
            "missing_from", "there is no FROM line; write FROM starter, or FROM ./your-model.gguf.", file=file
        )


def tokenize(text: str) -> Iterator[SourceToken]:
    """Yield the tokens of a Modelfile; after an error parsing resumes on the next line."""
    reader = _Reader(text, "")
    while reader.at < len(text):
        start = reader.at
        reader.skip()
        yield from (SourceToken(*match.span(), "comment") for match in _COMMENT.finditer(text, start, reader.at))
        if reader.at < len(text):
            yield from reader.tokens()


def decode(source: str | bytes) -> str:
    """Decode a file: UTF-8, or UTF-16 with a byte order mark; invalid bytes become U+FFFD."""
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):  # fmt: skip
        if source.startswith(mark):
            text = source[len(mark) :].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
            # After a mark Ollama replaces each invalid byte, without one each invalid sequence.
            return _BYTE.sub("\ufffd", text)
    return source.decode(errors="replace")


_BYTE = re.compile("[\udc80-\udcff]")


def dropped(text: str) -> str:
    """Return the first character of a text that a Modelfile drops, as `U+0007`; "" if it keeps them all."""
    found = _CONTROL.search(text.replace("\r", "").replace("\n", ""))
    return f"U+{ord(found[0]):04X}" if found else ""


def _paragraph(preface: str) -> str:
    comments = (line.strip(" \t").lstrip("#") for line in re.split(r"[\r\n]", preface))
    return " ".join(" ".join(_printable(comment) for comment in comments).split())


def _printable(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub("", text)


_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_COMMENT = re.compile(r"#[^\r\n]*")
_SKIPPED = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_LINE = re.compile(r"[^\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_EITHER_END = re.compile(r"[\r\n]")
_LETTERS = re.compile(r"[A-Za-z]*")
_NAME = re.compile(r"[A-Za-z0-9_]*")
_SHOWN = re.compile(r"[^ \t\r\n]{0,30}")
_NOT_BLANK = re.compile(r"[^ \t\r\n]*")


class _Reader:
    """Cursor that moves through the text and parses instructions."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self._tokens: list[SourceToken] = []
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def commands(self) -> Iterator[Instruction]:
        """Yield the instructions from here to the end."""
        while self.at < len(self.text):
            yield self._command()
            self.skip()

    def skip(self) -> None:
        """Move past white space and comments."""
        self._take(_SKIPPED)

    def tokens(self) -> list[SourceToken]:
        """Consume one instruction, faulty or not, and return its tokens."""
        self._tokens = []
        try:
            self._command()
        except ModelfileError:
            *_, last = self._tokens
            if last.kind != "value":  # otherwise its quotes are open, and the value runs to the end of the file
                self.at = max(last.end, _NOT_BLANK.match(self.text, last.start).end())  # type: ignore[union-attr]
                self._tokens[-1] = last._replace(end=self.at)
                self._take(_BLANKS)
                start = self.at
                self._add_token(start, self._take(_LINE), "value")
        return self._tokens

    def _add_token(self, start: int, source: str, kind: Literal["word", "name", "value"]) -> None:
        if source.rstrip():
            self._tokens.append(SourceToken(start, start + len(source.rstrip()), kind))

    def _command(self) -> Instruction:
        start = self.at
        line, column = self._place(start)
        name = self._word()
        role = ""
        if name == "parameter":
            name = self._parameter_name()
        elif name == "message":
            role = f"{self._role()}: "
        elif name == "from":
            name = "model"
        return Instruction(name, role + self._value(), line, column, start, self.at)

    def _word(self) -> str:
        start = self.at
        # Ollama accepts any first rune of a word and drops an unprintable one, such as a stray byte order mark.
        self.at += 1
        word = (self.text[start] if self.text[start].isprintable() else "") + self._take(_LETTERS)
        self._tokens.append(SourceToken(start, self.at, "word"))
        end = self._separator()
        if not end:
            raise self._fault("unexpected_eof", start, f"the file ends in {_shown(word)}; write a value after it.")
        known = word.isascii() and word.upper() in INSTRUCTIONS
        if known and end in " \t":
            return word.lower()
        if known and end in "\r\n":
            advice = f"{word.upper()} has no value; write one on the same line, or open quotes there."
        elif known:
            advice = f"{_shown(end)} cannot follow {word.upper()}; write a blank between it and its value."
        else:
            found = _SHOWN.match(self.text, start)
            advice = f"{_shown(found[0] if found else word)} is not an instruction; a line starts with one of "
            advice += f"{', '.join(INSTRUCTIONS)}, or with # for a comment.{did_you_mean(word.upper(), INSTRUCTIONS)}"
        raise self._fault("invalid_command", start, advice)

    def _parameter_name(self) -> str:
        start = self.at
        name = self._take(_NAME)
        self._add_token(start, name, "name")
        end = self._separator()
        if end and end in " \t":
            return name
        advice = "PARAMETER takes a name and a value, such as PARAMETER temperature 0.7"
        raise self._fault("unexpected_eof", start, f"{advice}; here {self._seen(end, name)}.")

    def _role(self) -> str:
        start = self.at
        role = self._take(_LETTERS)
        self._add_token(start, role, "name")
        end = self._separator()
        advice = "MESSAGE takes a role and a text, such as MESSAGE user Hello"
        if not end or end not in " \t":
            raise self._fault("unexpected_eof", start, f"{advice}; here {self._seen(end, role)}.")
        if role in ROLES:
            return role
        found = f"{_shown(role)} is no role" if role else "there are two blanks where one belongs"
        raise self._fault("invalid_role", start, f"{advice}; {found}, the roles are {', '.join(ROLES)} in lower case.")

    def _seen(self, end: str, name: str) -> str:
        after = f" after {_shown(name)}" if name else ""
        if not end:
            return f"the file ends{after}"
        return f"the line ends{after}" if end in "\r\n" else f"stands {_shown(end)}{after}"

    def _value(self) -> str:
        self._take(_BLANKS)
        start = self.at
        line = _printable(self._take(_LINE)).lstrip(" \t")
        text = line.rstrip(" \t")
        quotes = '"""' if text.startswith('"""') else '"' if text.startswith('"') else ""
        if not quotes:
            self._add_token(start, self.text[start : self.at], "value")
            return text
        closed = len(text) >= 2 * len(quotes) and text.endswith(quotes)
        lines = [line]
        while not closed:
            newline = self._separator()
            if not newline:
                self._add_token(start, self.text[start:], "value")
                advice = f"the quotes that open here are never closed; end the last line of the text with {quotes}"
                raise self._fault("unexpected_eof", start, f"{advice} and nothing after it.")
            line = _printable(self._take(_LINE))
            lines += newline, line
            closed = line.rstrip(" \t").endswith(quotes)
        self._add_token(start, self.text[start : self.at], "value")
        return "".join(lines).rstrip(" \t")[len(quotes) : -len(quotes)]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match, "every pattern here matches the empty text"
        self.at = match.end()
        return match[0]

    def _separator(self) -> str:
        """Consume the next character; empty at the end of the file."""
        self.at += 1
        return self.text[self.at - 1 : self.at]

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _fault(self, kind: Fault, offset: int, advice: str) -> ModelfileError:
        line, column = self._place(offset)
        counted = 1 + len(_EITHER_END.findall(self.text, 0, self.at))
        return ModelfileError(kind, advice, file=self.file, line=line, column=column, counted=counted)


def _shown(text: str) -> str:
    return repr(truncate(text, 30))
