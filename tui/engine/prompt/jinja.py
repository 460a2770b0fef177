"""A model's own chat template, which is a program in Jinja written for Hugging Face's renderer."""

import datetime
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from jinja2 import TemplateError as JinjaError
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from tui.conversation.conversation import Message
from tui.conversation.thinking import find_tags, split_thought
from tui.errors import EngineError, TemplateRefusal

_FAILURES = (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError)
"""Exceptions that the operations of a template can raise."""


SWITCHES = frozenset(("enable_thinking", "thinking"))
"""The variables that chat templates ask whether to think."""

_FIELDS = ("reasoning_content", "thinking", "reasoning")
"""Message fields in which templates look for the thought of an earlier reply."""


class _Generation(Extension):
    """The tag `{% generation %}`, which marks what an assistant wrote for training, and changes nothing."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _Dict:
    """The global `dict`, without the methods that could change what the sandbox protects."""

    fromkeys = staticmethod(dict.fromkeys)

    def __call__(self, *args: Any, **fields: Any) -> dict[Any, Any]:
        return dict(*args, **fields)


class _Namespace(Namespace):
    """The global `namespace`, whose attributes cannot reach the insides of Python."""

    def __init__(*args: Any, **fields: Any) -> None:
        self, *given = args
        for name in (values := dict(*given, **fields)):
            _refuse_private(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_private(name)
        super().__setitem__(name, value)


def _refuse_private(name: object) -> None:
    if str(name).startswith("_"):
        raise SecurityError(f"a namespace takes no name that begins with an underscore: {name!r}")


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _environment() -> ImmutableSandboxedEnvironment:
    """Return what `transformers.utils.chat_template_utils` renders with, its version 5.24."""
    jinja = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )  # fmt: skip
    jinja.globals.update(
        raise_exception=_refuse,
        strftime_now=lambda form: datetime.datetime.now().strftime(form),
        dict=_Dict(),
        namespace=_Namespace,
    )
    jinja.filters["tojson"] = _to_json
    return jinja


class JinjaTemplate:
    """A chat template, in a sandbox that keeps it from the rest of the program, and not from going on for ever.

    What it does is bounded where `tui.engine.prompt.template_worker` runs it.
    """

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        """Compile a chat template; raises EngineError if that fails."""
        jinja = _environment()
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self.tags = find_tags(source)
        self.takes_parts = reads_parts(source)
        self._fields = [name for name in _FIELDS if re.search(rf"[.'\"]{name}\b", source)]
        try:
            self._template = jinja.from_string(source)
            self._switches = SWITCHES & find_undeclared_variables(jinja.parse(source))
        except (JinjaError, RecursionError, SyntaxError, ValueError) as error:
            raise EngineError(f"The chat template cannot be used: {_words(error)}.") from error

    @property
    def has_switch(self) -> bool:
        """True if the template has a switch for thinking."""
        return bool(self._switches)

    def render(
        self,
        messages: Sequence[Message],
        *,
        open_reply: bool = True,
        think: str = "auto",
        parts: Sequence[str] = (),
    ) -> str:
        """Return the prompt text, ending where the reply begins; raises TemplateRefusal.

        Messages of the roles `parts` are given as a list of typed parts.
        """
        shown = [self._shown(each, parts) for each in messages]
        told = dict.fromkeys(self._switches if think != "auto" else (), think == "on") | self._tokens
        refusals = []
        # A template for tools alone trips over their being None, as it does there; without them it has a prompt.
        for absent in ({"tools": None, "documents": None}, {}):
            try:
                return self._template.render(messages=shown, add_generation_prompt=open_reply, **told, **absent)
            except _FAILURES as error:
                refusals.append(error)
                if not isinstance(error, TypeError):
                    break
        raise TemplateRefusal(f"The chat template refuses these messages: {_words(refusals[0])}.") from refusals[0]

    def _shown(self, message: Message, parts: Sequence[str] = ()) -> dict[str, Any]:
        """Return a message as the template reads it: the thought in a field of its own, if the template has one."""
        split = split_thought(message.content, self.tags) if message.role == "assistant" and self._fields else None
        thought, text = split or ("", message.content)
        content = [{"type": "text", "text": text}] if message.role in parts else text
        return {"role": message.role, "content": content} | (dict.fromkeys(self._fields, thought) if thought else {})


def reads_parts(source: str) -> bool:
    """Return True if a template reads the text of typed parts."""
    return bool(re.search(r"['\".]text\b", source))


def _words(error: Exception) -> str:
    return str(error).removesuffix(".") or type(error).__name__


def _refuse(reason: str) -> NoReturn:
    raise JinjaError(reason)
