"""From messages to a prompt by an explicit TEMPLATE, as Ollama's own engine goes about it (template/template.go)."""

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
"""Between messages that are joined."""

_START = Position(1, 1)
_RESPONSE = ActionNode(Pipeline((CommandNode(_START, (PathNode(_START, None, ("Response",)),)),)))


class OllamaPrompt:
    """A TEMPLATE, read. Those that mention Messages run once over all of them, the others once a turn."""

    def __init__(self, source: str) -> None:
        """Raises TemplateError."""
        template = read_template(source)
        # Ollama looks for the names in any case, though it looks them up as they are written.
        mentioned = {name.lower() for nodes in (template.nodes, *template.defined.values()) for name in _names(nodes)}
        self._whole = "messages" in mentioned
        if not mentioned & {"messages", "response"}:
            template = GoTemplate((*template.nodes, _RESPONSE), template.defined)
        self._template = template
        self._tags = find_tags(source)
        self.has_switch = not mentioned.isdisjoint(("think", "isthinkset"))
        """Whether it can be told to think or not."""

    def render(
        self,
        messages: Sequence[Message | ToolMessage],
        *,
        tools: Iterable[Any] | None = None,
        think: bool | str | None = None,
    ) -> str:
        """The prompt, ending where the reply begins or goes on; raises TemplateError."""
        level = think if isinstance(think, str) else "medium" if think else ""
        fixed = {"Think": bool(think), "ThinkLevel": level, "IsThinkSet": think is not None}
        system, joined = _joined(messages)
        joined = [_parted(message, self._tags) for message in joined]
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
        # What stands after the response is for the model to write.
        last = GoTemplate(_until_response(self._template.nodes)[0], {})
        return text + last.render(turn | dict(fixed), BUILT_IN, lenient=True)


def _joined(messages: Sequence[Message | ToolMessage]) -> tuple[str, list[Message | ToolMessage]]:
    """All that the system says, and the messages with neighbours of one role made one."""
    joined: list[Message | ToolMessage] = []
    for message in messages:
        if joined and joined[-1].role == message.role != "tool":
            joined[-1] = replace(joined[-1], content=joined[-1].content + _APART + message.content)
        else:
            joined.append(message)
    return _APART.join(message.content for message in messages if message.role == "system"), joined


def _parted(message: Message | ToolMessage, tags: Tags | None) -> Message | ToolMessage:
    """A message with its thought in a field of its own; one that the reply goes on from stays in one piece."""
    if message.role != "assistant" or not isinstance(message, Message):
        return message
    parts = split_thought(message.content, tags, unfinished=False)
    return ToolMessage(role=message.role, content=parts[1], thinking=parts[0]) if parts else message


def _names(nodes: Sequence[Node]) -> Iterator[str]:
    """What some nodes look up, as far as Ollama sees; raises TemplateError for what it cannot look through."""
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
    """The nodes up to the first that prints the response, and whether one did."""
    kept: list[Node] = []
    for node in nodes:
        match node:
            case BranchNode():
                body, found = _until_response(node.body)
                otherwise: tuple[Node, ...] = ()
                if not found:
                    otherwise, found = _until_response(node.otherwise)
                kept.append(BranchNode(node.position, node.word, node.pipeline, body, otherwise))
            case ActionNode(pipeline):
                shortened, found = _shortened(pipeline)
                if shortened:
                    kept.append(ActionNode(shortened))
            case _:
                kept.append(node)
                found = False
        if found:
            return tuple(kept), True
    return tuple(kept), False


def _shortened(pipeline: Pipeline) -> tuple[Pipeline | None, bool]:
    """A pipeline up to where it looks up the response, and whether it does; what would be done to that is lost."""
    commands: list[CommandNode] = []
    for index, command in enumerate(pipeline.commands):
        operands: list[Operand] = []
        found = False
        for operand in command.operands:
            kept, found = _kept(operand)
            operands += (kept,) if kept else ()
            if found:
                break
        commands.append(CommandNode(command.position, tuple(operands)))
        if found:
            last = operands and index == len(pipeline.commands) - 1
            return Pipeline(tuple(commands), pipeline.variables, pipeline.declares) if last else None, True
    return pipeline, False


def _kept(operand: Operand) -> tuple[Operand | None, bool]:
    match operand:
        case PathNode(base=None, names=names):
            return operand, "Response" in names
        case PathNode(position=position, base=Pipeline() as inner, names=()):
            shortened, found = _shortened(inner)
            return PathNode(position, shortened, ()) if shortened else None, found
    return operand, False
