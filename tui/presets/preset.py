"""A preset: a model, what it is told, and the knobs it turns, as one Modelfile and those it builds on say."""

import re
from pathlib import Path
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from tui.conversation.conversation import Message, Role
from tui.errors import PresetError
from tui.knobs.knob import Value
from tui.knobs.lora import beside
from tui.knobs.pair import KnobPair, thought_overrides
from tui.knobs.table import KNOBS, Knobs, turn
from tui.models.locations import STARTER
from tui.models.reference import find_model
from tui.paths import FileFault, FileMissing, read_regular
from tui.presets.modelfile import INSTRUCTIONS, ROLES, Instruction, Modelfile, parse_modelfile
from tui.presets.parameter_knobs import turns
from tui.presets.parameters import DEPRECATED, WITHOUT_KNOB, check_version, fault
from tui.presets.preset_paths import FileStamp, base_path, is_file, name_of, stamped

LARGEST = 2**20
"""Bytes; a file beyond it is something else than a Modelfile."""

DEEPEST = 16
"""Presets that build on each other; more is a slip."""

PARTS = ("system", "template", "messages")
"""What a preset says beside its model and its knobs."""


class Preset(Struct, frozen=True, kw_only=True):
    """A way of asking that has a name."""

    name: str
    description: str = ""
    model: str = STARTER
    """What FROM says, in this file or a base: see `find_model`."""
    system: str = ""
    template: str | None = None
    """TEMPLATE as it is written, in Ollama's Go syntax; None leaves it to the model's own."""
    messages: tuple[Message, ...] = ()
    """Said before the chat begins."""
    turned: tuple[tuple[str, Value], ...] = ()
    """The knobs it turns: those of its base, then those of its file in their order."""
    inherited: tuple[tuple[str, str], ...] = ()
    """Of what it does not say itself: the knob, part or `model`, and the name of the preset that says it."""
    path: Path | None = None
    """The Modelfile it was read from; relative paths in it start there."""
    files: tuple[FileStamp, ...] = ()
    """That file, and those of the presets it builds on."""
    notes: tuple[str, ...] = ()
    """What the person should know about how it was read, a sentence each."""

    @property
    def knobs(self) -> Knobs:
        """Every knob: llama.cpp's defaults where the preset says nothing."""
        knobs = turn(Knobs(), **dict(self.turned))
        return beside(knobs, self.path.parent) if self.path else knobs

    @property
    def pair(self) -> KnobPair:
        """Every knob, with those that it turns for the thought alone."""
        return KnobPair(self.knobs, thought_overrides(self.turned))

    @property
    def opening(self) -> tuple[Message, ...]:
        """The messages that every chat with it begins with."""
        return (Message("system", self.system), *self.messages) if self.system else self.messages

    def find_model(self) -> Path:
        """Return the GGUF file of its model, relative paths taken from its Modelfile's folder; raises ModelError."""
        return find_model(self.model, self.path.parent if self.path else None)

    def source(self, what: str) -> str:
        """The preset that says a knob, a part or the `model`: its own name, that of a base, or nothing."""
        said = what == "model" or what in dict(self.turned) or (what in PARTS and getattr(self, what))
        return dict(self.inherited).get(what, self.name if said else "")


def reworded(preset: Preset, **own: str) -> Preset:
    """The preset with its `system` or its `model` in place of what it says, or has from a base."""
    return replace(preset, **own, inherited=tuple(each for each in preset.inherited if each[0] not in own))


def read_preset(path: Path, above: tuple[Path, ...] = ()) -> Preset:
    """The preset in a Modelfile; a GGUF file is a preset that says nothing but its model. Raises PresetError.

    `above` are the Modelfiles that build on it, the nearest last.
    """
    stamp = stamped(path)
    source = read_source(path)
    if is_model(path, source):
        return Preset(name=path.stem, model=str(path.resolve()))
    found = compose(source, path, above)
    return replace(found, files=(stamp, *found.files))


def compose(source: str | bytes, path: Path, above: tuple[Path, ...] = ()) -> Preset:
    """The preset that the Modelfile at `path` would be if it held `source`; raises PresetError."""
    modelfile = parse_modelfile(source, path.name)
    stated = [command for command in modelfile.commands if command.name == "model"][-1]
    base = base_path(stated.args, path)
    if base is None:
        return to_preset(modelfile, name=name_of(path), path=path)
    chain = (*above, path)
    shown = " → ".join(name_of(place) for place in (*chain, base))
    if any(place.resolve() == base.resolve() for place in chain):
        advice = f"FROM goes in a circle: {shown}; let one of them name a model, such as FROM starter."
        raise fault(stated, path.name, "loop", advice)
    if len(chain) >= DEEPEST:
        raise fault(stated, path.name, "loop", f"more than {DEEPEST} presets build on each other: {shown}.")
    return to_preset(modelfile, name=name_of(path), path=path, base=read_preset(base, chain))


def read_source(path: Path) -> bytes:
    """The bytes of a Modelfile, or the first of a GGUF; raises PresetError."""
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
    """Whether it is, or was meant to be, a model rather than a Modelfile."""
    return source.startswith(b"GGUF") or path.suffix.lower() == ".gguf"


def to_preset(modelfile: Modelfile, *, name: str, path: Path | None = None, base: Preset | None = None) -> Preset:
    """What a Modelfile means to twiddle, on top of a base; raises ModelfileError for a value that no knob can take."""
    file = path.name if path else name
    said = {command.name: command for command in modelfile.commands}
    if "requires" in said:
        check_version(said["requires"], file)
    parts: dict[str, object] = {}
    if "system" in said:
        parts["system"] = said["system"].args
    if "template" in said:
        parts["template"] = said["template"].args or None
    if "message" in said:
        spoken = messages(modelfile, file)
        parts["messages"] = spoken if any(message.content for message in spoken) else ()
    turned, notes = turns(modelfile, file)
    preset = Preset(
        name=name,
        description=modelfile.description,
        model=said["model"].args,
        turned=tuple(turned.items()),
        path=path,
        notes=(*(note for command in modelfile.commands for note in _notes(command)), *notes),
    )
    preset = replace(preset, **parts)
    return _upon(base, preset, frozenset(parts)) if base else preset


def _upon(base: Preset, preset: Preset, said: frozenset[str]) -> Preset:
    """The preset with what its base says where it says nothing itself."""
    base = anchored(base)
    unsaid = [part for part in PARTS if part not in said and getattr(base, part)]
    own = dict(preset.turned)
    kept = [(name, value) for name, value in base.turned if name not in own]
    return replace(
        preset,
        model=base.model,
        turned=(*kept, *preset.turned),
        inherited=tuple((what, base.source(what)) for what in ("model", *unsaid, *dict(kept))),
        files=base.files,
        notes=(*preset.notes, *(f"In {base.name}: {note}" for note in base.notes)),
        **{part: getattr(base, part) for part in unsaid},
    )


def anchored(preset: Preset) -> Preset:
    """The preset with paths that hold in any folder, not only in its own."""
    if preset.path is None:
        return preset
    turned = tuple((name, preset.knobs.lora if name == "lora" else value) for name, value in preset.turned)
    place = preset.path.parent.absolute() / preset.model
    local = preset.model != STARTER and (preset.model.startswith(("./", "../")) or is_file(place))
    return replace(preset, turned=turned, model=str(place) if local else preset.model)


def messages(modelfile: Modelfile, file: str = "Modelfile") -> tuple[Message, ...]:
    """The MESSAGEs in their order; raises ModelfileError for a role that `PARAMETER message` made up."""
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
