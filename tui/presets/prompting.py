"""From messages to a prompt by an explicit TEMPLATE, as Ollama's own engine goes about it (template/template.go)."""

from collections.abc import Mapping, Sequence
from typing import Any

from tui.chat import Message
from tui.presets.gotemplate import BUILT_IN, Template, read_template
from tui.presets.gotemplate.functions import Listed
from tui.presets.gotemplate.functions import Struct as Fields
from tui.presets.gotemplate.nodes import Action, Branch, Command, Node, Operand, Path, Pipeline
from tui.thinking import Tags, find_tags, find_thought

_APART = "\n\n"
"""Between messages that are joined."""


class Prompting:
    """A TEMPLATE, read. Those that mention Messages run once over all of them, the others once a turn."""

    def __init__(self, source: str) -> None:
        """Raises TemplateError."""
        template = read_template(source)
        self._whole = template.mentions("Messages")
        if not self._whole and not template.mentions("Response"):
            template = read_template(source + "{{ .Response }}")
        self._template = template
        self._tags = find_tags(source)

    @property
    def has_switch(self) -> bool:
        """Whether it can be told to think or not."""
        return any(map(self._template.mentions, ("Think", "IsThinkSet")))

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Any] = (),
        think: bool | str | None = None,
    ) -> str:
        """The prompt, ending where the reply begins or goes on; raises TemplateError."""
        level = think if isinstance(think, str) else "medium" if think else ""
        fixed = {"Think": bool(think), "ThinkLevel": level, "IsThinkSet": think is not None}
        system, joined = _joined(messages)
        said = [_said(message, self._tags) for message in joined]
        if self._whole:
            listed = [_fields(*each) for each in said]
            given = {"System": system, "Messages": listed, "Tools": Listed(map(_tool, tools)), "Response": ""}
            return self._template.render(given | fixed)
        return self._turns([message for message, _ in said], fixed)

    def _turns(self, messages: Sequence[Message], fixed: Mapping[str, Any]) -> str:
        empty = {"System": "", "Prompt": "", "Response": ""}
        turn, text = dict(empty), ""
        for message in messages:
            begins = {"system": turn["Prompt"] or turn["Response"], "user": turn["Response"]}.get(message.role)
            if begins:
                text += self._template.render(turn | dict(fixed))
                turn = dict(empty)
            turn[{"system": "System", "user": "Prompt", "assistant": "Response"}[message.role]] = message.content
        # What stands after the response is for the model to write.
        last = Template(_until_response(self._template.nodes)[0], {})
        return text + last.render(turn | dict(fixed), BUILT_IN)


def _joined(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """All that the system says, and the messages with neighbours of one role made one."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            joined[-1] = Message(message.role, joined[-1].content + _APART + message.content)
        else:
            joined.append(message)
    return _APART.join(message.content for message in messages if message.role == "system"), joined


def _said(message: Message, tags: Tags | None) -> tuple[Message, str]:
    """A message without its thought, and the thought; one that the reply goes on from stays in one piece."""
    thought = find_thought(message.content, tags) if tags and message.role == "assistant" else None
    if thought is None or thought.end is None:
        return message, ""
    inner, answer = (part.strip("\n") for part in thought.parts(message.content))
    return Message(message.role, answer), inner


def _fields(message: Message, thought: str) -> Fields:
    return Fields(
        Role=message.role,
        Content=message.content,
        Thinking=thought,
        Images=[],
        ToolCalls=[],
        ToolName="",
        ToolCallID="",
    )


_TOOL_ORDER = ("type", "function", "name", "description", "parameters", "$defs", "items", "required", "properties")


def _tool(value: Any) -> Any:
    """A tool with its keys in the order of Ollama's own structures."""
    if not isinstance(value, dict):
        return value
    known = [key for key in _TOOL_ORDER if key in value]
    order = [*known, *sorted(key for key in value if key not in known)]
    return {key: value[key] if key == "properties" else _tool(value[key]) for key in order}


def _until_response(nodes: Sequence[Node]) -> tuple[tuple[Node, ...], bool]:
    """The nodes up to the first that prints the response, and whether one did."""
    kept: list[Node] = []
    for node in nodes:
        match node:
            case Branch():
                body, found = _until_response(node.body)
                otherwise: tuple[Node, ...] = ()
                if not found:
                    otherwise, found = _until_response(node.otherwise)
                kept.append(Branch(node.place, node.word, node.pipeline, body, otherwise))
            case Action(pipeline):
                shortened, found = _shortened(pipeline)
                if shortened:
                    kept.append(Action(shortened))
            case _:
                kept.append(node)
                found = False
        if found:
            return tuple(kept), True
    return tuple(kept), False


def _shortened(pipeline: Pipeline) -> tuple[Pipeline | None, bool]:
    """A pipeline up to where it looks up the response, and whether it does."""
    commands: list[Command] = []
    for command in pipeline.commands:
        operands: list[Operand] = []
        for operand in command.operands:
            operands.append(operand)
            if isinstance(operand, Path) and "Response" in operand.names:
                commands.append(Command(command.place, tuple(operands)))
                return Pipeline(tuple(commands), pipeline.variables, pipeline.declares), True
        commands.append(Command(command.place, tuple(operands)))
    return Pipeline(tuple(commands), pipeline.variables, pipeline.declares), False
