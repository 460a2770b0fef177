"""What a template sees of a chat with tools: the fields that Ollama's own templates look up (template/template.go)."""

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
    """A message as Ollama's requests have it: more can be in it than in one of a chat here."""

    role: str
    content: str = ""
    thinking: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""

    @property
    def plain(self) -> Message | None:
        """The same as one of a chat here, if it can be."""
        role = self.role.lower()
        bare = ToolMessage(role=self.role, content=self.content)
        return Message(cast(Role, role), self.content) if self == bare and role in ROLES else None


class Tool(GoStruct):
    """A tool that may be called."""

    tags: ClassVar[Mapping[str, str]] = {"Type": "type", "Items": "items?", "Function": "function"}
    speaks_json: ClassVar[bool] = True


class ToolFunction(GoStruct):
    """What is called."""

    tags: ClassVar[Mapping[str, str]] = {"Name": "name", "Description": "description", "Parameters": "parameters"}


class ToolParameters(GoStruct):
    """What it is called with."""

    tags: ClassVar[Mapping[str, str]] = {
        "Type": "type", "Defs": "$defs?", "Items": "items?", "Required": "required?", "Properties": "properties",
    }  # fmt: skip


class ToolProperty(GoStruct):
    """One of its parameters."""

    tags: ClassVar[Mapping[str, str]] = _PARAMETERS


class TemplateMessage(GoStruct):
    """A message; and a call in it, with its function."""


def messages(said: Iterable[Message | ToolMessage]) -> list[TemplateMessage]:
    """The messages of a chat as a template sees them."""
    return list(map(_fields, said)) or UnsetList()


def _fields(message: Message | ToolMessage) -> TemplateMessage:
    said = message if isinstance(message, ToolMessage) else ToolMessage(role=message.role, content=message.content)
    return TemplateMessage(
        Role=said.role,
        Content=said.content,
        Thinking=said.thinking,
        Images=UnsetList(),
        ToolCalls=[_call(call) for call in said.tool_calls] or UnsetList(),
        ToolName=said.tool_name,
        ToolCallID=said.tool_call_id,
    )


def tools(given: Iterable[Any] | None) -> GoList:
    """The tools of a request as a template sees them."""
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
    told = _map(given)
    kinds = told.get("type", [])
    return ToolProperty(
        AnyOf=[_property(each) for each in told.get("anyOf") or ()],
        Type=GoWords(kinds if isinstance(kinds, list) else [kinds]),
        Items=_numbers(told.get("items")),
        Description=told.get("description", ""),
        Enum=_numbers(told.get("enum") or []),
        Properties=_properties(told.get("properties"), OrderedMap),
        Required=list(told.get("required") or ()),
    )


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> Any:
    """A value out of JSON, where Go has every number as a float."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
