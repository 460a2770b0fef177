"""Where presets are found: the person's own folder, the ones that ship, and any Modelfile or GGUF by its path."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tui.errors import PresetError, did_you_mean
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.knobs.table import Knobs
from tui.paths import expand, preset_dirs
from tui.presets.preset import Preset, read_preset
from tui.presets.preset_paths import SUFFIX, is_file, names, stamped

DEFAULT = "default"


class BrokenPreset(Struct, frozen=True):
    """A preset in the library that cannot be read, and why."""

    name: str
    path: Path
    reason: str


class ResolvedSetting(Struct, frozen=True):
    """What a setting comes to: its preset, and the knobs with its overrides on top."""

    setting: Setting
    preset: Preset
    pair: KnobPair

    @property
    def knobs(self) -> Knobs:
        """Knobs for the answer."""
        return self.pair.answer


def list_presets() -> tuple[Preset | BrokenPreset, ...]:
    """Every preset in the library by name; of two of the same name the person's own, even if it is broken."""
    found: list[Preset | BrokenPreset] = []
    for name, path in sorted(names().items()):
        try:
            found.append(read_preset(path))
        except PresetError as error:
            found.append(BrokenPreset(name, path, str(error)))
    return tuple(found)


def find_preset(reference: str) -> Preset:
    """The preset of that name, or in the Modelfile or GGUF file at that path; raises PresetError."""
    return read_preset(preset_path(reference))


def reference_to(preset: Preset) -> str:
    """What names a preset from anywhere: its name in the library, else the path of its file, or of its model."""
    if preset.path is None:
        return preset.name if preset.name in names() else preset.model
    return preset.name if preset.path.parent in preset_dirs() else str(preset.path.absolute())


def has_preset(reference: str) -> bool:
    """Whether it names a preset, or a file that could be one."""
    return reference in names() or (_is_path(reference) and is_file(_expanded(reference)))


def preset_path(reference: str) -> Path:
    """The file that a name in the library, or a path, means; raises PresetError."""
    shelf = names()
    if reference in shelf:
        return shelf[reference]
    if _is_path(reference):
        return _expanded(reference)
    hint = did_you_mean(reference, shelf)
    raise PresetError(f"There is no preset {reference!r}.{hint} `twiddle presets list` shows them all.")


def reload(preset: Preset) -> Preset:
    """The preset as its files say now: the very same while none changed, and while one is broken, with a note why."""
    now = tuple(stamped(file.path) for file in preset.files)
    if preset.path is None or now == preset.files:
        return preset
    try:
        # What named a base that is gone would now name a model.
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
    try:
        return Path(reference).exists()
    except OSError:  # a name too long for any file
        return False


def resolve(setting: Setting) -> ResolvedSetting:
    """Read the preset a setting names and turn its knobs; raises PresetError."""
    preset = find_preset(setting.preset or DEFAULT)
    pair = preset.pair
    for name, value in setting.overrides:
        pair = pair.turn(name, value)
    return ResolvedSetting(setting, preset, pair)


def _expanded(reference: str) -> Path:
    if (path := expand(reference)) is None:
        raise PresetError(f"{reference!r} starts with the home folder of somebody unknown.")
    return path
