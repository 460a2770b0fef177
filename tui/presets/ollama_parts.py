"""Parts that Ollama keeps with a model of its store, as a preset that others can be based on."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from tui.conversation.conversation import Message, Role
from tui.errors import ModelError, PresetError
from tui.knobs.knob import Value
from tui.knobs.table import ROWS
from tui.models.ollama import OllamaModel, read_ollama
from tui.models.preflight import read_any_header
from tui.presets.gotemplate import TemplateError, read_template
from tui.presets.modelfile import ROLES, Instruction, Modelfile, ModelfileError
from tui.presets.parameters import knob_values
from tui.presets.preset_paths import FileStamp, stamped

_UNUSED = {
    "projector": "The projector, for pictures and sound, is not loaded: only text is sent.",
    "draft": "The draft model is not loaded.",
    "embed": "The embeddings have no effect, nor have they in Ollama.",
}
_NO_TURNS = "{{ .Prompt }}"


class OllamaParts(msgspec.Struct, frozen=True):
    """Texts and knob values that Ollama keeps with a model; `notes` say what of it has no effect."""

    system: str
    template: str | None
    messages: tuple[Message, ...]
    turned: tuple[tuple[str, Value], ...]
    files: tuple[FileStamp, ...]
    notes: tuple[str, ...]


def read_parts(reference: str) -> OllamaParts:
    """Read what Ollama keeps with `ollama:NAME`; raises ModelError if there is no such model."""
    model, notes = read_ollama(reference), list[str]()
    system = _text(model, "system", notes)
    turned = dict(_parameters(model, notes))
    if adapters := model.blobs.get("adapter"):
        turned["lora"] = tuple(map(str, adapters))
    return OllamaParts(
        system=system,
        template=_template(model, notes) or None,
        messages=tuple(_messages(model, notes)),
        turned=tuple(turned.items()),
        files=(stamped(model.manifest),),
        notes=(*notes, *_left_out(model)),
    )


def _text(model: OllamaModel, kind: str, notes: list[str]) -> str:
    try:
        return model.text(kind)
    except ModelError as error:
        notes.append(str(error))
        return ""


def _json(model: OllamaModel, kind: str, shape: Any, notes: list[str]) -> Any:
    text = _text(model, kind, notes)
    try:
        return msgspec.json.decode(text, type=shape) if text else shape()
    except msgspec.DecodeError as error:
        notes.append(f"The {kind} that Ollama keeps cannot be read: {error}.")
        return shape()


def _parameters(model: OllamaModel, notes: list[str]) -> Iterator[tuple[str, Value]]:
    """Yield the knobs that its parameters set; one that cannot be taken costs a note."""
    for name, value in _json(model, "params", dict, notes).items():
        if name not in ROWS:
            notes.append(f"PARAMETER {name} is not used: there is no knob for it.")
            continue
        entries = value if isinstance(value, list) else [value]
        lines = [_spelled(entry, ROWS[name].kind is int) for entry in entries]
        try:
            commands = tuple(Instruction(name, line, 1, 1, 0, 0) for line in lines)
            turned, remarks = knob_values(Modelfile(commands, ""), model.reference)
        except PresetError as error:
            reason = error.advice if isinstance(error, ModelfileError) else str(error)
            notes.append(f"PARAMETER {name} {', '.join(lines)} is not used: {reason}")
            continue
        notes += (f"PARAMETER {remark.partition(': ')[2]}" for remark in remarks)
        yield from turned.items()


def _spelled(value: Any, whole: bool) -> str:
    """Return a JSON value as a Modelfile has it; Ollama may write a whole number as 1e+06."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if whole and isinstance(value, float) and value.is_integer() else str(value)


def _messages(model: OllamaModel, notes: list[str]) -> Iterator[Message]:
    for each in _json(model, "messages", list, notes):
        said = each if isinstance(each, dict) else {}
        role, content = said.get("role"), said.get("content")
        if role in ROLES and isinstance(content, str):
            yield Message(cast(Role, role), content)
        if role not in ROLES or set(said) - {"role", "content"}:
            notes.append(f"MESSAGE {role}: only text of {', '.join(ROLES)} is used.")


def _template(model: OllamaModel, notes: list[str]) -> str:
    """Return its TEMPLATE, unless Ollama itself would take another or it cannot be run."""
    template = _text(model, "template", notes)
    renderer = model.about.renderer
    if (renderer or template.strip() == _NO_TURNS) and _has_own(model):
        if renderer:
            reason = f"Ollama writes the prompts by its built-in renderer {renderer!r}"
        else:
            reason = f"TEMPLATE {_NO_TURNS} marks no turns"
        notes.append(f"{reason}; here the chat template in the file is used.")
        return ""
    try:
        read_template(template)
    except TemplateError as error:
        notes.append(f"TEMPLATE is not used: {error}.")
        return ""
    return template


def _has_own(model: OllamaModel) -> bool:
    try:
        return bool(read_any_header(model.find_file()).text("tokenizer.chat_template"))
    except ModelError:
        return False


def _left_out(model: OllamaModel) -> Iterator[str]:
    yield from (sentence for kind, sentence in _UNUSED.items() if kind in model.blobs)
    if model.about.parser:
        yield f"Ollama reads the replies by its built-in parser {model.about.parser!r}, which is not here."
    if model.about.requires:
        yield f"The model is said to need Ollama {model.about.requires} or newer."
    known = {"model", "adapter", "template", "system", "params", "messages", "license", *_UNUSED}
    for kind in sorted(model.blobs.keys() - known):
        yield f"The {kind} that Ollama keeps is not used."
    licences: list[str] = []
    if text := _text(model, "license", licences).strip():
        yield f"LICENSE {text.splitlines()[0]}"
    yield from licences
