"""Interpreter that renders a parsed template."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tui.presets.gotemplate.functions import LARGEST, call
from tui.presets.gotemplate.nodes import (
    ActionNode,
    BranchNode,
    CallNode,
    CommandNode,
    FunctionNode,
    LeaveNode,
    Literal,
    Node,
    Operand,
    PathNode,
    Pipeline,
    Position,
    TemplateError,
    TextNode,
)
from tui.presets.gotemplate.values import GoStruct, printed, string_method, truth, whole

STEPS, HANDLED, DEEPEST = 200_000, 2**27, 100
"""Limits of nodes run, of characters passed to and from functions, and of nested template calls: a template is an
untrusted program. Its output, and any text within it, is limited to LARGEST characters."""


class _Break(Exception):
    """Signal to leave the range."""


class _Continue(Exception):
    """Signal to continue with the next element."""


class _Nothing:
    """Missing value, as opposed to nil: a field of it is missing too, and no error."""

    def __bool__(self) -> bool:
        return False


_NOTHING = _Nothing()


class TemplateRun:
    """Single run of a template."""

    def __init__(
        self,
        data: Mapping[str, Any],
        defined: Mapping[str, Sequence[Node]],
        functions: Sequence[str],
        *,
        lenient: bool = False,
    ) -> None:
        """Prepare a run; `functions` are those that may be called.

        A missing key of a map gives nil, whose fields are errors; if `lenient`, a missing value.
        """
        self._defined, self._functions = defined, functions
        self._absent = _NOTHING if lenient else None
        self._scopes: list[dict[str, Any]] = [{"$": data}]
        self._pieces: list[str] = []
        self._size = self._steps = self._depth = self._characters = 0

    @property
    def text(self) -> str:
        """Output so far."""
        return whole("".join(self._pieces))

    def run(self, nodes: Sequence[Node], dot: Any) -> None:
        """Run nodes and collect their output; raises TemplateError."""
        for node in nodes:
            self._step()
            match node:
                case TextNode(text):
                    self._print(text)
                case ActionNode(pipeline):
                    value = self._pipeline(pipeline, dot)
                    if not pipeline.variables:
                        self._print("<no value>" if value is _NOTHING else printed(value))
                case BranchNode():
                    self._branch(node, dot)
                case CallNode():
                    self._call(node, dot)
                case LeaveNode(word):
                    raise _Break if word == "break" else _Continue

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise TemplateError("it runs for too long")

    def _print(self, text: str) -> None:
        self._size += len(text)
        if self._size > LARGEST:
            raise TemplateError("it prints too much")
        self._pieces.append(text)

    def _branch(self, branch: BranchNode, dot: Any) -> None:
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

    def _range(self, branch: BranchNode, dot: Any) -> None:
        value, names = self._pipeline(branch.pipeline, dot), branch.pipeline.variables
        ran = False
        for key, each in self._elements(value, branch):
            ran = True
            self._step()
            self._scopes.append({})
            for name, one in zip(names, (each,) if len(names) == 1 else (key, each), strict=False):
                self._assign(name, one, branch.position)
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

    def _elements(self, value: Any, branch: BranchNode) -> Iterable[tuple[Any, Any]]:
        """Return pairs of index or key and value that a range iterates over."""
        match value:
            case _Nothing() | None:
                return ()
            case int() if not isinstance(value, bool):
                if len(branch.pipeline.variables) > 1:
                    raise TemplateError("range over a number takes one variable", branch.position)
                return zip(range(value), range(value), strict=True)
            case dict() if not isinstance(value, GoStruct):
                return sorted(value.items())
            case list() | tuple():
                return enumerate(value)
        raise TemplateError(f"range cannot go over {printed(value)[:40]!r}", branch.position)

    def _call(self, node: CallNode, dot: Any) -> None:
        if node.name not in self._defined:
            raise TemplateError(f"there is no template {node.name!r}", node.position)
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError("templates call each other too deeply", node.position)
        value = self._pipeline(node.pipeline, dot) if node.pipeline else _NOTHING
        scopes, self._scopes = self._scopes, [{"$": value}]
        self.run(self._defined[node.name], value)
        self._scopes, self._depth = scopes, self._depth - 1

    # --- values -----------------------------------------------------------------------------------------------------

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value: Any = _NOTHING
        for position, command in enumerate(pipeline.commands):
            value = self._command(command, dot, (value,) if position else ())
        value = _NOTHING if value is None else value
        for name in pipeline.variables:
            if pipeline.declares:
                self._scopes[-1][name] = value
            else:
                self._assign(name, value, pipeline.commands[0].position)
        return value

    def _scope(self, name: str, position: Position) -> dict[str, Any]:
        """Return the innermost scope with the variable."""
        found: dict[str, Any] | None = next((scope for scope in reversed(self._scopes) if name in scope), None)
        if found is None:
            raise TemplateError(f"there is no variable {name} here", position)
        return found

    def _assign(self, name: str, value: Any, position: Position) -> None:
        self._scope(name, position)[name] = value

    def _command(self, command: CommandNode, dot: Any, final: tuple[Any, ...]) -> Any:
        first, *rest = command.operands
        if isinstance(first, FunctionNode):
            return self._invoke(first, rest, dot, final)
        if rest or final:
            raise TemplateError("what is no function takes no arguments", command.position)
        if first == Literal(None):
            raise TemplateError("nil stands for no value alone", command.position)
        return self._operand(first, dot)

    def _invoke(self, function: FunctionNode, operands: Sequence[Operand], dot: Any, final: tuple[Any, ...]) -> Any:
        if function.name not in self._functions:
            raise TemplateError(f"there is no function {function.name!r} here", function.position)
        if function.name in ("and", "or"):
            return self._shortest(function, operands, dot, final)
        given = [self._operand(each, dot) for each in operands] + list(final)
        arguments = [None if each is _NOTHING else each for each in given]
        self._count(arguments, function.position)
        try:
            value = call(function.name, arguments)
        except ValueError as error:
            raise TemplateError(str(error), function.position) from None
        self._count((value,), function.position)
        return value

    def _count(self, values: Sequence[Any], position: Position) -> None:
        """Count the characters passed to and from functions: a template could double a text a thousand times."""
        size = sum(len(value) for value in values if isinstance(value, str))
        self._characters += size
        if size > LARGEST or self._characters > HANDLED:
            raise TemplateError("it makes too much text", position)

    def _shortest(self, function: FunctionNode, operands: Sequence[Operand], dot: Any, final: tuple[Any, ...]) -> Any:
        """Evaluate `and` or `or` up to the first argument that decides."""
        value: Any = _NOTHING
        if not operands and not final:
            raise TemplateError(f"{function.name} takes at least one argument", function.position)
        for operand in operands:
            value = self._operand(operand, dot)
            if truth(value) == (function.name == "or"):
                return value
        return final[0] if final else value

    def _operand(self, operand: Operand, dot: Any) -> Any:
        match operand:
            case Literal(value):
                return value
            case FunctionNode():
                return self._invoke(operand, (), dot, ())
            case PathNode(base=None):
                value = dot
            case PathNode(base=str() as name):
                value = self._scope(name, operand.position)[name]
            case PathNode(base=Pipeline() as inner):
                value = self._pipeline(inner, dot)
        for name in operand.names:
            value = self._field(value, name, operand.position)
        return value

    def _field(self, value: Any, name: str, position: Position) -> Any:
        if name == "String" and string_method(value) is not None:
            return string_method(value)
        match value:
            case GoStruct() if name not in value:
                raise TemplateError(f"there is no field .{name}", position)
            case dict():
                return value.get(name, self._absent)
            case _Nothing():
                return value
            case None:
                raise TemplateError(f"nothing has a field .{name}", position)
        raise TemplateError(f"{printed(value)[:40]!r} has no field .{name}", position)
