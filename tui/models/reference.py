"""Search for the file that FROM names on this machine. Nothing here connects to anything."""

from pathlib import Path

from tui.errors import ModelError, did_you_mean
from tui.models.hub import HubReference, choose_file, parse_hub
from tui.models.locations import STARTER, find_repo_folders, list_model_files, starter
from tui.models.ollama import PREFIX, find_in_ollama, list_ollama
from tui.models.preflight import check_model
from tui.paths import current_dir, expand
from tui.terminal import without_controls

__all__ = ["STARTER", "find_model"]


def find_model(reference: str, folder: Path | None = None) -> Path:
    """Return the GGUF that a FROM names, its header checked; raises ModelError.

    A reference is `starter`, a path, `hf.co/USER/REPO[:QUANT]`, `ollama:NAME[:TAG]`, or the name of a file in one of
    the folders of models. A relative path starts at `folder`, that of the Modelfile, then at the working directory.
    """
    path = _find(reference, folder)
    check_model(path)
    return path


def reference_for(name: str) -> str:
    """Return the reference by which FROM finds a model of that name, Ollama's included; raises ModelError."""
    for reference in (name, f"{PREFIX}{name}"):
        try:
            find_model(reference)
        except ModelError:
            continue
        return reference
    raise ModelError(f"There is no model {name!r} on this machine.")


def _find(reference: str, folder: Path | None) -> Path:
    if reference == STARTER:
        return starter()
    if not reference or without_controls(reference) != reference:
        raise ModelError(f"FROM {reference!r} names no model; write FROM starter, or the path of a GGUF file.")
    if reference.startswith(PREFIX):
        return find_in_ollama(reference)
    hub = parse_hub(reference)
    return _from_hub(hub) if hub else _file(reference, folder)


def _from_hub(reference: HubReference) -> Path:
    fault = None
    for folder, names in find_repo_folders(reference):
        try:
            return folder / choose_file(reference, names)
        except ModelError as error:
            fault = fault or error
    if fault and not reference.tag:
        raise fault
    raise ModelError(f"{reference} is not on this machine yet; fetch it with `twiddle models pull {reference}`.")


def _file(reference: str, folder: Path | None) -> Path:
    path = expand(reference)
    if path is None:
        raise ModelError(f"FROM {reference!r} starts with the home folder of somebody unknown.")
    places = [start / path for start in (folder, current_dir()) if start]
    try:
        for place in places:
            if place.exists():
                # The name is kept where it is a link: a split model is found by the names of its parts.
                return place.parent.resolve() / place.name
    except OSError as error:
        raise ModelError(f"FROM {reference!r} cannot be reached: {error.strerror}.") from None
    return _named(reference, places[0])


def _named(reference: str, place: Path) -> Path:
    known: dict[str, Path] = {}
    for found in list_model_files() if "/" not in reference else ():
        known.setdefault(found.path.name.lower(), found.path)
    name = f"{reference.lower().removesuffix('.gguf')}.gguf"
    if name in known:
        return known[name]
    if "/" in reference or reference.endswith(".gguf"):
        near = did_you_mean(place.name, {path.name for path in place.parent.glob("*.gguf")} | known.keys())
        raise ModelError(f"There is no model file {str(place)!r}.{near}")
    tagged = reference if ":" in reference else f"{reference}:latest"
    if f"{PREFIX}{tagged}" in (there for there, _ in list_ollama()):
        raise ModelError(f"FROM {reference!r} is a model of Ollama's; write FROM {PREFIX}{reference}.")
    near = did_you_mean(name, known)
    raise ModelError(
        f"FROM {reference!r} is neither starter nor a file in {str(place.parent)!r}; write the path of a GGUF, or "
        f"hf.co/USER/REPO; `twiddle models list` names what is here.{near}"
    )
