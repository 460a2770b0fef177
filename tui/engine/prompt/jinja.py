"""A model's own chat template, which is a program in Jinja."""

import datetime
import json
import re
from collections.abc import Sequence
from typing import NoReturn

from jinja2 import TemplateError as JinjaError
from jinja2.ext import loopcontrols
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tui.conversation.conversation import Message
from tui.conversation.thinking import find_tags, split_thought
from tui.errors import EngineError

_FAILURES = (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError)
"""Exceptions that the operations of a template can raise."""


SWITCHES = frozenset(("enable_thinking", "thinking"))
"""The variables that chat templates ask whether to think."""

_FIELDS = ("reasoning_content", "thinking")
"""Message fields in which templates look for the thought of an earlier reply."""


class JinjaTemplate:
    """A chat template, in a sandbox that keeps it from the rest of the program, and not from going on for ever.

    What it does is bounded where `tui.engine.prompt.template_worker` runs it.
    """

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        """Raises EngineError when the template does not compile."""
        jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        # What Hugging Face's own renderer offers to templates, and they use.
        jinja.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.datetime.now().strftime(form))
        jinja.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self.tags = find_tags(source)
        self._field = next((name for name in _FIELDS if re.search(rf"[.'\"]{name}\b", source)), None)
        try:
            self._template = jinja.from_string(source)
            self._switches = SWITCHES & find_undeclared_variables(jinja.parse(source))
        except (JinjaError, RecursionError, SyntaxError, ValueError) as error:
            raise EngineError(f"The chat template cannot be used: {_words(error)}.") from error

    @property
    def has_switch(self) -> bool:
        """True if the template has a switch for thinking."""
        return bool(self._switches)

    def render(self, messages: Sequence[Message], *, open_reply: bool = True, think: str = "auto") -> str:
        """The prompt text, ending where the reply begins; raises EngineError when the template refuses."""
        shown = [self._shown(each) for each in messages]
        told = dict.fromkeys(self._switches if think != "auto" else (), think == "on")
        try:
            return self._template.render(messages=shown, add_generation_prompt=open_reply, **told, **self._tokens)
        except _FAILURES as error:
            raise EngineError(f"The chat template refuses these messages: {_words(error)}.") from error

    def _shown(self, message: Message) -> dict[str, str]:
        """A message as the template takes it: its thought in a field of its own where it reads one."""
        parts = split_thought(message.content, self.tags) if message.role == "assistant" and self._field else None
        if parts is None or self._field is None:
            return {"role": message.role, "content": message.content}
        thought, answer = parts
        return {"role": message.role, "content": answer, self._field: thought}


def _words(error: Exception) -> str:
    return str(error).removesuffix(".") or type(error).__name__


def _refuse(reason: str) -> NoReturn:
    raise JinjaError(reason)
