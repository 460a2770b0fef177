"""What a template is made of, once it is read."""

from typing import Union

from msgspec import Struct


class Position(Struct, frozen=True):
    """Where something stands, from 1."""

    line: int
    column: int


class Literal(Struct, frozen=True):
    """A string, number, boolean or nil."""

    value: str | int | float | bool | None


class PathNode(Struct, frozen=True):
    """A value looked up: of the dot, of a variable, or of what a pipeline gives."""

    place: Position
    base: Union[str, "Pipeline", None]
    """A variable such as `$` or `$x`, a pipeline in parentheses, or None for the dot."""
    names: tuple[str, ...]


class FunctionNode(Struct, frozen=True):
    """A function by name."""

    place: Position
    name: str


Operand = Literal | PathNode | FunctionNode


class CommandNode(Struct, frozen=True):
    """A value, or a function with its arguments."""

    place: Position
    operands: tuple[Operand, ...]


class Pipeline(Struct, frozen=True):
    """Commands, each given what the one before left; with the variables that take the result."""

    commands: tuple[CommandNode, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False


class TextNode(Struct, frozen=True):
    """What is printed as it stands."""

    text: str


class ActionNode(Struct, frozen=True):
    """A pipeline whose result is printed, unless variables take it."""

    pipeline: Pipeline


class BranchNode(Struct, frozen=True):
    """if, with or range."""

    place: Position
    word: str
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...] = ()


class CallNode(Struct, frozen=True):
    """Another template, defined under a name."""

    place: Position
    name: str
    pipeline: Pipeline | None


class LeaveNode(Struct, frozen=True):
    """break or continue."""

    word: str


Node = TextNode | ActionNode | BranchNode | CallNode | LeaveNode
