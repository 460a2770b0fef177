"""Search for the file that a model reference names on this machine. Nothing here connects to anything."""

import re
from pathlib import Path
from urllib.parse import unquote

from tui.errors import ModelError, did_you_mean
from tui.models.hub import HubReference, choose_file, parse_bare, parse_hub
from tui.models.locations import STARTER, find_repo_folders, list_model_files, starter
from tui.models.ollama import PREFIX, find_in_ollama, read_ollama
from tui.models.preflight import check_model
from tui.paths import current_dir, expand, is_file, list_folder
from tui.terminal import without_controls

__all__ = ["STARTER", "find_model"]

_FILE_ADDRESS = re.compile(r"(?i)file:(?://(?:localhost)?)?")
_OLLAMA_PAGE = re.compile(r"(?i)(?:https?://)?(?:www\.)?ollama\.com/(?:library/)?")
_GGUF = re.compile(r"(?i)\.gguf$")


def find_model(reference: str, folder: Path | None = None) -> Path:
    """Return the GGUF that a reference names, its header checked; raises ModelError.

    A reference is `starter`, a path, `[hf.co/]USER/REPO[:QUANT]`, `[ollama:]NAME[:TAG]`, the address of a model page,
    or the name of a file in one of the folders of models. A relative path starts at `folder`, that of the Modelfile,
    then at the working directory.
    """
    path = _find(_tidy(reference), folder)
    check_model(path)
    return path


def has_model(reference: str) -> bool:
    """Return True if the reference names a file on this machine; it may turn out to be no model."""
    try:
        return _find(_tidy(reference), None).is_file()
    except ModelError:
        return False


def is_model_reference(text: str) -> bool:
    """Return True for a model on this machine, and for a text that can name nothing but a model."""
    try:
        hub = parse_hub(text) or parse_bare(text)
    except ModelError:
        return True
    return hub is not None or ":" in text or _GGUF.search(text) is not None or has_model(text)


def canonical(reference: str) -> str:
    """Return the spelling of a reference that holds in every folder and that titles and stored chats have."""
    text = _tidy(reference)
    try:
        hub = parse_hub(text)
    except ModelError:
        return text
    if hub or text == STARTER or text.startswith(PREFIX):
        return str(hub or text)
    path = expand(text)
    if path and is_file(path):
        return str(path.absolute())
    return text if _local(text) else in_ollama(text) or str(parse_bare(text) or text)


def in_ollama(name: str) -> str:
    """Return the reference to a model of that name in Ollama's store; empty if there is none."""
    try:
        return read_ollama(f"{PREFIX}{name}").reference
    except ModelError:
        return ""


def _tidy(reference: str) -> str:
    """Return the reference in an address of a file or of a page of Ollama's, and any other one as it is."""
    text = reference.strip()
    if text == f"{STARTER}:latest":
        return STARTER
    if address := _FILE_ADDRESS.match(text):
        return unquote(text[address.end() :])
    return _OLLAMA_PAGE.sub(PREFIX, text, count=1) if _OLLAMA_PAGE.match(text) else text


def _find(reference: str, folder: Path | None) -> Path:
    if reference == STARTER:
        return starter()
    if not reference or without_controls(reference) != reference:
        raise ModelError(f"{reference!r} names no model; write starter, or the path of a GGUF file.")
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
    if stored := in_ollama(str(reference)):
        return find_in_ollama(stored)
    raise ModelError(f"{reference} is not on this machine yet; fetch it with `twiddle models pull {reference}`.")


def _file(reference: str, folder: Path | None) -> Path:
    path = expand(reference)
    if path is None:
        raise ModelError(f"{reference!r} starts with the home folder of somebody unknown.")
    places = [start / path for start in (folder, current_dir()) if start]
    try:
        for place in places:
            if place.exists():
                # The name is kept where it is a link: a split model is found by the names of its parts.
                return place.parent.resolve() / place.name
    except OSError as error:
        raise ModelError(f"The model {reference!r} cannot be reached: {error.strerror}.") from None
    return _named(reference, places[0])


def _named(reference: str, place: Path) -> Path:
    if found := _local(reference):
        return found
    if stored := in_ollama(reference):
        return find_in_ollama(stored)
    if hub := parse_bare(reference):
        return _from_hub(hub)
    known = {found.path.name for found in list_model_files()} if "/" not in reference else set()
    if "/" in reference or _GGUF.search(reference):
        beside = {path.name for path in list_folder(place.parent) if _GGUF.search(path.name)}
        raise ModelError(f"There is no model file {str(place)!r}.{did_you_mean(place.name, beside | known)}")
    near = did_you_mean(f"{reference}.gguf", known)
    raise ModelError(
        f"There is no model {reference!r}: it is neither starter nor a file in {str(place.parent)!r}; write the path "
        f"of a GGUF, or hf.co/USER/REPO; `twiddle models list` names what is here.{near}"
    )


def _local(name: str) -> Path | None:
    """Return the file of that name in one of the folders of models."""
    wanted = _GGUF.sub("", name).lower()
    found = (each.path for each in (list_model_files() if "/" not in name else ()))
    return next((path for path in found if _GGUF.sub("", path.name).lower() == wanted), None)
