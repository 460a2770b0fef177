"""Preset paths: the folders of Modelfiles, and the file that a name refers to."""

import re
from pathlib import Path

from msgspec import Struct

from tui.errors import PresetError
from tui.models.locations import STARTER
from tui.paths import expand, is_file, list_folder, preset_dirs
from tui.terminal import without_controls

SUFFIX = ".Modelfile"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class FileStamp(Struct, frozen=True):
    """Modification time and size of a file when it was read."""

    path: Path
    modified: int
    """Modification time in nanoseconds; 0 if there was no file."""
    size: int


def stamped(path: Path) -> FileStamp:
    """Return the current stamp of a file."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return FileStamp(path, 0, 0)
    return FileStamp(path, state.st_mtime_ns, state.st_size)


def names(faults: list[str] | None = None) -> dict[str, Path]:
    """Return the files of all presets in the library by name; the user's own come before shipped ones.

    `faults` gets a sentence for a folder that is closed.
    """
    found: dict[str, Path] = {}
    for folder in preset_dirs():
        for path in list_folder(folder, faults):
            if path.name.endswith(SUFFIX):
                found.setdefault(name_of(path), path)
    return found


def name_of(path: Path) -> str:
    """Return the name of the preset in a Modelfile."""
    return path.name.removesuffix(SUFFIX)


def own_path(name: str) -> Path:
    """Return the path of the user's own preset of that name, existing or not; raises PresetError for a bad name."""
    if not _NAME.fullmatch(name) or name == STARTER or name.endswith((SUFFIX, ".gguf")):
        raise PresetError(
            f"{name!r} cannot name a preset; write up to 64 letters, digits, hyphens and dots, such as my-preset."
        )
    return preset_dirs()[0] / f"{name}{SUFFIX}"


def base_path(reference: str, path: Path) -> Path | None:
    """Return the Modelfile that FROM refers to in the Modelfile at `path`; None if it names a model.

    A preset is given by path or by name: the same folder comes first, then the library. A preset that names itself
    refers to the next of that name, so that the user's `precise` can be based on the shipped one; if there is no
    other, to itself.
    """
    if reference == STARTER or without_controls(reference) != reference:
        return None
    if "/" in reference or reference.startswith("~"):
        return _by_path(reference, path)
    if not _NAME.fullmatch(reference) or is_file(path.parent / reference):
        return None  # as Ollama has it, a file of that name is the model
    named = [folder / f"{reference}{SUFFIX}" for folder in (path.parent, *preset_dirs())]
    found = [each for each in named if is_file(each) or each == path]  # `path` may not be saved yet
    return next((each for each in found if each.resolve() != path.resolve()), found[0] if found else None)


def _by_path(reference: str, path: Path) -> Path | None:
    if not reference.lower().endswith("modelfile"):
        return None
    found = expand(reference)
    return path.parent / found if found and is_file(path.parent / found) else None
