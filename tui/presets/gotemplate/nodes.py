"""The tree of a parsed template, and the error that names a position in its source."""

from typing import Union

from msgspec import Struct


class Position(Struct, frozen=True):
    """Line and column in the source, from 1."""

    line: int
    column: int


class TemplateError(ValueError):
    """A template that cannot be parsed, or that fails while it runs."""

    def __init__(self, advice: str, position: Position | None = None) -> None:
        self.position = position
        where = f"line {position.line}, column {position.column}: " if position else ""
        super().__init__(f"The template cannot be used: {where}{advice}.")


class Literal(Struct, frozen=True):
    """A string, number, boolean or nil."""

    value: str | int | float | bool | None


class PathNode(Struct, frozen=True):
    """A lookup of fields, one in the other: in the dot, in a variable, or in the result of a pipeline."""

    position: Position
    base: Union[str, "Pipeline", None]
    """A variable such as `$` or `$x`, a pipeline in parentheses, or None for the dot."""
    names: tuple[str, ...]


class FunctionNode(Struct, frozen=True):
    """The name of a function, where it is called."""

    position: Position
    name: str


Operand = Literal | PathNode | FunctionNode


class CommandNode(Struct, frozen=True):
    """A value alone, or a function with its arguments."""

    position: Position
    operands: tuple[Operand, ...]


class Pipeline(Struct, frozen=True):
    """Commands joined by `|`: each gets the result of the one before as its last argument."""

    commands: tuple[CommandNode, ...]
    variables: tuple[str, ...] = ()
    """Variables that the result is assigned to."""
    declares: bool = False
    """True for `:=`, False for `=`."""


class TextNode(Struct, frozen=True):
    """Text between actions, printed unchanged."""

    text: str


class ActionNode(Struct, frozen=True):
    """A pipeline whose result is printed, unless it is assigned to variables."""

    pipeline: Pipeline


class BranchNode(Struct, frozen=True):
    """An `if`, `with` or `range` block with its `else`."""

    position: Position
    word: str
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...] = ()


class CallNode(Struct, frozen=True):
    """A call of another template by name: `template`, or the place of a `block`."""

    position: Position
    name: str
    pipeline: Pipeline | None


class LeaveNode(Struct, frozen=True):
    """A `break` or `continue`."""

    word: str


Node = TextNode | ActionNode | BranchNode | CallNode | LeaveNode
