"""Parser of templates, after the grammar of Go's text/template/parse/parse.go."""

from collections.abc import Collection

from tui.presets.gotemplate.lexer import Lexeme, literal, words
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

DEEPEST = 100
"""Limit of nesting of blocks and parentheses."""

_CONSTANTS = {"true": True, "false": False, "nil": None}
_LITERALS = ("string", "raw", "number")
_ENDS = ("end", "else")


class TemplateParser:
    """Recursive-descent parser of one template."""

    def __init__(self, source: str, functions: Collection[str]) -> None:
        """Split the source into words; `functions` are the names that may be called."""
        self._words = [*words(source), Lexeme("eof", "the end", _end_position(source))]
        self._at, self._depth = 0, 0
        self._functions = functions
        self._variables: list[str] = ["$"]
        self._loops = 0
        self.defined: dict[str, tuple[Node, ...]] = {}
        """Templates defined in the source, by name."""

    def parse(self) -> tuple[Node, ...]:
        """Parse the whole template; raises TemplateError."""
        nodes, word = self._block()
        if word is not None:
            raise TemplateError(f"{{{{ {word.text} }}}} has nothing to end", word.position)
        return nodes

    # --- words ------------------------------------------------------------------------------------------------------

    @property
    def _next(self) -> Lexeme:
        return self._words[self._at]

    def _advance(self) -> Lexeme:
        word = self._next
        self._at = min(self._at + 1, len(self._words) - 1)  # the end is never passed
        return word

    def _expect(self, kind: str, what: str) -> Lexeme:
        if self._next.kind != kind:
            raise TemplateError(f"{what} was expected, not {self._next.text!r}", self._next.position)
        return self._advance()

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _block(self) -> tuple[tuple[Node, ...], Lexeme | None]:
        """Parse nodes up to the end of the source, or to an `end` or `else`, which is returned with its action open."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError("it is nested too deeply", self._next.position)
        nodes: list[Node] = []
        while (word := self._advance()).kind != "eof":
            if word.kind == "text":
                nodes.append(TextNode(word.text))
                continue
            if self._next.kind == "name" and self._next.text in _ENDS:
                self._depth -= 1
                return tuple(nodes), self._advance()
            node = self._node()
            if node is not None:
                nodes.append(node)
        self._depth -= 1
        return tuple(nodes), None

    def _node(self) -> Node | None:
        """Parse one action, from after its opening to after its close."""
        word = self._next
        match word.text if word.kind == "name" else "":
            case "if" | "with" | "range":
                return self._branch(self._advance())
            case "define":
                if self._depth > 1:
                    raise TemplateError("define stands inside of another block", word.position)
                self._define(self._advance())
                return None
            case "block":
                return self._define(self._advance())
            case "template":
                return self._call(self._advance())
            case "break" | "continue":
                if not self._loops:
                    raise TemplateError(f"{word.text} stands outside of a range", word.position)
                self._advance()
                self._close()
                return LeaveNode(word.text)
        pipeline = self._pipeline()
        self._close()
        return ActionNode(pipeline)

    def _close(self) -> None:
        self._expect("close", "}}")

    def _branch(self, word: Lexeme) -> Node:
        scope = len(self._variables)
        pipeline = self._pipeline(ranges=word.text == "range")
        self._close()
        self._loops += word.text == "range"
        body, ender = self._block()
        self._loops -= word.text == "range"
        if ender is None:
            raise TemplateError(f"{{{{ {word.text} }}}} has no {{{{ end }}}}", word.position)
        otherwise: tuple[Node, ...] = ()
        if ender.text == "else":
            otherwise = self._otherwise(word)
        else:
            self._close()
        del self._variables[scope:]
        return BranchNode(word.position, word.text, pipeline, body, otherwise)

    def _otherwise(self, word: Lexeme) -> tuple[Node, ...]:
        """Parse from after an `else` to after the `end` of the block."""
        also = self._next.text
        if self._next.kind == "name" and also == word.text != "range":
            return (self._branch(self._advance()),)
        if also in ("if", "with"):
            owner = "an if" if also == "if" else "a with"
            raise TemplateError(
                f"{{{{ else {also} }}}} belongs to {owner}, not to this {word.text}", self._next.position
            )
        self._close()
        nodes, ender = self._block()
        if ender is None or ender.text != "end":
            raise TemplateError("{{ else }} has no {{ end }}", word.position)
        self._close()
        return nodes

    def _define(self, word: Lexeme) -> Node:
        name = self._quoted()
        pipeline = self._pipeline() if word.text == "block" else None
        self._close()
        scope, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        body, ender = self._block()
        if ender is None or ender.text != "end":
            raise TemplateError(f"{{{{ {word.text} }}}} has no {{{{ end }}}}", word.position)
        self._close()
        self._variables, self._loops = scope, loops
        if not _is_empty(body) and not _is_empty(self.defined.get(name, ())):
            raise TemplateError(f"the template {name!r} is defined twice", word.position)
        if name not in self.defined or not _is_empty(body):
            self.defined[name] = body
        return CallNode(word.position, name, pipeline)

    def _call(self, word: Lexeme) -> Node:
        name = self._quoted()
        pipeline = None if self._next.kind == "close" else self._pipeline()
        self._close()
        return CallNode(word.position, name, pipeline)

    def _quoted(self) -> str:
        word = self._advance()
        if word.kind not in ("string", "raw"):
            raise TemplateError(f"the name of a template was expected, not {word.text!r}", word.position)
        return str(literal(word))

    # --- pipelines --------------------------------------------------------------------------------------------------

    def _pipeline(self, *, ranges: bool = False) -> Pipeline:
        names, declares = self._declared(ranges)
        commands = [self._command()]
        while self._next.text == "|" and self._next.kind == "sign":
            self._advance()
            if self._next.kind == "close" or self._next.text == ")":
                break  # Go lets a | stand before the end
            commands.append(self._command())
            first = commands[-1].operands[0]
            if isinstance(first, Literal) or first == PathNode(commands[-1].position, None, ()):
                raise TemplateError("after | stands a function", commands[-1].position)
        self._variables += names  # also those assigned to: the interpreter checks that they exist
        return Pipeline(tuple(commands), names, declares)

    def _declared(self, ranges: bool) -> tuple[tuple[str, ...], bool]:
        """Parse `$x :=`, `$x =` or, in a range, `$i, $x :=`; consume nothing if there is none."""
        start, names = self._at, list[str]()
        while self._next.kind == "variable" and len(names) < (2 if ranges else 1):
            names.append(self._advance().text)
            if ranges and self._next.text == "," and len(names) == 1:
                self._advance()
                continue
            if self._next.text in (":=", "="):
                return tuple(names), self._advance().text == ":="
            break
        self._at = start
        return (), False

    def _known(self, name: str, position: Position) -> None:
        if name not in self._variables:
            raise TemplateError(f"there is no variable {name}", position)

    def _command(self) -> CommandNode:
        position, operands = self._next.position, list[Operand]()
        while self._next.kind != "close" and self._next.text not in ("|", ")"):
            if operands and not self._next.spaced:
                raise TemplateError(f"a blank is missing before {self._next.text!r}", self._next.position)
            operands.append(self._operand())
        if not operands:
            raise TemplateError("a value is missing", position)
        return CommandNode(position, tuple(operands))

    def _operand(self) -> Operand:
        word = self._advance()
        if word.kind in _LITERALS:
            return Literal(literal(word))
        base: str | Pipeline | None = None
        names: list[str] = []
        match word.kind, word.text:
            case "name", text if text in _CONSTANTS:
                return Literal(_CONSTANTS[text])
            case "name", text:
                if text not in self._functions:
                    raise TemplateError(f"there is no function {text!r}", word.position)
                return FunctionNode(word.position, text)
            case "sign", "(":
                base = self._grouped(word)
            case "variable", text:
                self._known(text, word.position)
                base = text
            case "field", text:
                names.append(text[1:])
            case "sign", ".":
                return PathNode(word.position, None, ())
            case _:
                raise TemplateError(f"{word.text!r} is no value", word.position)
        while self._next.kind == "field" and not self._next.spaced:
            names.append(self._advance().text[1:])
        return PathNode(word.position, base, tuple(names))

    def _grouped(self, word: Lexeme) -> Pipeline:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateError("it is nested too deeply", word.position)
        pipeline = self._pipeline()
        if self._advance().text != ")":
            raise TemplateError("( is not closed", word.position)
        self._depth -= 1
        return pipeline


def _is_empty(nodes: tuple[Node, ...]) -> bool:
    return all(isinstance(node, TextNode) and not node.text.strip(" \t\r\n") for node in nodes)


def _end_position(source: str) -> Position:
    lines = source.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)
