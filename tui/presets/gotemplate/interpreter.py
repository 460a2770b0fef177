"""Runs a template over a value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tui.presets.gotemplate.error import TemplateError
from tui.presets.gotemplate.functions import Struct, call, printed, truth
from tui.presets.gotemplate.nodes import (
    Action,
    Branch,
    Call,
    Command,
    Function,
    Leave,
    Literal,
    Node,
    Operand,
    Path,
    Pipeline,
    Place,
    Text,
)

STEPS, LARGEST, DEEPEST = 200_000, 2**24, 100
"""Nodes run, characters printed, templates within templates: a template is a program out of a file from anywhere."""


class _Break(Exception):
    """Leave the range."""


class _Continue(Exception):
    """Go on with its next element."""


class _Missing:
    """A key that a map does not have."""

    def __bool__(self) -> bool:
        return False


_MISSING = _Missing()


class Run:
    """One run of a template."""

    def __init__(
        self, data: Mapping[str, Any], defined: Mapping[str, Sequence[Node]], functions: Sequence[str]
    ) -> None:
        """`functions` are those that may be called; the text is in `text` afterwards."""
        self._defined, self._functions = defined, functions
        self._scopes: list[dict[str, Any]] = [{"$": data}]
        self._pieces: list[str] = []
        self._size = self._steps = self._depth = 0

    @property
    def text(self) -> str:
        """What was printed."""
        return "".join(self._pieces)

    def run(self, nodes: Sequence[Node], dot: Any) -> None:
        """Print some nodes; raises TemplateError."""
        for node in nodes:
            self._steps += 1
            if self._steps > STEPS:
                raise TemplateError("it runs for too long")
            match node:
                case Text(text):
                    self._print(text)
                case Action(pipeline):
                    value = self._pipeline(pipeline, dot)
                    if not pipeline.variables:
                        self._print("<no value>" if value is _MISSING or value is None else printed(value))
                case Branch():
                    self._branch(node, dot)
                case Call():
                    self._call(node, dot)
                case Leave(word):
                    raise _Break if word == "break" else _Continue

    def _print(self, text: str) -> None:
        self._size += len(text)
        if self._size > LARGEST:
            raise TemplateError("it prints too much")
        self._pieces.append(text)

    def _branch(self, branch: Branch, dot: Any) -> None:
        self._scopes.append({})
        try:
            if branch.word == "range":
                self._range(branch, dot)
                return
            value = self._pipeline(branch.pipeline, dot)
            if truth(value):
                self.run(branch.body, value if branch.word == "with" else dot)
            else:
                self.run(branch.otherwise, dot)
        finally:
            self._scopes.pop()

    def _range(self, branch: Branch, dot: Any) -> None:
        value, names = self._evaluate(branch.pipeline, dot), branch.pipeline.variables
        ran = False
        for key, each in self._elements(value, branch.place):
            ran = True
            # Each round sees variables of its own.
            taken = dict(zip(names, (each,) if len(names) == 1 else (key, each), strict=False))
            if branch.pipeline.declares:
                self._scopes.append(taken)
            else:
                self._scopes.append({})
                for name, one in taken.items():
                    self._assign(name, one)
            try:
                self.run(branch.body, each)
            except _Continue:
                continue
            except _Break:
                break
            finally:
                self._scopes.pop()
        if not ran:
            self.run(branch.otherwise, dot)

    def _elements(self, value: Any, place: Place) -> Iterator[tuple[Any, Any]]:
        match value:
            case None | _Missing():
                return iter(())
            case bool() | str() | float():
                raise TemplateError(f"range cannot go over {printed(value)!r}", place)
            case int():
                return ((index, index) for index in range(value))
            case dict():
                return iter(sorted(value.items()))
        return enumerate(value)

    def _call(self, node: Call, dot: Any) -> None:
        if node.name not in self._defined:
            raise TemplateError(f"there is no template {node.name!r}", node.place)
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError("templates call each other too deeply", node.place)
        value = self._pipeline(node.pipeline, dot) if node.pipeline else None
        scopes, self._scopes = self._scopes, [{"$": value}]
        self.run(self._defined[node.name], value)
        self._scopes, self._depth = scopes, self._depth - 1

    # --- values -----------------------------------------------------------------------------------------------------

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value = self._evaluate(pipeline, dot)
        for name in pipeline.variables:
            if pipeline.declares:
                self._scopes[-1][name] = value
            else:
                self._assign(name, value)
        return value

    def _assign(self, name: str, value: Any) -> None:
        next(scope for scope in reversed(self._scopes) if name in scope)[name] = value

    def _evaluate(self, pipeline: Pipeline, dot: Any) -> Any:
        value, given = None, False
        for command in pipeline.commands:
            value = self._command(command, dot, (value,) if given else ())
            given = True
        return value

    def _command(self, command: Command, dot: Any, final: tuple[Any, ...]) -> Any:
        first, *rest = command.operands
        if isinstance(first, Function):
            return self._apply(first, rest, dot, final)
        if rest or final:
            raise TemplateError("what is no function takes no arguments", command.place)
        return self._operand(first, dot)

    def _apply(self, function: Function, operands: Sequence[Operand], dot: Any, final: tuple[Any, ...]) -> Any:
        if function.name not in self._functions:
            raise TemplateError(f"there is no function {function.name!r} here", function.place)
        if function.name in ("and", "or"):
            return self._shortest(function, operands, dot, final)
        arguments = [self._operand(each, dot) for each in operands] + list(final)
        try:
            return call(function.name, [None if each is _MISSING else each for each in arguments])
        except ValueError as error:
            raise TemplateError(str(error), function.place) from None

    def _shortest(self, function: Function, operands: Sequence[Operand], dot: Any, final: tuple[Any, ...]) -> Any:
        """`and` and `or`: the first argument that decides, the others unseen."""
        value: Any = _MISSING
        if not operands and not final:
            raise TemplateError(f"{function.name} takes at least one argument", function.place)
        for operand in operands:
            value = self._operand(operand, dot)
            if truth(value) == (function.name == "or"):
                return value
        return final[0] if final else value

    def _operand(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Literal(value):
                return value
            case Function():
                return self._apply(operand, (), dot, ())
            case Path(base=None):
                value = dot
            case Path(base=str() as name):
                value = next(scope for scope in reversed(self._scopes) if name in scope)[name]
            case Path(base=Pipeline() as inner):
                value = self._pipeline(inner, dot)
        for name in operand.names:
            value = self._field(value, name, operand.place)
        return value

    def _field(self, value: Any, name: str, place: Place) -> Any:
        match value:
            case Struct() if name not in value:
                raise TemplateError(f"there is no field .{name}", place)
            case dict():
                return value.get(name, _MISSING)
            case None | _Missing():
                raise TemplateError(f"nothing has a field .{name}", place)
        raise TemplateError(f"{printed(value)[:40]!r} has no field .{name}", place)
