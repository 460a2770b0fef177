"""Preset library: the user's own presets, the shipped ones, and any Modelfile or GGUF by its path."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tui.errors import PresetError, did_you_mean
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.knobs.table import Knobs
from tui.paths import expand, is_file, is_there, preset_dirs
from tui.presets.preset import Preset, read_preset
from tui.presets.preset_paths import SUFFIX, names, stamped

DEFAULT = "default"


class BrokenPreset(Struct, frozen=True):
    """Preset in the library that cannot be read, with the reason."""

    name: str
    path: Path
    reason: str


class ResolvedSetting(Struct, frozen=True):
    """Setting with its preset read and its overrides applied to the preset's knobs."""

    setting: Setting
    preset: Preset
    pair: KnobPair

    @property
    def knobs(self) -> Knobs:
        """Knobs for the answer."""
        return self.pair.answer


def list_presets(faults: list[str] | None = None) -> tuple[Preset | BrokenPreset, ...]:
    """Read all presets of the library, sorted by name; the user's own replaces a shipped one even if it is broken.

    `faults` gets a sentence for a folder that is closed.
    """
    found: list[Preset | BrokenPreset] = []
    for name, path in sorted(names(faults).items()):
        try:
            found.append(read_preset(path))
        except PresetError as error:
            found.append(BrokenPreset(name, path, str(error)))
    return tuple(found)


def find_preset(reference: str) -> Preset:
    """Read the preset of that name or path; raises PresetError."""
    return read_preset(preset_path(reference))


def reference_to(preset: Preset) -> str:
    """Return a reference that finds the preset again: its library name, else the path of its file or its model."""
    if preset.path is None:
        return preset.name if preset.name in names() else preset.model
    return preset.name if preset.path.parent in preset_dirs() else str(preset.path.absolute())


def has_preset(reference: str) -> bool:
    """Return True if the reference names a preset, or a file that could be one."""
    return reference in names() or (_is_path(reference) and is_file(_expanded(reference)))


def preset_path(reference: str) -> Path:
    """Return the file of a library name or a path; raises PresetError."""
    library = names()
    if reference in library:
        return library[reference]
    if _is_path(reference):
        return _expanded(reference)
    hint = did_you_mean(reference, library)
    raise PresetError(f"There is no preset {reference!r}.{hint} `twiddle presets list` shows them all.")


def reload(preset: Preset) -> Preset:
    """Read a preset again if its files changed; if one is broken, keep the last values with a note."""
    now = tuple(stamped(file.path) for file in preset.files)
    if preset.path is None or now == preset.files:
        return preset
    try:
        # The name of a deleted base would now refer to a model.
        gone = [file.path for file in now[1:] if not file.modified]
        if gone and now[0] == preset.files[0]:
            raise PresetError(f"{gone[0].name} is gone.")
        return read_preset(preset.path)
    except PresetError as error:
        note = f"{preset.name} was changed and cannot be read, so its last good values are kept: {error}"
        return replace(preset, files=now, notes=(note,))


def _is_path(reference: str) -> bool:
    if "/" in reference or reference.startswith("~") or reference.endswith((".gguf", SUFFIX)):
        return True
    return is_there(Path(reference))


def resolve(setting: Setting) -> ResolvedSetting:
    """Read the preset of a setting and apply its overrides; raises PresetError."""
    preset = find_preset(setting.preset or DEFAULT)
    pair = preset.pair
    for name, value in setting.overrides:
        pair = pair.turn(name, value)
    return ResolvedSetting(setting, preset, pair)


def _expanded(reference: str) -> Path:
    if (path := expand(reference)) is None:
        raise PresetError(f"{reference!r} starts with the home folder of somebody unknown.")
    return path
