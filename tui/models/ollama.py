"""Reader of Ollama's own stores of models, where a manifest names the blobs that a model is made of."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from tui.errors import ModelError, did_you_mean
from tui.models.preflight import read_any_header
from tui.paths import (
    FileFault,
    FileMissing,
    data_dir,
    expand,
    home_dir,
    is_there,
    list_folder,
    open_regular,
    read_regular,
)

PREFIX = "ollama:"
SYSTEM_STORES = (Path("/usr/share/ollama/.ollama/models"), Path("/var/lib/ollama"), Path("/var/lib/ollama/models"))
"""Stores of the service: of Ollama's own installer, of Arch and of NixOS."""

_REGISTRY = "registry.ollama.ai"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_KIND = "application/vnd.ollama.image."
_LARGEST = 2**20


class _Layer(msgspec.Struct, rename="camel"):
    media_type: str = ""
    digest: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []
    config: _Layer | None = None


class _About(msgspec.Struct):
    """Configuration of a model."""

    model_format: str = ""
    remote_host: str = ""
    remote_model: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""


class OllamaModel(msgspec.Struct, frozen=True):
    """A model in a store of Ollama's, as its manifest describes it."""

    reference: str
    manifest: Path
    blobs: dict[str, tuple[Path, ...]]
    """Files by what they are: model, projector, adapter, template, system, params, messages, license, draft."""
    about: _About

    def text(self, kind: str) -> str:
        """Return the text of a part, empty where there is none; raises ModelError if it cannot be read."""
        found = self.blobs.get(kind, ())
        try:
            return read_regular(found[-1], _LARGEST).decode(errors="replace") if found else ""
        except FileFault as fault:
            raise ModelError(f"The {kind} that Ollama keeps in {str(found[-1])!r} {fault}.") from None

    def find_file(self) -> Path:
        """Return the GGUF, or the first part of a split one; raises ModelError with what it is instead."""
        for blob in (blobs := self.blobs.get("model", ())):
            _check_blob(blob, self.reference)
        if len(blobs) > 1 and (parts := _split(blobs)):
            return _linked(parts, self.reference)
        if blobs and self.about.model_format in ("", "gguf"):
            return blobs[-1]
        raise ModelError(f"{self.reference} {self._instead()}.")

    @property
    def _name(self) -> str:
        return self.reference.removeprefix(PREFIX)

    def _instead(self) -> str:
        about = self.about
        if about.remote_host or about.remote_model or re.search(r"[:-]cloud$", self.reference):
            host = about.remote_host or "ollama.com"
            return f"is a cloud model: Ollama runs it at {host}, and no file of it is on this machine"
        if about.model_format not in ("", "gguf") or "tensor" in self.blobs:
            kind = about.model_format or "safetensors"
            return f"is kept as {kind}, for Ollama's MLX engine; twiddle reads GGUF, look for one on the Hub"
        return f"names no model in {str(self.manifest)!r}; `ollama pull {self._name}` fetches it again"


def ollama_stores() -> list[Path]:
    """Return the folders of Ollama's models: OLLAMA_MODELS, else the person's and the service's."""
    chosen = os.environ.get("OLLAMA_MODELS")
    if chosen:
        return [expand(chosen) or Path(chosen)]
    return [home_dir() / ".ollama/models", *SYSTEM_STORES]


def list_ollama(faults: list[str] | None = None) -> Iterator[tuple[str, Path]]:
    """Yield every GGUF of the stores, as a reference and its file; `faults` gets a sentence for each other model."""
    faults = [] if faults is None else faults
    listed = set()
    for reference, store, manifest in _manifests(faults):
        if reference in listed:
            continue
        listed.add(reference)
        try:
            yield reference, _read(reference, store, manifest).find_file()
        except ModelError as error:
            faults.append(str(error))


def find_in_ollama(reference: str) -> Path:
    """Return the file of `ollama:NAME[:TAG]`; raises ModelError."""
    return read_ollama(reference).find_file()


def read_ollama(reference: str) -> OllamaModel:
    """Read the manifest of `ollama:NAME[:TAG]`, in capitals or not; raises ModelError."""
    place, _, last = reference.removeprefix(PREFIX).rpartition("/")
    name, _, tag = last.partition(":")
    steps = [*(place.split("/") if place else ()), name]
    if len(steps) > 3 or not _are_names(steps, tag or "latest"):
        raise ModelError(f"{reference!r} is not written like ollama:llama3.2 or ollama:llama3.2:3b.")
    where = [_REGISTRY, "library"][: 3 - len(steps)] + steps + [tag or "latest"]
    for store in ollama_stores():
        if is_there(manifest := store.joinpath("manifests", *where)):
            return _read(_reference(where), store, manifest)
    faults: list[str] = []
    known = {found: (store, manifest) for found, store, manifest in _manifests(faults)}
    for found, (store, manifest) in known.items():
        if found.lower() == _reference(where).lower():
            return _read(found, store, manifest)
    first, *others = ollama_stores()
    stores = " or ".join(repr(str(store)) for store in (first, *filter(is_there, others)))
    closed = "".join(f" {fault}" for fault in faults)
    raise ModelError(f"Ollama's store {stores} has no {reference!r}.{did_you_mean(reference, known)}{closed}")


# --- manifests ------------------------------------------------------------------------------------------------------


def _are_names(steps: list[str], tag: str) -> bool:
    host, names = (steps[:1], steps[1:]) if len(steps) == 3 else ([], steps)
    return all(map(_HOST.fullmatch, host)) and all(map(_NAME.fullmatch, (*names, tag)))


def _reference(where: list[str]) -> str:
    host, namespace, name, tag = where
    steps = (host, namespace, name) if host != _REGISTRY else (namespace, name) if namespace != "library" else (name,)
    return f"{PREFIX}{'/'.join(steps)}:{tag}"


def _manifests(faults: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """Yield reference, store and manifest of each model."""
    for store in ollama_stores():
        folders = [store / "manifests"]
        for _ in range(3):
            folders = [entry for folder in folders for entry in list_folder(folder, faults)]
        for manifest in (entry for folder in folders for entry in list_folder(folder, faults)):
            if not manifest.name.startswith("."):
                yield _reference(list(manifest.relative_to(store / "manifests").parts)), store, manifest


def _read(reference: str, store: Path, manifest: Path) -> OllamaModel:
    try:
        read = msgspec.json.decode(read_regular(manifest, _LARGEST), type=_Manifest)
    except (FileFault, msgspec.DecodeError) as error:
        fault = str(error) if isinstance(error, FileFault) else f"cannot be read: {error}"
        raise ModelError(f"Ollama's manifest {str(manifest)!r} {fault}.") from None
    blobs: dict[str, tuple[Path, ...]] = {}
    for layer in read.layers:
        kind = layer.media_type.removeprefix(_KIND).replace("prompt", "template")
        if blob := _blob(store, layer.digest):
            blobs[kind] = (*blobs.get(kind, ()), blob)
    about = _About()
    config = _blob(store, read.config.digest) if read.config else None
    with suppress(FileFault, msgspec.DecodeError):
        about = msgspec.json.decode(read_regular(config, _LARGEST), type=_About) if config else about
    return OllamaModel(reference, manifest, blobs, about)


def _blob(store: Path, digest: str) -> Path | None:
    found = _DIGEST.fullmatch(digest)
    # Before 2024 Ollama wrote a colon.
    names = (f"sha256-{found[1]}", f"sha256:{found[1]}") if found else ()
    there = [store / "blobs" / name for name in names]
    return next((blob for blob in there if is_there(blob)), there[0] if there else None)


def _check_blob(blob: Path, reference: str) -> None:
    try:
        open_regular(blob).close()
    except FileMissing:
        remedy = f"`ollama pull {reference.removeprefix(PREFIX)}` fetches it again"
        raise ModelError(f"{reference} lacks its file {str(blob)!r}; {remedy}.") from None
    except (FileFault, OSError) as fault:
        raise ModelError(f"{reference}: its file {str(blob)!r} {fault}.") from None


# --- split models ---------------------------------------------------------------------------------------------------


def _split(blobs: tuple[Path, ...]) -> dict[int, Path]:
    """Return the parts of a split model by their number; nothing if they are models on their own, or not all there."""
    parts, count = {}, 0
    for blob in blobs:
        said = read_any_header(blob).metadata
        number, count = said.get("split.no"), said.get("split.count", 0)  # type: ignore[assignment]
        if isinstance(number, int):
            parts[number] = blob
    return parts if len(parts) == count else {}


def _linked(parts: dict[int, Path], reference: str) -> Path:
    """Give the parts the names by which llama.cpp finds them, by links in our own folder; return the first."""
    folder = data_dir() / "ollama" / parts[0].name.replace(":", "-")
    names = {folder / f"part-{number + 1:05}-of-{len(parts):05}.gguf": blob for number, blob in parts.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, blob in names.items():
            if not is_there(name):
                name.unlink(missing_ok=True)
                name.symlink_to(blob)
    except OSError as error:
        raise ModelError(
            f"{reference} is split into {len(parts)} files that need links in {str(folder)!r}: {error.strerror}."
        ) from None
    return min(names)
