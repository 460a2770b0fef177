"""Thoughts: what a model writes between two tags before it answers."""

import re
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tui.knobs.table import Knobs


class Tags(NamedTuple):
    """What a thought is written between. Control tokens in them are spelled by name."""

    open: str
    close: str


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
)
"""Tags in the wild; a template that spells the closing one knows of thoughts."""

_HARMONY = Tags("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")
"""The channels of gpt-oss: the thought is one message, and the answer the next."""

_AROUND = re.compile(r"([^\s{}]+)\s*\{\{-?\s*(?:\$?\w*)\.Thinking\s*-?\}\}\s*([^\s{}]+)")
"""The tags in a template of Ollama's are what it writes around earlier thoughts."""


def find_tags(template: str) -> Tags | None:
    """The tags that a chat template, in Jinja or Go, knows thoughts by."""
    if "<|channel|>analysis" in template:
        return _HARMONY
    known = next((tags for tags in _KNOWN if tags.close in template), None)
    around = None if known else _AROUND.search(template)
    return Tags(around[1], around[2]) if around else known


def given_tags(knobs: Knobs) -> Tags | None:
    """The tags that the knobs give, if they do."""
    return Tags(knobs.think_open, knobs.think_close) if knobs.think_open and knobs.think_close else None


class Thought(Struct, frozen=True):
    """A thought as a part of the text of its reply."""

    start: int
    """Characters before it, its opening tag included."""
    end: int | None = None
    """Characters before its closing tag; None while there is none."""
    answer: int | None = None
    """Characters before the answer."""
    tokens: int = 0
    seconds: float = 0.0

    def parts(self, text: str) -> tuple[str, str]:
        """What of the reply's text was thought, and what was answered."""
        return text[self.start : self.end], "" if self.answer is None else text[self.answer :]


class ThoughtReader:
    """Follows a reply, token by token, to where its thought begins and ends.

    A thought stands at the beginning of a reply and there is one: tags further on are something the answer says.
    """

    def __init__(self, tags: Tags | None, *, inside: bool = False) -> None:
        """`inside` where the prompt has opened the tag already."""
        self._tags = tags
        self._text = ""
        self.may_open = tags is not None and not inside
        """Whether a thought could yet begin."""
        self.thought = Thought(0) if tags and inside else None
        """The thought so far."""

    @property
    def inside(self) -> bool:
        """Whether the next token belongs to the thought."""
        return self.thought is not None and self.thought.end is None

    def feed(self, text: str) -> bool:
        """Take what the next token says; true where the thought begins or ends with it."""
        if self.may_open:
            self._text += text
            return self._open()
        if self.inside:
            self._text += text
            return self._close(len(text))
        return False

    def copy(self) -> "ThoughtReader":
        """Another that stands at the same place."""
        other = ThoughtReader(self._tags)
        other._text, other.may_open, other.thought = self._text, self.may_open, self.thought
        return other

    def _open(self) -> bool:
        assert self._tags
        tag, said = self._tags.open, self._text.lstrip()
        self.may_open = len(said) < len(tag) and tag.startswith(said)
        if not said.startswith(tag):
            return False
        self.thought = Thought(len(self._text) - len(said) + len(tag))
        if not self._close(len(self._text)):
            self.thought = replace(self.thought, tokens=0)
        return True

    def _close(self, fresh: int) -> bool:
        """Look for the end where the last `fresh` characters could have brought it."""
        assert self._tags and self.thought
        thought, tag = self.thought, self._tags.close
        end = self._text.find(tag, max(thought.start, len(self._text) - fresh - len(tag)))
        if end < 0:
            self.thought = replace(thought, tokens=thought.tokens + 1)
            return False
        self.thought = replace(thought, end=end, answer=end + len(tag))
        return True


def find_thought(text: str, tags: Tags) -> Thought | None:
    """The thought in a whole reply; one that the prompt had opened is seen by its end alone."""
    reading = ThoughtReader(tags)
    reading.feed(text)
    if reading.thought is None and tags.close in text:
        reading = ThoughtReader(tags, inside=True)
        reading.feed(text)
    return reading.thought
