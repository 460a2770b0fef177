"""Templates in Go's text/template syntax, as Ollama's TEMPLATE is written: the part of it that templates use.

No library for it is kept up. Methods, custom functions and complex numbers are left out; everything else of the syntax
is there. See https://pkg.go.dev/text/template.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tui.presets.gotemplate.error import TemplateError
from tui.presets.gotemplate.functions import BUILT_IN, OLLAMAS
from tui.presets.gotemplate.interpreter import Run
from tui.presets.gotemplate.nodes import Action, Branch, Call, Node, Path, Pipeline
from tui.presets.gotemplate.parser import Parser

__all__ = ["BUILT_IN", "OLLAMAS", "Template", "TemplateError", "read_template"]


class Template(Struct, frozen=True):
    """A template that was read."""

    nodes: tuple[Node, ...]
    defined: dict[str, tuple[Node, ...]]

    def render(self, data: Mapping[str, Any], functions: Sequence[str] = (*BUILT_IN, *OLLAMAS)) -> str:
        """The text it makes of a map; raises TemplateError."""
        run = Run(data, self.defined, functions)
        try:
            run.run(self.nodes, data)
        except RecursionError:
            raise TemplateError("it is nested too deeply") from None
        return run.text

    def mentions(self, name: str) -> bool:
        """Whether a name is looked up anywhere."""
        lists = (self.nodes, *self.defined.values())
        return any(name in path.names for nodes in lists for path in paths(nodes))


def read_template(source: str) -> Template:
    """Read a template; raises TemplateError with its place."""
    parser = Parser(source, (*BUILT_IN, *OLLAMAS))
    try:
        nodes = parser.parse()
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None
    return Template(nodes, parser.defined)


def paths(nodes: Sequence[Node]) -> Iterator[Path]:
    """Everything that is looked up in some nodes."""
    for node in nodes:
        match node:
            case Action(pipeline):
                yield from _looked_up(pipeline)
            case Branch(pipeline=pipeline, body=body, otherwise=otherwise):
                yield from _looked_up(pipeline)
                yield from paths(body)
                yield from paths(otherwise)
            case Call(pipeline=Pipeline() as pipeline):
                yield from _looked_up(pipeline)


def _looked_up(pipeline: Pipeline) -> Iterator[Path]:
    for command in pipeline.commands:
        for operand in command.operands:
            if isinstance(operand, Path):
                yield operand
                if isinstance(operand.base, Pipeline):
                    yield from _looked_up(operand.base)
