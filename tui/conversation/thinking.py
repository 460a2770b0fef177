"""Thoughts: the text that a reasoning model writes between two tags before its answer."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tui.knobs.table import Knobs


class Tags(NamedTuple):
    """Opening and closing tag of a thought. Control tokens in them are spelled by name."""

    open: str
    close: str
    answer: str = ""
    """Tag that announces an answer without a thought before it, if there is one."""


_KNOWN = (
    Tags("<think>", "</think>"),
    Tags("[THINK]", "[/THINK]"),
    Tags("<|START_THINKING|>", "<|END_THINKING|>"),
    Tags("<|channel>thought", "<channel|>"),
    Tags("<seed:think>", "</seed:think>"),
    Tags("<reasoning>", "</reasoning>"),
    Tags("<thinking>", "</thinking>"),
    Tags("<thought>", "</thought>"),
    Tags("◁think▷", "◁/think▷"),
    Tags("<|begin_of_thought|>", "<|end_of_thought|>"),
    Tags("<|inner_prefix|>", "<|inner_suffix|>"),
    Tags("<mm:think>", "</mm:think>"),
    Tags("<|think|>", "<|/think|>"),
    Tags("<longcat_think>", "</longcat_think>"),
    Tags("<reason>", "</reason>"),
)
"""Tags of published models; a template that contains the closing one supports thoughts."""

_FINAL = "<|channel|>final<|message|>"
_HARMONY = Tags("<|channel|>analysis<|message|>", f"<|end|><|start|>assistant{_FINAL}", _FINAL)
"""Tags of gpt-oss's Harmony format: the thought is one message, and the answer the next."""

WRITTEN_TAGS = (*_KNOWN, _HARMONY)
"""Tags that a reply may begin with though nothing else tells of them."""

_NAMES = re.compile(r"think|thought|reason", re.IGNORECASE)
_CLOSED = ((r"^<\|", "<|/"), (r"^(<\|?|\[|◁)", r"\1/"), ("START", "END"), ("begin", "end"), ("start", "end"))
"""Changes that make a closing tag of an opening one."""

_AROUND = re.compile(r"([^\s{}]+)\s*\{\{-?\s*(?:\$?\w*)\.Thinking\s*-?\}\}\s*([^\s{}]+)")
"""Pattern for the tags in Ollama's templates: the words around an earlier message's `.Thinking`."""


def find_tags(template: str) -> Tags | None:
    """Find the tags of thoughts in a chat template, in Jinja or Go; None if it has none."""
    if "<|channel|>analysis" in template:
        return _HARMONY
    known = next((tags for tags in _KNOWN if tags.close in template), None)
    known = known or next((tags for tags in _KNOWN if tags.open in template), None)
    around = None if known else _AROUND.search(template)
    return Tags(around[1], around[2]) if around else known


def tags_among(names: Iterable[str]) -> Tags | None:
    """Find the tags of thoughts among the control tokens of a vocabulary; None if it has none."""
    controls = set(names)
    if {"<|channel|>", "<|message|>", "<|start|>"} <= controls:
        return _HARMONY
    found = sorted(filter(_NAMES.search, controls))
    pairs = (Tags(name, re.sub(one, other, name)) for name in found for one, other in _CLOSED)
    return next((tags for tags in pairs if tags.close in found and tags.close != tags.open), None)


def given_tags(knobs: Knobs) -> Tags | None:
    """Return the tags set by the knobs, or None."""
    return Tags(knobs.think_open, knobs.think_close) if knobs.think_open and knobs.think_close else None


class Thought(Struct, frozen=True):
    """Thought as a range of its reply's text."""

    start: int
    """Index of its first character, after the opening tag."""
    end: int | None = None
    """Index of the closing tag; None while there is none."""
    answer: int | None = None
    """Index of the answer's first character; None while there is none."""
    tokens: int = 0
    seconds: float = 0.0

    def parts(self, text: str) -> tuple[str, str]:
        """Return the thought and the answer of a reply's text."""
        return text[self.start : self.end], "" if self.answer is None else text[self.answer :]


class ThoughtReader:
    """Incremental parser that finds where the thought of a streaming reply begins and ends.

    Only a thought at the start of the reply counts: tags further on are part of the answer.
    """

    def __init__(self, tags: Tags | None, *, inside: bool = False, guesses: tuple[Tags, ...] = ()) -> None:
        """Start before a reply; `inside` if the prompt ends with the opening tag.

        `guesses` are tags that it may begin with, where `tags` are not known.
        """
        self.tags = tags
        """Tags of the thought, once they are known."""
        self._guesses = (tags,) if tags else guesses
        self._text = ""
        self.may_open = bool(self._guesses) and not inside
        """True while a thought can still begin."""
        self.thought = Thought(0) if tags and inside else None
        """Thought found so far."""

    @property
    def inside(self) -> bool:
        """True if the next token belongs to the thought."""
        return self.thought is not None and self.thought.end is None

    def feed(self, text: str) -> bool:
        """Add the text of the next token; return True if the thought begins or ends with it."""
        if self.may_open:
            self._text += text
            return self._open()
        if self.inside:
            self._text += text
            return self._close(len(text))
        return False

    def copy(self) -> "ThoughtReader":
        """Copy the parser with its state."""
        other = ThoughtReader(self.tags, guesses=self._guesses)
        other._text, other.may_open, other.thought = self._text, self.may_open, self.thought
        return other

    def _open(self) -> bool:
        text = self._text.lstrip()
        blank = len(self._text) - len(text)
        openings = [tag for tags in self._guesses for tag in (tags.open, tags.answer) if tag]
        self.may_open = any(len(text) < len(tag) and tag.startswith(text) for tag in openings)
        found = [tags for tags in self._guesses if text.startswith(tags.open)]
        if not found:
            announced = next((tags for tags in self._guesses if tags.answer and text.startswith(tags.answer)), None)
            if announced:
                self.tags, self.may_open = announced, False
                self.thought = Thought(blank, blank, blank + len(announced.answer))
            return announced is not None
        self.tags, self.may_open = max(found, key=lambda tags: len(tags.open)), False
        self.thought = Thought(blank + len(self.tags.open))
        if not self._close(len(self._text)):
            self.thought = replace(self.thought, tokens=0)
        return True

    def _close(self, fresh: int) -> bool:
        """Search for the closing tag where the last `fresh` characters could have completed it."""
        assert self.tags and self.thought
        thought, tag = self.thought, self.tags.close
        end = self._text.find(tag, max(thought.start, len(self._text) - fresh - len(tag)))
        if end < 0:
            self.thought = replace(thought, tokens=thought.tokens + 1)
            return False
        self.thought = replace(thought, end=end, answer=end + len(tag))
        return True


def find_thought(text: str, tags: Tags) -> Thought | None:
    """Find the thought in a whole reply, by its closing tag alone where the prompt had opened it."""
    reader = ThoughtReader(tags)
    reader.feed(text)
    if reader.thought is None and tags.close in text:
        reader = ThoughtReader(tags, inside=True)
        reader.feed(text)
    return reader.thought


def split_thought(text: str, tags: Tags | None, *, unfinished: bool = True) -> tuple[str, str] | None:
    """Split a reply into thought and answer, without newlines around them; None if it has no thought.

    A thought that is not closed counts only if `unfinished`; the answer is then empty.
    """
    thought = find_thought(text, tags) if tags else None
    if thought is None or (thought.end is None and not unfinished):
        return None
    inner, answer = thought.parts(text)
    return inner.strip("\n"), answer.strip("\n")
