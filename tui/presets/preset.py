"""A preset: a model, what it is told, and the knobs it turns, as one Modelfile says."""

import re
import stat
from pathlib import Path
from typing import cast

from msgspec import Struct

from tui.chat import Message, Role
from tui.errors import KnobError, PresetError
from tui.knob import Value
from tui.knobs import KNOBS, Knobs, turn
from tui.lora import beside
from tui.presets.modelfile import INSTRUCTIONS, ROLES, Command, Modelfile, parse_modelfile
from tui.presets.parameters import DEPRECATED, WITHOUT_KNOB, check_version, fault, parameter_commands, parameters, typed

LARGEST = 2**20
"""Bytes; a file beyond it is something else than a Modelfile."""

STARTER = "starter"


class Preset(Struct, frozen=True, kw_only=True):
    """A way of asking that has a name."""

    name: str
    description: str = ""
    model: str = STARTER
    """What FROM says: see `tui.models.reference.find_model`."""
    system: str = ""
    template: str | None = None
    """TEMPLATE as it is written; nothing renders it yet."""
    messages: tuple[Message, ...] = ()
    """Said before the chat begins."""
    turned: tuple[tuple[str, Value], ...] = ()
    """The knobs it turns, in the order of the file."""
    path: Path | None = None
    """The Modelfile it was read from; relative paths in it start there."""
    notes: tuple[str, ...] = ()
    """What the person should know about how it was read, a sentence each."""

    @property
    def knobs(self) -> Knobs:
        """Every knob: llama.cpp's defaults where the preset says nothing."""
        knobs = turn(Knobs(), **dict(self.turned))
        return beside(knobs, self.path.parent) if self.path else knobs

    @property
    def opening(self) -> tuple[Message, ...]:
        """The messages that every chat with it begins with."""
        return (Message("system", self.system), *self.messages) if self.system else self.messages


def read_preset(path: Path) -> Preset:
    """The preset in a Modelfile; a GGUF file is a preset that says nothing but its model. Raises PresetError."""
    source = read_source(path)
    if _is_model(path, source):
        return Preset(name=path.stem, model=str(path.resolve()))
    return to_preset(parse_modelfile(source, path.name), name=path.name.removesuffix(".Modelfile"), path=path)


def read_source(path: Path) -> bytes:
    """The bytes of a Modelfile, or the first of a GGUF; raises PresetError."""
    try:
        mode = path.stat().st_mode
        # Opening a FIFO would wait for a writer that never comes.
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a plain file"
            raise PresetError(f"{str(path)!r} is {kind}; name a Modelfile or a GGUF file.")
        with path.open("rb") as file:
            source = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise PresetError(f"There is no file {str(path)!r}; name a preset, a Modelfile or a GGUF file.") from None
    except OSError as error:
        raise PresetError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL in the path
        raise PresetError(f"{str(path)!r} is no file name.") from None
    if len(source) > LARGEST and not _is_model(path, source):
        raise PresetError(f"{str(path)!r} is too large for a Modelfile; it may be a model that is not a GGUF.")
    return source


def _is_model(path: Path, source: bytes) -> bool:
    return source.startswith(b"GGUF") or path.suffix.lower() == ".gguf"


def to_preset(modelfile: Modelfile, *, name: str, path: Path | None = None) -> Preset:
    """What a Modelfile means to twiddle; raises ModelfileError for a value that its knob cannot take."""
    file = path.name if path else name
    said = {command.name: command for command in modelfile.commands}
    values = parameters(modelfile, file)
    for command in parameter_commands(modelfile):
        _check_range(command, file)
    if "requires" in said:
        check_version(said["requires"], file)
    return Preset(
        name=name,
        description=modelfile.description,
        model=said["model"].args,
        system=said["system"].args if "system" in said else "",
        template=said["template"].args if "template" in said else None,
        messages=messages(modelfile, file),
        turned=tuple((knob, value) for knob, value in values.items() if knob in KNOBS),
        path=path,
        notes=tuple(note for command in modelfile.commands for note in _notes(command)),
    )


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


def _check_range(command: Command, file: str) -> None:
    if command.name in KNOBS:
        try:
            KNOBS[command.name].check(typed(command, file))
        except KnobError as error:
            raise fault(command, file, "out_of_range", str(error)) from None


_NOT_USED = {
    "template": "TEMPLATE is not rendered yet; the model's own chat template is used",
    "adapter": "ADAPTER is not loaded yet",
    "draft": "DRAFT is not loaded yet",
    "renderer": "RENDERER is Ollama's own and has no effect here",
    "parser": "PARSER is Ollama's own and has no effect here",
    "requires": "REQUIRES is about Ollama's version and has no effect here",
}
_SWALLOWED = re.compile(rf"^(?:{'|'.join(INSTRUCTIONS)})[ \t]", re.MULTILINE)


def _notes(command: Command) -> list[str]:
    line, name, notes = f"Line {command.line}", command.name, []
    if name in _NOT_USED:
        notes.append(f"{line}: {_NOT_USED[name]}.")
    elif name in DEPRECATED:
        notes.append(f"{line}: {name} is deprecated in Ollama and is skipped.")
    elif name in WITHOUT_KNOB:
        notes.append(f"{line}: there is no knob for {name} yet; it has no effect here.")
    if _SWALLOWED.search(command.args):
        notes.append(f"{line}: the quoted text holds a line that looks like an instruction; are its quotes closed?")
    return notes
