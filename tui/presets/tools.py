"""Template values of messages and tools: the fields that Ollama's templates look up (template/template.go)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

import msgspec

from tui.conversation.conversation import Message, Role
from tui.presets.gotemplate.values import (
    GoList,
    GoMap,
    GoStruct,
    GoWords,
    OrderedMap,
    UnsetGoList,
    UnsetGoMap,
    UnsetList,
)
from tui.presets.modelfile import ROLES

_PARAMETERS: Mapping[str, str] = {
    "AnyOf": "anyOf?", "Type": "type?", "Items": "items?", "Description": "description?", "Enum": "enum?",
    "Properties": "properties?", "Required": "required?",
}  # fmt: skip


class ToolMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Message as in Ollama's requests, with tool calls and a thought."""

    role: str
    content: str = ""
    thinking: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""

    @property
    def plain(self) -> Message | None:
        """Message without the extra fields; None if any is set."""
        role = self.role.lower()
        bare = ToolMessage(role=self.role, content=self.content)
        return Message(cast(Role, role), self.content) if self == bare and role in ROLES else None


class Tool(GoStruct):
    """Tool that the model may call."""

    tags: ClassVar[Mapping[str, str]] = {"Type": "type", "Items": "items?", "Function": "function"}
    speaks_json: ClassVar[bool] = True


class ToolFunction(GoStruct):
    """Function of a tool."""

    tags: ClassVar[Mapping[str, str]] = {"Name": "name", "Description": "description", "Parameters": "parameters"}


class ToolParameters(GoStruct):
    """Parameters of a tool's function."""

    tags: ClassVar[Mapping[str, str]] = {
        "Type": "type", "Defs": "$defs?", "Items": "items?", "Required": "required?", "Properties": "properties",
    }  # fmt: skip


class ToolProperty(GoStruct):
    """Parameter of a tool's function."""

    tags: ClassVar[Mapping[str, str]] = _PARAMETERS


class TemplateMessage(GoStruct):
    """Message, tool call or called function."""


def messages(chat: Iterable[Message | ToolMessage]) -> list[TemplateMessage]:
    """Convert the messages of a chat to template values."""
    return list(map(_fields, chat)) or UnsetList()


def _fields(message: Message | ToolMessage) -> TemplateMessage:
    full = message if isinstance(message, ToolMessage) else ToolMessage(role=message.role, content=message.content)
    return TemplateMessage(
        Role=full.role,
        Content=full.content,
        Thinking=full.thinking,
        Images=UnsetList(),
        ToolCalls=[_call(call) for call in full.tool_calls] or UnsetList(),
        ToolName=full.tool_name,
        ToolCallID=full.tool_call_id,
    )


def tools(given: Iterable[Any] | None) -> GoList:
    """Convert the tools of a request to template values."""
    return UnsetGoList() if given is None else GoList(map(_tool, given))


def _call(call: Mapping[str, Any]) -> TemplateMessage:
    function = _map(call.get("function"))
    arguments = GoMap(_numbers(_map(function.get("arguments"))))
    called = TemplateMessage(Index=function.get("index", 0), Name=function.get("name", ""), Arguments=arguments)
    return TemplateMessage(ID=call.get("id", ""), Function=called)


def _tool(given: Any) -> Tool:
    tool = _map(given)
    function = _map(tool.get("function"))
    parameters = _map(function.get("parameters"))
    return Tool(
        Type=tool.get("type", ""),
        Items=_numbers(tool.get("items")),
        Function=ToolFunction(
            Name=function.get("name", ""),
            Description=function.get("description", ""),
            Parameters=ToolParameters(
                Type=parameters.get("type", ""),
                Defs=_numbers(parameters.get("$defs")),
                Items=_numbers(parameters.get("items")),
                Required=list(parameters.get("required") or UnsetList()),
                Properties=_properties(parameters.get("properties"), GoMap, UnsetGoMap()),
            ),
        ),
    )


def _properties(given: Any, kind: Callable[[dict[str, Any]], Any], none: Any = None) -> Any:
    return none if given is None else kind({name: _property(each) for name, each in _map(given).items()})


def _property(given: Any) -> ToolProperty:
    schema = _map(given)
    kinds = schema.get("type", [])
    return ToolProperty(
        AnyOf=[_property(each) for each in schema.get("anyOf") or ()],
        Type=GoWords(kinds if isinstance(kinds, list) else [kinds]),
        Items=_numbers(schema.get("items")),
        Description=schema.get("description", ""),
        Enum=_numbers(schema.get("enum") or []),
        Properties=_properties(schema.get("properties"), OrderedMap),
        Required=list(schema.get("required") or ()),
    )


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> Any:
    """Convert the numbers of a JSON value to floats, as Go decodes them."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
