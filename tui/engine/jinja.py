"""A model's own chat template, which is a program in Jinja."""

import datetime
import json
from collections.abc import Sequence
from typing import NoReturn

from jinja2 import TemplateError as JinjaError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tui.chat import Message
from tui.errors import EngineError

_FAILURES = (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError)
"""What a template can raise out of its own operations."""


class Template:
    """A chat template, in a sandbox that keeps it from the rest of the program, and not from going on for ever.

    What it does is bounded where `tui.engine.scribe` runs it.
    """

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        """Raises EngineError when the template does not compile."""
        jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        # What Hugging Face's own renderer offers to templates, and they use.
        jinja.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.datetime.now().strftime(form))
        jinja.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = jinja.from_string(source)
        except (JinjaError, RecursionError, SyntaxError, ValueError) as error:
            raise EngineError(f"The chat template cannot be used: {_words(error)}.") from error

    def render(self, messages: Sequence[Message], *, open_reply: bool = True) -> str:
        """The prompt text, ending where the reply begins; raises EngineError when the template refuses."""
        shown = [{"role": each.role, "content": each.content} for each in messages]
        try:
            return self._template.render(messages=shown, add_generation_prompt=open_reply, **self._tokens)
        except _FAILURES as error:
            raise EngineError(f"The chat template refuses these messages: {_words(error)}.") from error


def _words(error: Exception) -> str:
    return str(error).removesuffix(".") or type(error).__name__


def _refuse(reason: str) -> NoReturn:
    raise JinjaError(reason)
