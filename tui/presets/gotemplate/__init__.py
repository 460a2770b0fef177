"""Interpreter of Go's text/template language, in which Ollama's TEMPLATE is written: the part that chat templates use.

The package imports nothing else of the program. Left out are functions as values, html, js and urlquery, and the rarer
literals and verbs of printf: see `lexer` and `functions`. The language: https://pkg.go.dev/text/template.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tui.presets.gotemplate.functions import BUILT_IN, OLLAMAS
from tui.presets.gotemplate.interpreter import TemplateRun
from tui.presets.gotemplate.nodes import Node, TemplateError
from tui.presets.gotemplate.parser import TemplateParser

__all__ = ["BUILT_IN", "OLLAMAS", "GoTemplate", "TemplateError", "read_template"]


class GoTemplate(Struct, frozen=True):
    """Parsed template."""

    nodes: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]]

    def render(
        self,
        data: Mapping[str, Any],
        functions: Sequence[str] = (*BUILT_IN, *OLLAMAS),
        *,
        lenient: bool = False,
    ) -> str:
        """Render the template with a map of values; raises TemplateError.

        If `lenient`, a field of a missing value is missing too, and no error.
        """
        run = TemplateRun(data, self.defined, functions, lenient=lenient)
        try:
            run.run(self.nodes, data)
        except RecursionError:
            raise TemplateError("it is nested too deeply") from None
        return run.text


def read_template(source: str) -> GoTemplate:
    """Parse a template; raises TemplateError with the position."""
    parser = TemplateParser(source, (*BUILT_IN, *OLLAMAS))
    try:
        nodes = parser.parse()
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None
    return GoTemplate(nodes, parser.defined)
