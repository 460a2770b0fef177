"""Prompt from messages by an explicit TEMPLATE, after Ollama's engine (template/template.go)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tui.conversation.conversation import Message
from tui.conversation.thinking import Tags, find_tags, split_thought
from tui.presets import tools as seen
from tui.presets.gotemplate import BUILT_IN, GoTemplate, TemplateError, read_template
from tui.presets.gotemplate.nodes import (
    ActionNode,
    BranchNode,
    CallNode,
    CommandNode,
    Node,
    Operand,
    PathNode,
    Pipeline,
    Position,
)
from tui.presets.tools import ToolMessage

_APART = "\n\n"
"""Separator of joined messages."""

_START = Position(1, 1)
_RESPONSE = ActionNode(Pipeline((CommandNode(_START, (PathNode(_START, None, ("Response",)),)),)))


class OllamaPrompt:
    """Parsed TEMPLATE. One that mentions Messages runs once over all of them, any other once a turn."""

    def __init__(self, source: str) -> None:
        """Parse a template; raises TemplateError."""
        template = read_template(source)
        # Ollama looks for the names in any case, though it looks them up case-sensitively.
        mentioned = {name.lower() for nodes in (template.nodes, *template.defined.values()) for name in _names(nodes)}
        self._whole = "messages" in mentioned
        if not mentioned & {"messages", "response"}:
            template = GoTemplate((*template.nodes, _RESPONSE), template.defined)
        self._template = template
        self._tags = find_tags(source)
        self.has_switch = not mentioned.isdisjoint(("think", "isthinkset"))
        """True if the template has a switch for thinking."""

    def render(
        self,
        messages: Sequence[Message | ToolMessage],
        *,
        tools: Iterable[Any] | None = None,
        think: bool | str | None = None,
    ) -> str:
        """Render the prompt, up to where the reply begins or continues; raises TemplateError."""
        level = think if isinstance(think, str) else "medium" if think else ""
        fixed = {"Think": bool(think), "ThinkLevel": level, "IsThinkSet": think is not None}
        system, joined = _joined(messages)
        joined = [_with_thought_field(message, self._tags) for message in joined]
        if self._whole:
            given = {"System": system, "Messages": seen.messages(joined), "Tools": seen.tools(tools), "Response": ""}
            return self._template.render(given | fixed)
        return self._turns(joined, fixed)

    def _turns(self, messages: Sequence[Message | ToolMessage], fixed: Mapping[str, Any]) -> str:
        empty = {"System": "", "Prompt": "", "Response": ""}
        turn, text = dict(empty), ""
        for message in messages:
            begins = {"system": turn["Prompt"] or turn["Response"], "user": turn["Response"]}.get(message.role)
            if begins:
                text += self._template.render(turn | dict(fixed))
                turn = dict(empty)
            part = {"system": "System", "user": "Prompt", "assistant": "Response"}.get(message.role)
            if part:
                turn[part] = message.content
        # The text after the response is left to the model.
        last = GoTemplate(_until_response(self._template.nodes)[0], {})
        return text + last.render(turn | dict(fixed), BUILT_IN, lenient=True)


def _joined(messages: Sequence[Message | ToolMessage]) -> tuple[str, list[Message | ToolMessage]]:
    """Return the joined system messages, and the messages with neighbours of the same role joined."""
    joined: list[Message | ToolMessage] = []
    for message in messages:
        if joined and joined[-1].role == message.role != "tool":
            joined[-1] = replace(joined[-1], content=joined[-1].content + _APART + message.content)
        else:
            joined.append(message)
    return _APART.join(message.content for message in messages if message.role == "system"), joined


def _with_thought_field(message: Message | ToolMessage, tags: Tags | None) -> Message | ToolMessage:
    """Move the thought of a reply to a field of its own; a reply with an open thought, to be continued, stays whole."""
    if message.role != "assistant" or not isinstance(message, Message):
        return message
    parts = split_thought(message.content, tags, unfinished=False)
    return ToolMessage(role=message.role, content=parts[1], thinking=parts[0]) if parts else message


def _names(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield the names that nodes look up, as Ollama finds them; raises TemplateError where it would fail."""
    for node in nodes:
        match node:
            case ActionNode(pipeline):
                yield from _looked_up(pipeline)
            case BranchNode(pipeline=pipeline, body=body, otherwise=otherwise):
                yield from _looked_up(pipeline)
                yield from _names(body)
                yield from _names(otherwise)
            case CallNode(position=position, name=name, pipeline=None):
                advice = f'Ollama takes no template call without a value; write {{{{ template "{name}" . }}}}'
                raise TemplateError(advice, position)
            case CallNode(pipeline=Pipeline() as pipeline):
                yield from _looked_up(pipeline)


def _looked_up(pipeline: Pipeline) -> Iterator[str]:
    for command in pipeline.commands:
        for operand in command.operands:
            match operand:
                case PathNode(base=Pipeline() as inner, names=()):
                    yield from _looked_up(inner)
                case PathNode(base=None | str(), names=names):
                    yield from names


def _until_response(nodes: Sequence[Node]) -> tuple[tuple[Node, ...], bool]:
    """Return the nodes up to the first that prints the response, and True if there is one."""
    cut: list[Node] = []
    for node in nodes:
        match node:
            case BranchNode():
                body, found = _until_response(node.body)
                otherwise: tuple[Node, ...] = ()
                if not found:
                    otherwise, found = _until_response(node.otherwise)
                cut.append(BranchNode(node.position, node.word, node.pipeline, body, otherwise))
            case ActionNode(pipeline):
                shortened, found = _cut_pipeline(pipeline)
                if shortened:
                    cut.append(ActionNode(shortened))
            case _:
                cut.append(node)
                found = False
        if found:
            return tuple(cut), True
    return tuple(cut), False


def _cut_pipeline(pipeline: Pipeline) -> tuple[Pipeline | None, bool]:
    """Cut a pipeline after its lookup of the response, if any; as in Ollama, functions applied to that are lost."""
    commands: list[CommandNode] = []
    for index, command in enumerate(pipeline.commands):
        operands: list[Operand] = []
        found = False
        for operand in command.operands:
            cut, found = _cut_operand(operand)
            operands += (cut,) if cut else ()
            if found:
                break
        commands.append(CommandNode(command.position, tuple(operands)))
        if found:
            last = operands and index == len(pipeline.commands) - 1
            return Pipeline(tuple(commands), pipeline.variables, pipeline.declares) if last else None, True
    return pipeline, False


def _cut_operand(operand: Operand) -> tuple[Operand | None, bool]:
    match operand:
        case PathNode(base=None, names=names):
            return operand, "Response" in names
        case PathNode(position=position, base=Pipeline() as inner, names=()):
            shortened, found = _cut_pipeline(inner)
            return PathNode(position, shortened, ()) if shortened else None, found
    return operand, False
