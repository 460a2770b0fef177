"""Preset library: the user's own presets, the shipped ones, any Modelfile by its path, and what a setting names."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tui.errors import PresetError, did_you_mean
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting, parse_setting
from tui.knobs.table import Knobs
from tui.models.locations import STARTER
from tui.models.reference import canonical, has_model, is_model_reference
from tui.paths import FileFault, expand, is_file, is_there, preset_dirs, read_regular
from tui.presets.preset import Preset, anchored, is_model, read_preset, with_parts
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
    """With the model in use where it names none."""
    pair: KnobPair
    model_named: bool = False
    """True if the setting names the model."""

    @property
    def whole(self) -> Preset:
        """Preset that has the overrides as its own values."""
        overrides = dict(self.setting.overrides)
        inherited = tuple(each for each in self.preset.inherited if each[0] not in overrides)
        return replace(self.preset, turned=tuple((dict(self.preset.turned) | overrides).items()), inherited=inherited)

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


def find_preset(reference: str, model: str = "") -> Preset:
    """Read the preset of that name or path, for use with a model; raises PresetError."""
    return read_preset(preset_path(reference)).on(model)


def reference_to(preset: Preset) -> str:
    """Return a reference that finds the preset again: its library name, else the path of its file."""
    if preset.path is None:
        return preset.name
    return preset.name if preset.path.parent in preset_dirs() else str(preset.path.absolute())


def has_preset(reference: str) -> bool:
    """Return True if the reference names a preset, or a file that could be one and is no model."""
    if reference in names() or reference.endswith(SUFFIX):
        return True
    path = expand(reference)
    try:
        return path is not None and is_file(path) and not is_model(path, read_regular(path, 4))
    except FileFault:
        return True


def preset_path(reference: str) -> Path:
    """Return the file of a library name or a path; raises PresetError."""
    library = names()
    if reference in library:
        return library[reference]
    if _is_path(reference):
        return _expanded(reference)
    hint = did_you_mean(reference, library)
    listed = "`twiddle presets list` and `twiddle models list` show what there is."
    raise PresetError(f"There is no preset and no model {reference!r}.{hint} {listed}")


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
        return read_preset(preset.path).on(preset.model)
    except PresetError as error:
        note = f"{preset.name} was changed and cannot be read, so its last good values are kept: {error}"
        return replace(preset, files=now, notes=(note,))


def _is_path(reference: str) -> bool:
    if "/" in reference or reference.startswith("~") or reference.lower().endswith((".gguf", SUFFIX.lower())):
        return True
    return is_there(Path(reference))


def read_setting(text: str) -> Setting:
    """Parse a setting; what names a preset or a model on this machine needs no quotes. Raises TwiddleError."""
    return parse_setting(text, lambda reference: has_preset(reference) or has_model(reference))


def resolve(setting: Setting, in_use: str = STARTER) -> ResolvedSetting:
    """Read the preset of a setting, give it its model, which may be the one in use, and apply the overrides.

    A word alone that is no preset is a model, for the default preset. Raises PresetError and KnobError.
    """
    model, reference = setting.model, setting.preset or DEFAULT
    if setting.preset and not model and not has_preset(reference) and is_model_reference(reference):
        model, reference = reference, DEFAULT
    preset = find_preset(reference, canonical(model or in_use))
    if model and not preset.any_model:
        preset = on_model(preset, canonical(model))
    pair = preset.pair
    for name, value in setting.overrides:
        pair = pair.turn(name, value)
    return ResolvedSetting(setting, preset, pair, bool(model))


def on_model(preset: Preset, model: str) -> Preset:
    """Return the preset with another model, in place of the one that it names."""
    own = anchored(preset).model
    notes = () if model == own else (f"FROM {own} is not used: the model is {model}.",)
    return with_parts(replace(preset, notes=(*preset.notes, *notes)), model=model)


def _expanded(reference: str) -> Path:
    if (path := expand(reference)) is None:
        raise PresetError(f"{reference!r} starts with the home folder of somebody unknown.")
    return path
