"""Saving of presets: as a new Modelfile, or by editing lines in place so that comments and order stay."""

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from tui.errors import PresetError
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs
from tui.paths import is_there, write_atomically
from tui.presets.modelfile import Instruction, decode, parse_modelfile
from tui.presets.parameters import knob_of, parameter_commands
from tui.presets.preset import PARTS, Preset, anchored, compose, read_preset, read_source
from tui.presets.preset_paths import base_path, own_path
from tui.presets.serialize import instruction, parameter, write_preset

_LINE_END = re.compile(r"\r\n|\r|\n")


def save_preset(
    name: str, knobs: Knobs | KnobPair, base: Preset, *, description: str = "", overwrite: bool = False
) -> Path:
    """Save knobs as the user's own preset of that name, and return its Modelfile.

    `base` is the preset that was changed, with the model and system prompt to save; given `Knobs` alone, its thought
    knobs stay. If it is that very file, its lines are edited in place; otherwise a new file is based on it and sets
    what differs. The file is written atomically, and only if it reads back equal. Raises PresetError, also if another
    preset has that name, unless `overwrite`.
    """
    path, pair = own_path(name), _set_pair(knobs, base)
    if is_there(path) and base.path and base.path.resolve() == path.resolve():
        text = edit_knobs(edit_texts(decode(read_source(path)), path, base), path, pair)
    elif is_there(path) and not overwrite:
        raise PresetError(f"There is a preset {name!r} of yours already; choose another name, or overwrite it.")
    else:
        text = _new_text(path, pair, base, description)
    saved = anchored(compose(text, path)).on(base.model)
    lost = [part for part in ("any_model", "model", *PARTS) if getattr(saved, part) != getattr(anchored(base), part)]
    lost += pair.differing(saved.pair)
    if lost:
        raise PresetError(f"{name!r} was not saved: its Modelfile would not keep {', '.join(lost)}.")
    save_text(path, text)
    return path


def edit_knobs(text: str, path: Path, knobs: Knobs | KnobPair) -> str:
    """Edit the PARAMETER lines of the Modelfile at `path` to set these knobs; raises PresetError.

    Lines of a knob that already has its value stay; others are edited in place, removed where the base has the same
    value, or added after the last PARAMETER.
    """
    before = compose(text, path)
    pair = _set_pair(knobs, before)
    differing = pair.differing(before.pair)
    existing: dict[str, list[Instruction]] = {}
    for command in parse_modelfile(text).commands:
        row = knob_of(command)
        if row and row.name in differing:
            existing.setdefault(row.name, []).append(command)
    without = _edited(text, [(command, "") for found in existing.values() for command in found])
    # A value that the base does not have needs a line here.
    needed = pair.differing(compose(without, path).pair)
    line_end = (_LINE_END.findall(text) or ["\n"])[0]
    lines = {name: line_end.join(_lines(name, pair)) for name in needed}
    changes = [(found[-1], lines.pop(name, "")) for name, found in existing.items()]
    text = _edited(text, changes + [(command, "") for found in existing.values() for command in found[:-1]])
    return _added(text, lines.values())


def edit_texts(text: str, path: Path, preset: Preset) -> str:
    """Edit FROM and SYSTEM of the Modelfile at `path` where the preset differs; raises PresetError."""
    for word, part in (("FROM", "model"), ("SYSTEM", "system")):
        value = getattr(preset, part)
        if getattr(compose(text, path), part) != value and not (part == "model" and preset.any_model):
            found = [command for command in parse_modelfile(text).commands if command.name == part]
            new = instruction(word, value)
            changes = [(command, new if command is found[-1] else "") for command in found]
            text = _edited(text, changes) if found else _added(text, [new])
    return text


def save_text(path: Path, text: str) -> None:
    """Write a file all at once: whoever reads it finds the old text or the new; raises PresetError."""
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise PresetError(f"{str(path)!r} cannot be written: {error.strerror}.") from None


def _set_pair(knobs: Knobs | KnobPair, preset: Preset) -> KnobPair:
    return knobs if isinstance(knobs, KnobPair) else KnobPair(knobs, preset.pair.thought)


def _new_text(path: Path, pair: KnobPair, base: Preset, description: str) -> str:
    differing = {name: pair.value(name) for name in pair.differing(base.pair)}
    turned = tuple((dict(base.turned) | differing).items())
    preset = replace(base, description=description, turned=turned)
    for reference in (base.name, str(base.path)) if base.path else ():
        found = base_path(reference, path)
        if found and base.path and found.resolve() == base.path.resolve() != path.resolve():
            below = read_preset(found)
            if below.any_model == base.any_model and below.on(base.model).model == base.model:
                return write_preset(preset, replace(below, name=reference))
    return write_preset(anchored(preset))


def _added(text: str, lines: Iterable[str]) -> str:
    """Insert lines after the last PARAMETER, or else after FROM, or else at the end."""
    modelfile = parse_modelfile(text)
    line_end = (_LINE_END.findall(text) or ["\n"])[0]
    anchors = parameter_commands(modelfile) or [each for each in modelfile.commands if each.name == "model"]
    if anchors:
        at = anchors[-1].end
        return text[:at] + "".join(line_end + line for line in lines) + text[at:]
    start = text if not text or _LINE_END.search(text[-1]) else text + line_end
    return start + "".join(line + line_end for line in lines)


def _lines(name: str, pair: KnobPair) -> list[str]:
    return [instruction(*statement) for statement in parameter(name, pair.value(name))]


def _edited(text: str, changes: list[tuple[Instruction, str]]) -> str:
    """Replace instructions, or remove them with their lines where the new text is empty."""
    pieces: list[str] = []
    at = 0
    for command, new in sorted(changes, key=lambda change: change[0].start):
        before, at = text[at : command.start], command.end
        if not new:
            before = before.rstrip(" \t")
            after = _LINE_END.match(text, at)
            at = after.end() if after else at
        pieces += before, new
    return "".join((*pieces, text[at:]))
