"""Preset: prompt texts, knob values and perhaps a model, read from a Modelfile and the presets it is based on."""

import re
from pathlib import Path
from typing import cast

from msgspec import Struct, structs
from msgspec.structs import replace

from tui.conversation.conversation import Message, Role
from tui.errors import ModelError, PresetError
from tui.knobs.knob import Value
from tui.knobs.lora import beside
from tui.knobs.pair import KnobPair, thought_overrides
from tui.knobs.table import KNOBS, ROWS, THOUGHT_KNOBS, Knobs, turn
from tui.models.locations import STARTER
from tui.models.ollama import PREFIX
from tui.models.reference import canonical, find_model
from tui.paths import FileFault, FileMissing, is_file, read_regular
from tui.presets.modelfile import INSTRUCTIONS, ROLES, Instruction, Modelfile, parse_modelfile
from tui.presets.ollama_parts import read_parts
from tui.presets.parameters import DEPRECATED, WITHOUT_KNOB, check_version, fault, knob_values
from tui.presets.preset_paths import FileStamp, base_path, name_of, stamped

LARGEST = 2**20
"""Largest Modelfile, in bytes."""

DEEPEST = 16
"""Longest chain of presets based on each other."""

ANY_MODEL = "whichever is in use"
"""Text shown for the model of a preset that names none."""

PARTS = ("system", "template", "messages")
"""Texts of a preset, beside its model and its knobs."""


class Preset(Struct, frozen=True, kw_only=True):
    """Named combination of prompt texts and knob values, for one model or for any."""

    name: str
    description: str = ""
    model: str = STARTER
    """Model as FROM names it, in this file or a base: see `find_model`; else the one in use, empty if not known."""
    any_model: bool = False
    """True if neither its file nor a base names a model: it is used with whichever is in use."""
    system: str = ""
    template: str | None = None
    """TEMPLATE in Ollama's Go syntax; None for the model's own chat template."""
    messages: tuple[Message, ...] = ()
    """Messages before the first question."""
    turned: tuple[tuple[str, Value], ...] = ()
    """Knobs it sets: those of its base, then those of its file in their order."""
    inherited: tuple[tuple[str, str], ...] = ()
    """Knobs, texts and `model` that come from a base, each with the base's name."""
    path: Path | None = None
    """Modelfile it was read from; relative paths in it start in that folder."""
    files: tuple[FileStamp, ...] = ()
    """Stamps of that file and of its bases' files."""
    notes: tuple[str, ...] = ()
    """Remarks on how the file was read, a sentence each."""

    @property
    def knobs(self) -> Knobs:
        """Knobs for the answer: llama.cpp's defaults where the preset sets none."""
        knobs = turn(Knobs(), **dict(self.turned))
        return beside(knobs, self.path.parent) if self.path else knobs

    @property
    def pair(self) -> KnobPair:
        """Knobs for answer and thought."""
        return KnobPair(self.knobs, thought_overrides(self.turned))

    @property
    def opening(self) -> tuple[Message, ...]:
        """Messages at the start of every chat with it."""
        return (Message("system", self.system), *self.messages) if self.system else self.messages

    def find_model(self) -> Path:
        """Return the GGUF file of its model, relative paths taken from its Modelfile's folder; raises ModelError."""
        return find_model(self.model, self.path.parent if self.path and not self.any_model else None)

    def on(self, model: str) -> "Preset":
        """Return the preset for use with a model and what Ollama keeps with it; one that names its own keeps that."""
        if not self.any_model:
            return self
        stored, own = stored_preset(model), frozenset(part for part in PARTS if getattr(self, part))
        preset = replace(self, model=model)
        return replace(_on_base(stored, preset, own), any_model=True, files=self.files) if stored else preset

    def source(self, what: str) -> str:
        """Return the name of the preset that sets a knob, a text or the `model`; empty if none does."""
        own = what == "model" or what in dict(self.turned) or (what in PARTS and getattr(self, what))
        return dict(self.inherited).get(what, self.name if own else "")


def with_parts(preset: Preset, **own: str) -> Preset:
    """Replace the `system` prompt or the `model` of a preset."""
    return replace(preset, **own, inherited=tuple(each for each in preset.inherited if each[0] not in own))


def read_preset(path: Path, above: tuple[Path, ...] = ()) -> Preset:
    """Read a preset from a Modelfile; raises PresetError.

    `above` are the Modelfiles based on it, the nearest last.
    """
    stamp = stamped(path)
    source = read_source(path)
    if is_model(path, source):
        raise PresetError(f"{str(path)!r} is a model and not a Modelfile; `--model` and `/model` take it.")
    found = compose(source, path, above)
    return replace(found, files=(stamp, *found.files))


def compose(source: str | bytes, path: Path, above: tuple[Path, ...] = ()) -> Preset:
    """Read a preset from the text of the Modelfile at `path`; raises PresetError."""
    modelfile = parse_modelfile(source, path.name)
    stated = ([None, *(command for command in modelfile.commands if command.name == "model")])[-1]
    base = base_path(stated.args, path) if stated else None
    if stated is None or base is None:
        stored = stored_preset(canonical(stated.args)) if stated else None
        return to_preset(modelfile, name=name_of(path), path=path, base=stored)
    chain = (*above, path)
    shown = " → ".join(name_of(each) for each in (*chain, base))
    if any(each.resolve() == base.resolve() for each in chain):
        advice = f"FROM goes in a circle: {shown}; let one of them name a model, such as FROM starter."
        raise fault(stated, path.name, "loop", advice)
    if len(chain) >= DEEPEST:
        raise fault(stated, path.name, "loop", f"more than {DEEPEST} presets are based on each other: {shown}.")
    return to_preset(modelfile, name=name_of(path), path=path, base=read_preset(base, chain))


def stored_preset(reference: str) -> Preset | None:
    """Return what Ollama keeps with `ollama:NAME` as a preset of that name; None for what is not in its store."""
    if not reference.startswith(PREFIX):
        return None
    try:
        return Preset(name=reference, model=reference, **structs.asdict(read_parts(reference)))
    except ModelError:  # it is said where the model is looked for
        return None


def read_source(path: Path) -> bytes:
    """Read the bytes of a Modelfile, or the first LARGEST of a GGUF; raises PresetError."""
    try:
        source = read_regular(path, LARGEST + 1, "name a Modelfile or a GGUF file")
    except FileMissing:
        raise PresetError(f"There is no file {str(path)!r}; name a preset, a Modelfile or a GGUF file.") from None
    except FileFault as fault:
        raise PresetError(f"{str(path)!r} {fault}.") from None
    if len(source) > LARGEST and not is_model(path, source):
        raise PresetError(f"{str(path)!r} is too large for a Modelfile; it may be a model that is not a GGUF.")
    return source


def is_model(path: Path, source: bytes) -> bool:
    """Return True for a model file, by its first bytes or its name."""
    return source.startswith(b"GGUF") or path.suffix.lower() == ".gguf"


def to_preset(modelfile: Modelfile, *, name: str, path: Path | None = None, base: Preset | None = None) -> Preset:
    """Build the preset of a parsed Modelfile, on top of a base; raises ModelfileError for a value out of range."""
    file = path.name if path else name
    last = {command.name: command for command in modelfile.commands}
    if "requires" in last:
        check_version(last["requires"], file)
    parts: dict[str, object] = {}
    if "system" in last:
        parts["system"] = last["system"].args
    if "template" in last:
        parts["template"] = last["template"].args or None
    if "message" in last:
        found = messages(modelfile, file)
        parts["messages"] = found if any(message.content for message in found) else ()
    turned, notes = knob_values(modelfile, file)
    preset = Preset(
        name=name,
        description=modelfile.description,
        model=last["model"].args if "model" in last else "",
        any_model="model" not in last,
        turned=tuple(turned.items()),
        path=path,
        notes=(*(note for command in modelfile.commands for note in _notes(command)), *notes),
    )
    preset = replace(preset, **parts)
    return _on_base(base, preset, frozenset(parts)) if base else preset


def _on_base(base: Preset, preset: Preset, own_parts: frozenset[str]) -> Preset:
    """Fill in from the base what a preset does not set itself."""
    base = anchored(base)
    parts = [part for part in PARTS if part not in own_parts and getattr(base, part)]
    own = dict(preset.turned)
    knobs = [(name, value) for name, value in base.turned if name not in own]
    model = () if base.model == preset.model else ("model",)
    return replace(
        preset,
        model=base.model,
        any_model=base.any_model,
        turned=(*knobs, *preset.turned),
        inherited=tuple((what, base.source(what)) for what in (*model, *parts, *dict(knobs))),
        files=base.files,
        notes=(*preset.notes, *(f"In {base.name}: {note}" for note in base.notes)),
        **{part: getattr(base, part) for part in parts},
    )


def anchored(preset: Preset) -> Preset:
    """Make the paths of a preset absolute, so that they hold in any folder."""
    if preset.path is None:
        return preset
    turned = tuple((name, preset.knobs.lora if name == "lora" else value) for name, value in preset.turned)
    path = preset.path.parent.absolute() / preset.model
    local = (
        not preset.any_model and preset.model != STARTER and (preset.model.startswith(("./", "../")) or is_file(path))
    )
    return replace(preset, turned=turned, model=str(path) if local else preset.model)


def messages(modelfile: Modelfile, file: str = "Modelfile") -> tuple[Message, ...]:
    """Return the MESSAGEs in order; raises ModelfileError for an invalid role from a line `PARAMETER message`."""
    found = []
    for command in modelfile.commands:
        if command.name == "message":
            role, _, text = command.args.partition(": ")
            if role not in ROLES:
                raise fault(command, file, "invalid_role", f"{role!r} is no role; they are {', '.join(ROLES)}.")
            found.append(Message(cast(Role, role), text))
    return tuple(found)


_NOT_USED = {
    "draft": "DRAFT is not loaded yet",
    "renderer": "RENDERER is Ollama's own and has no effect here",
    "parser": "PARSER is Ollama's own and has no effect here",
    "requires": "REQUIRES is about Ollama's version and has no effect here",
}
_SWALLOWED = re.compile(rf"^(?:{'|'.join(INSTRUCTIONS)})[ \t]", re.MULTILINE)


def _notes(command: Instruction) -> list[str]:
    line, name, notes = f"Line {command.line}", command.name, []
    if name in _NOT_USED:
        notes.append(f"{line}: {_NOT_USED[name]}.")
    elif name in DEPRECATED and name not in KNOBS:
        notes.append(f"{line}: {name} is deprecated in Ollama and is skipped.")
    elif name in WITHOUT_KNOB:
        notes.append(f"{line}: there is no knob for {name} yet; it has no effect here.")
    if _SWALLOWED.search(command.args):
        notes.append(f"{line}: the quoted text holds a line that looks like an instruction; are its quotes closed?")
    return notes


class DifferenceRow(Struct, frozen=True):
    """Knob, text or model that differs, with the values of both presets and the bases that they come from."""

    what: str
    one: str
    other: str


def difference(one: Preset, other: Preset) -> tuple[DifferenceRow, ...]:
    """List the differences between two presets: the model, the texts, then the knobs in table order."""
    names = ("model", *PARTS, *one.knobs.differing(other.knobs), *THOUGHT_KNOBS)
    rows = (DifferenceRow(name, _value_text(one, name), _value_text(other, name)) for name in names)
    return tuple(row for row in rows if row.one != row.other)


def _value_text(preset: Preset, what: str) -> str:
    if what == "messages":
        text = "\n".join(f"{message.role}: {message.content}" for message in preset.messages)
    elif what in KNOBS:
        text = KNOBS[what].show(getattr(preset.knobs, what))
    elif what in THOUGHT_KNOBS:
        turned = dict(preset.turned)
        text = ROWS[what].show(turned[what]) if what in turned else ""
    else:
        text = getattr(preset, what) or (ANY_MODEL if what == "model" else "")
    base = dict(preset.inherited).get(what)
    return f"{text} (from {base})" if base and what in ROWS else text
