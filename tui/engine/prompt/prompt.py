"""Prompt tokens from messages: the chat template, tokenized so that no message can forge a role.

Template text is tokenized with control tokens on. A message that spells out a control token (`<|im_end|>`) is tokenized
apart with them off, so that it stays text; one that does not is tokenized together with the template around it, which
gives exactly the tokens of the plain way. A reply brings the tokens that the model wrote, so that the next turn finds
them in the cache.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from itertools import groupby
from typing import Literal, NamedTuple, Protocol

from tui.conversation.conversation import Message
from tui.conversation.thinking import WRITTEN_TAGS, Tags, ThoughtReader, find_tags, given_tags, tags_among
from tui.conversation.trace import common_prefix
from tui.engine.backend import Backend
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.prompt.rendering import PromptRenderer, PromptRun, render_prompt
from tui.engine.reply.thinking import ThoughtWatch
from tui.errors import EngineError, TemplateRefusal
from tui.knobs.table import Knobs
from tui.presets.gotemplate import TemplateError
from tui.presets.ollama_prompt import OllamaPrompt

PLAIN = """\
{%- for message in messages %}{{ message['role'].capitalize() + ': ' + message['content'] + '\\n\\n' }}{% endfor %}\
{%- if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"""
"""Used, and said so, when a model carries no chat template."""

PLAINLY = "Messages are joined as plain `User:` and `Assistant:` lines, unless the preset has a TEMPLATE."

_NO_TEMPLATE = "This model carries no chat template."

_BASE = "This is a base model, which goes on with a text and was not taught to answer."

_LABELS = ("\n\nUser:", "\nUser:")
"""Beginnings of the next turn in PLAIN: a model that was not taught to end its turn writes on."""

_UNKNOWN = "\ufffd"

_LATELY = 16
"""Prompts kept as they were written, for those that are asked about again and again."""


class OllamaTemplate:
    """An explicit TEMPLATE, in Ollama's Go syntax."""

    def __init__(self, source: str) -> None:
        """Parse a Go template; raises EngineError if that fails."""
        self.takes_parts = False
        self.tags = find_tags(source)
        try:
            self._prompting = OllamaPrompt(source)
            self.has_switch = self._prompting.has_switch
        except TemplateError as error:
            raise EngineError(str(error)) from None

    def render(
        self, messages: Sequence[Message], *, open_reply: bool = True, think: str = "auto", parts: Sequence[str] = ()
    ) -> str:
        """Return the prompt text, which ends where the reply begins or goes on; raises TemplateRefusal."""
        try:
            return self._prompting.render(messages, think=None if think == "auto" else think == "on")
        except TemplateError as error:
            raise TemplateRefusal(str(error)) from None


class TemplateCompiler(Protocol):
    """Makes what renders of a template's source; raises EngineError when it does not compile."""

    def __call__(self, source: str, *, bos: str, eos: str) -> PromptRenderer:
        """Compile a chat template; raises EngineError if that fails."""


def plain_notice(template: str | None, *, base: bool) -> str:
    """Return the notice that a model has no turns of its own; empty if it has, by its template."""
    if template and not base:
        return ""
    return f"{_BASE if template else _NO_TEMPLATE} {PLAINLY}"


class WrittenPrompt(NamedTuple):
    """Prompt as tokens, with what a person should know about it."""

    tokens: list[int]
    notices: tuple[str, ...]


class PromptWriter:
    """Writes the prompt tokens of a conversation for one model."""

    def __init__(self, backend: Backend, compiled: TemplateCompiler = JinjaTemplate) -> None:
        """`compiled` makes a model's own template of its source."""
        self._backend = backend
        self._recent: dict[tuple[tuple[Message, ...], str, str], WrittenPrompt] = {}
        self._told = set[str]()
        self._explicit: tuple[str, OllamaTemplate] | None = None
        self.notice: str
        """Notice for the person where messages are joined plainly, for want of a template that can be used."""
        self._template: PromptRenderer = JinjaTemplate(PLAIN, bos=backend.bos, eos=backend.eos)
        self.notice = plain_notice(backend.template, base=backend.info.base)
        if self.notice or not backend.template:
            return
        try:
            self._template = compiled(backend.template, bos=backend.bos, eos=backend.eos)
        except EngineError as error:
            self.notice = f"{error} {PLAINLY}"

    def _rendering(self, template: str) -> PromptRenderer:
        """Return the template: the model's own, or an explicit one."""
        if not template:
            return self._template
        if self._explicit is None or self._explicit[0] != template:
            self._explicit = (template, OllamaTemplate(template))
        return self._explicit[1]

    @property
    def has_switch(self) -> bool:
        """True if the model's own template has a switch for thinking."""
        return self._template.has_switch

    @property
    def tags(self) -> Tags | None:
        """Thinking tags of the model: those in its own template, or else among its control tokens."""
        return self._template.tags or self._vocabulary_tags

    @cached_property
    def _vocabulary_tags(self) -> Tags | None:
        controls = filter(self._backend.is_control, range(self._backend.info.vocabulary))
        return tags_among(map(self._backend.label, controls))

    def watch(self, messages: Sequence[Message], knobs: Knobs, template: str = "") -> ThoughtWatch:
        """Build the watch for the reply's thought, from its first token on."""
        rendering = self._rendering(template)
        tags = given_tags(knobs) or rendering.tags or self._vocabulary_tags
        labels = _LABELS if self.notice and not template else ()
        if tags is None:
            return ThoughtWatch(self._backend, None, ThoughtReader(None, guesses=WRITTEN_TAGS), labels)
        asked = messages[:-1] if messages[-1:] and messages[-1].role == "assistant" else messages
        prompt = render_prompt(rendering, asked, knobs.thinking).text.rstrip()
        reading = ThoughtReader(tags, inside=prompt.endswith(tags.open.rstrip()))
        reading.may_open &= not prompt.endswith(tags.close.rstrip())
        return ThoughtWatch(self._backend, tags, reading, labels)

    def count_continued(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> int:
        """Return the number of trailing prompt tokens that belong to an assistant's message to be continued."""
        if not messages or messages[-1].role != "assistant":
            return 0
        return len(self.write(messages, template, think)) - len(self._write(messages[:-1], template, think).tokens)

    def continued_tokens(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> list[int]:
        """Return the trailing prompt tokens that belong to an assistant's message to be continued."""
        begun = self.count_continued(messages, template, think)
        return self.write(messages, template, think)[-begun:] if begun else []

    def pending_bytes(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> bytes:
        """Return the bytes that the tokens of a reply hold past its text, where that ends within a character."""
        last = messages[-1] if messages else None
        if last is None or last.role != "assistant" or not last.tokens or not last.content.endswith(_UNKNOWN):
            return b""
        if self.write(messages, template, think)[-len(last.tokens) :] != list(last.tokens):
            return b""
        text = last.content.rstrip(_UNKNOWN).encode()
        said = (b"".join(map(say, last.tokens)) for say in (self._backend.piece, self._spelled))
        return next((each[len(text) :] for each in said if each.startswith(text)), b"")

    def count_system(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> int:
        """Return the number of leading prompt tokens that are the system prompt."""
        if not messages or messages[0].role != "system":
            return 0
        with suppress(EngineError):  # some templates refuse to have nobody ask anything
            alone = self._write((messages[0], Message("user", "")), template, think)
            return common_prefix(self.write(messages, template, think), alone.tokens)
        return 0

    def recent_prompt(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> list[int] | None:
        """Return the tokens of a prompt that was written recently, else None; safe from any thread, and at once."""
        recent = self._recent.get((tuple(messages), template, think))
        return recent and recent.tokens

    def write(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> list[int]:
        """Return the tokens of the prompt; raises EngineError if the template refuses the messages."""
        return list(self._written(messages, template, think).tokens)

    def notices(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> tuple[str, ...]:
        """Return sentences about the prompt for the person: what its template does not take as it was said."""
        joined = (self.notice,) if self.notice and not template else ()
        return (*joined, *self._written(messages, template, think).notices)

    def new_notices(self, messages: Sequence[Message], template: str = "", think: str = "auto") -> list[str]:
        """Return the notices of a prompt that were not returned for another one before."""
        fresh = [text for text in self.notices(messages, template, think) if text not in self._told]
        self._told.update(fresh)
        return fresh

    def _written(self, messages: Sequence[Message], template: str, think: str) -> WrittenPrompt:
        key = (tuple(messages), template, think)
        written = self._recent.pop(key, None) or self._write(messages, template, think)
        lately = {**self._recent, key: written}
        self._recent = dict(list(lately.items())[-_LATELY:])  # a new one: another thread may be looking at the old
        return written

    def _write(self, messages: Sequence[Message], template: str, think: str) -> WrittenPrompt:
        rendering = self._rendering(template)
        pieces, notices = render_prompt(rendering, messages, think)
        if len(pieces) == 1:
            pieces = self._unforged(rendering, messages, think)
        tokens = self._backend.opening()
        for kind, group in groupby(pieces, self._kind):
            match kind:
                case "together":
                    tokens += self._together(list(group))
                case "apart":
                    for run in group:
                        tokens += self._backend.tokenize(run.text, special=False)
                case "written":
                    for run in group:
                        tokens += run.message.tokens if run.message else ()
        opening = self._backend.opening()
        twice = opening and tokens[: 2 * len(opening)] == opening * 2  # where the template writes it as well
        return WrittenPrompt(tokens[len(opening) :] if twice else tokens, notices)

    def _together(self, group: Sequence[PromptRun]) -> list[int]:
        """Tokenize template text and messages at once, or each apart if together they spell another control token."""
        tokens = self._backend.tokenize("".join(run.text for run in group), special=True)
        meant = sum(len(self._controls(run.text)) for run in group if run.message is None)
        if sum(map(self._backend.is_control, tokens)) == meant:
            return tokens
        return [
            token for run in group for token in self._backend.tokenize(run.text, special=run.message is None)
        ]  # fmt: skip

    def _unforged(self, rendering: PromptRenderer, messages: Sequence[Message], think: str) -> list[PromptRun]:
        """Render a template that changes its messages: a blank keeps control tokens in their texts from being read.

        It stands within those that a message spells out; or, where the template could still make one (`<|IM_END|>` in
        lower case), behind whatever a control token can begin with.
        """
        broken, torn = (
            render_prompt(rendering, [Message(each.role, change(each.content)) for each in messages], think).runs
            for change in (self._broken_up, self._torn)
        )
        one, other = (self._controls("".join(run.text for run in found)) for found in (broken, torn))
        return broken if one == other else torn

    def _torn(self, text: str) -> str:
        return "".join(f"{sign} " if sign in self._firsts else sign for sign in text)

    @cached_property
    def _firsts(self) -> frozenset[str]:
        """Return the first characters of control tokens."""
        controls = filter(self._backend.is_control, range(self._backend.info.vocabulary))
        return frozenset(self._backend.label(token)[:1] for token in controls)

    def _kind(self, run: PromptRun) -> Literal["together", "apart", "written"]:
        """Return how a run is tokenized: from known tokens, together with its neighbours, or apart."""
        if run.message is None:
            return "together"
        for say in (self._backend.piece, self._spelled):
            said = b"".join(map(say, run.message.tokens))
            if run.message.tokens and said.decode("utf-8", "replace") == run.text:
                return "written"
            # A branch may begin within a character: a sign stands for what its tokens say from there on.
            begun = run.text.rstrip(_UNKNOWN).encode()
            if run.message.tokens and run.text.endswith(_UNKNOWN) and said.startswith(begun):
                return "written"
        return "apart" if self._controls(run.text) else "together"

    def _spelled(self, token: int) -> bytes:
        """Return the bytes of a token, control tokens by name: so they are spelled in thinking tags."""
        return self._backend.label(token).encode() if self._backend.is_control(token) else self._backend.piece(token)

    def _controls(self, text: str) -> list[str]:
        """Return the control tokens that a text spells out."""
        tokens = self._backend.tokenize(text, special=True)
        return [self._backend.label(token) for token in tokens if self._backend.is_control(token)]

    def _broken_up(self, text: str) -> str:
        """Return the text with a blank in every control token that it spells out."""
        for control in self._controls(text):
            text = text.replace(control, f"{control[0]} {control[1:]}")
        return text
