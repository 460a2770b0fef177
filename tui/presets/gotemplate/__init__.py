"""Templates in Go's text/template syntax, as Ollama's TEMPLATE is written: the part of it that templates use.

No library for it is kept up. Functions as values, complex numbers and floats in other bases are left out; everything
else of the language is there. See https://pkg.go.dev/text/template.
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
    """A template that was read."""

    nodes: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]]

    def render(
        self,
        data: Mapping[str, Any],
        functions: Sequence[str] = (*BUILT_IN, *OLLAMAS),
        *,
        lenient: bool = False,
    ) -> str:
        """The text it makes of a map; raises TemplateError. `lenient`, what is not in a map may be looked into."""
        run = TemplateRun(data, self.defined, functions, lenient=lenient)
        try:
            run.run(self.nodes, data)
        except RecursionError:
            raise TemplateError("it is nested too deeply") from None
        return run.text


def read_template(source: str) -> GoTemplate:
    """Read a template; raises TemplateError with its place."""
    parser = TemplateParser(source, (*BUILT_IN, *OLLAMAS))
    try:
        nodes = parser.parse()
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None
    return GoTemplate(nodes, parser.defined)
