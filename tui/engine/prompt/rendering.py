"""Prompt text from messages, cut into what the template wrote and what the messages say."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple, Protocol

from tui.conversation.conversation import Message
from tui.conversation.thinking import Tags, find_thought, split_thought
from tui.engine.prompt.shape import MessageShape, shapes
from tui.errors import EngineError, TemplateRefusal

_CHANGED = "The chat template changes what the messages say; `twiddle presets render` shows what the model reads."

_PATIENCE = 5.0
"""Seconds after which no other shape is tried: a template that refuses slowly would hold up the replies that run."""

_TRIMS: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.lstrip, str.strip)

_SAID = {"system": "the system prompt", "user": "the question", "assistant": "the reply"}


class PromptRun(NamedTuple):
    """A stretch of a rendered prompt."""

    text: str
    message: Message | None = None
    """The message it is the content of; None for what the template wrote."""


class RenderedPrompt(NamedTuple):
    """Prompt with what a person should know about it."""

    runs: list[PromptRun]
    notices: tuple[str, ...] = ()
    """Sentences about what the template does not take as it was said."""

    @property
    def text(self) -> str:
        """Return the whole prompt."""
        return "".join(run.text for run in self.runs)


class PromptRenderer(Protocol):
    """Makes a prompt of messages."""

    @property
    def tags(self) -> Tags | None:
        """Tags of a thought; None if the template knows none."""

    @property
    def has_switch(self) -> bool:
        """True if the template has a switch for thinking."""

    @property
    def takes_parts(self) -> bool:
        """True if the template reads messages as lists of typed parts."""

    def render(
        self, messages: Sequence[Message], *, open_reply: bool = True, think: str = "auto", parts: Sequence[str] = ()
    ) -> str:
        """Return the prompt of messages; `open_reply` begins the assistant's turn at its end."""


def render_prompt(template: PromptRenderer, messages: Sequence[Message], think: str = "auto") -> RenderedPrompt:
    """Render messages in a shape that the template takes; raises EngineError where any of them would be left out.

    A last message of the assistant's is left open, for the reply to go on. Where the template does more to a
    message than trim it or leave out its thought, the two cannot be told apart, and the whole prompt is one run.
    """
    opened = bool(messages) and messages[-1].role == "assistant"
    if opened and template.tags:
        # A template that knows of thoughts closes them in what was said before: this one goes on as it stands.
        return _continued(template, messages, think)
    marks: dict[str, PromptRun] = {}
    marked = [Message(each.role, _marked(each, template.tags, marks)) for each in messages]
    shape, text = _fit(template, marked, marks, think, messages[-1] if opened else None)
    notices = tuple(shape.notices(messages))
    try:
        plain = template.render(shape.arrange(messages), open_reply=not opened, think=think, parts=shape.parts)
        found = _cut(text, marks, plain)
    except TemplateRefusal:
        # It took the marks, so that it is the words of a message that it refuses, such as tags within a reply.
        plain = text
        found = [marks.get(piece) or PromptRun(piece) for piece in re.split(f"({'|'.join(marks) or '$^'})", text)]
    if opened:
        while found and found[-1].message is None:
            found.pop()
        if not found or found[-1].message is not messages[-1]:
            return _continued(template, messages, think)
    if found:
        return RenderedPrompt(found, notices)
    same = all(_answer(each, template.tags).strip() in plain for each in messages)
    return RenderedPrompt([PromptRun(plain)], notices if same else (*notices, _CHANGED))


def _answer(message: Message, tags: Tags | None) -> str:
    """Return what a message says, without the thought of a reply, which a template may leave out."""
    split = split_thought(message.content, tags) if message.role == "assistant" else None
    return split[1] if split else message.content


def _continued(template: PromptRenderer, messages: Sequence[Message], think: str) -> RenderedPrompt:
    """Render a prompt for the reply before the last message, and put that behind it."""
    before = render_prompt(template, messages[:-1], think)
    return before._replace(runs=[*before.runs, PromptRun(messages[-1].content, messages[-1])])


def _fit(
    template: PromptRenderer,
    marked: Sequence[Message],
    marks: dict[str, PromptRun],
    think: str,
    left_open: Message | None,
) -> tuple[MessageShape, str]:
    """Find the first shape in which a prompt holds all marked messages; return it with that prompt.

    A message that is left open is added where a template shows none that ends a conversation.
    """
    refusal: TemplateRefusal | None = None
    lost: Message | None = None
    until = time.monotonic() + _PATIENCE
    for shape, arranged in shapes(marked, parts=template.takes_parts):
        if (refusal or lost) and time.monotonic() > until:
            break
        try:
            text = template.render(arranged, open_reply=left_open is None, think=think, parts=shape.parts)
        except TemplateRefusal as error:
            refusal = refusal if refusal and shape.parts else error
            continue
        missing = _missing(text, marks, parts=bool(shape.parts), but=left_open)
        if missing is None:
            return shape, text
        lost = lost or missing
    if lost is None and refusal:
        raise refusal
    assert lost, "there is a shape, and each was refused or lost something"
    raise EngineError(
        f"The chat template leaves out {_SAID[lost.role]} {_excerpt(lost.content)!r}, and a prompt without it is not "
        "sent; give the preset a TEMPLATE that takes it."
    )


def _excerpt(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _missing(text: str, marks: dict[str, PromptRun], *, parts: bool, but: Message | None) -> Message | None:
    """Find a message that is not in a prompt, `but` for one. A thought may be left out, and what says nothing."""
    answers = {id(run.message): (sign, run) for sign, run in marks.items() if run.message is not but}
    for sign, run in answers.values():
        digits = sign[1:-1]
        # They are there whatever is done to the mark; a list of parts that is printed as it stands shows no message.
        shown = digits in text and not (parts and re.search(rf"['\"]text['\"]: ?['\"]\W*(\\ue000)?{digits}", text))
        if not shown and run.text.strip():
            return run.message
    return None


def _cut(text: str, marks: dict[str, PromptRun], plain: str) -> list[PromptRun]:
    """Cut a prompt with marks into runs that make up the plain one; none where they do not."""
    found, place = list[PromptRun](), 0
    pieces = re.split(f"({'|'.join(marks) or '$^'})", text)
    for piece, behind in zip_longest(pieces, pieces[1:], fillvalue=""):
        run = marks.get(piece)
        trims, behind = (_TRIMS, behind) if run else ((str,), "")
        run = run or PromptRun(piece)
        said = next((said for trim in trims if plain.startswith((said := trim(run.text)) + behind, place)), None)
        if said is None:
            return []
        found.append(run._replace(text=said))
        place += len(said)
    return found if place == len(plain) else []


def _marked(message: Message, tags: Tags | None, marks: dict[str, PromptRun]) -> str:
    """Return a message's text with marks in the place of it, or of its thought and its answer between their tags."""

    def mark(text: str) -> str:
        sign = f"\ue000{secrets.randbelow(10**18):018}\ue001"
        marks[sign] = PromptRun(text, message)
        return sign

    text = message.content
    thought = find_thought(text, tags) if tags and message.role == "assistant" else None
    if thought is None or thought.end is None:
        return mark(text) if text else ""
    inner, answer = thought.parts(text)
    return text[: thought.start] + (mark(inner) if inner else "") + text[thought.end : thought.answer] + mark(answer)
