"""Where Modelfiles lie, and which of them a name means."""

import re
from pathlib import Path

from msgspec import Struct

from tui.errors import PresetError
from tui.models.locations import STARTER
from tui.paths import expand, preset_dirs

SUFFIX = ".Modelfile"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class FileStamp(Struct, frozen=True):
    """A file as it was when it was read."""

    path: Path
    modified: int
    """Nanoseconds, as the file system counts; 0 when there was no file."""
    size: int


def stamped(path: Path) -> FileStamp:
    """The file as it is now."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return FileStamp(path, 0, 0)
    return FileStamp(path, state.st_mtime_ns, state.st_size)


def names() -> dict[str, Path]:
    """The presets in the library: of two of the same name the person's own."""
    shelf: dict[str, Path] = {}
    for folder in preset_dirs():
        for path in folder.glob(f"*{SUFFIX}"):
            shelf.setdefault(name_of(path), path)
    return shelf


def name_of(path: Path) -> str:
    """What the preset in a Modelfile is called."""
    return path.name.removesuffix(SUFFIX)


def own_path(name: str) -> Path:
    """Where the person's own preset of that name lies, or would; raises PresetError for what is no name."""
    if not _NAME.fullmatch(name) or name == STARTER or name.endswith((SUFFIX, ".gguf")):
        raise PresetError(
            f"{name!r} cannot name a preset; write up to 64 letters, digits, hyphens and dots, such as my-preset."
        )
    return preset_dirs()[0] / f"{name}{SUFFIX}"


def base_path(reference: str, path: Path) -> Path | None:
    """The Modelfile that a FROM in the Modelfile at `path` names; None when it names a model.

    A preset is named by the path of its Modelfile, or by its name: one in the same folder comes first, then the
    library. A preset that names itself means the next of that name, so that an own `precise` can build on the shipped
    one; when there is no other, it is the file itself.
    """
    if reference == STARTER or not reference.isprintable():
        return None
    if "/" in reference or reference.startswith("~"):
        return _by_path(reference, path)
    if not _NAME.fullmatch(reference) or is_file(path.parent / reference):
        return None  # as Ollama has it, a file of that name is the model
    named = [folder / f"{reference}{SUFFIX}" for folder in (path.parent, *preset_dirs())]
    found = [place for place in named if is_file(place) or place == path]  # which may be about to be written
    return next((place for place in found if not _same(place, path)), found[0] if found else None)


def _by_path(reference: str, path: Path) -> Path | None:
    if not reference.lower().endswith("modelfile"):
        return None
    found = expand(reference)
    return path.parent / found if found and is_file(path.parent / found) else None


def is_file(path: Path) -> bool:
    """Whether there is a plain file; what cannot be a path is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for any file, a NUL
        return False


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
