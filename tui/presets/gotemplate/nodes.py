"""What a template is made of, once it is read."""

from typing import Union

from msgspec import Struct


class Place(Struct, frozen=True):
    """Where something stands, from 1."""

    line: int
    column: int


class Literal(Struct, frozen=True):
    """A string, number, boolean or nil."""

    value: str | int | float | bool | None


class Path(Struct, frozen=True):
    """A value looked up: of the dot, of a variable, or of what a pipeline gives."""

    place: Place
    base: Union[str, "Pipeline", None]
    """A variable such as `$` or `$x`, a pipeline in parentheses, or None for the dot."""
    names: tuple[str, ...]


class Function(Struct, frozen=True):
    """A function by name."""

    place: Place
    name: str


Operand = Literal | Path | Function


class Command(Struct, frozen=True):
    """A value, or a function with its arguments."""

    place: Place
    operands: tuple[Operand, ...]


class Pipeline(Struct, frozen=True):
    """Commands, each given what the one before left; with the variables that take the result."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False


class Text(Struct, frozen=True):
    """What is printed as it stands."""

    text: str


class Action(Struct, frozen=True):
    """A pipeline whose result is printed, unless variables take it."""

    pipeline: Pipeline


class Branch(Struct, frozen=True):
    """if, with or range."""

    place: Place
    word: str
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...] = ()


class Call(Struct, frozen=True):
    """Another template, defined under a name."""

    place: Place
    name: str
    pipeline: Pipeline | None


class Leave(Struct, frozen=True):
    """break or continue."""

    word: str


Node = Text | Action | Branch | Call | Leave
