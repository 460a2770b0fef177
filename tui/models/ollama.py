"""Reader of Ollama's own store of models, where a manifest names the blob that is the GGUF."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui.errors import ModelError, did_you_mean
from tui.paths import expand

PREFIX = "ollama:"
_REGISTRY = "registry.ollama.ai"
_MODEL = "application/vnd.ollama.image.model"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_LARGEST = 2**20


class _Layer(msgspec.Struct, rename="camel"):
    media_type: str
    digest: str


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []


def ollama_store() -> Path:
    """Return the folder of Ollama's models: OLLAMA_MODELS, else the person's, else the system's."""
    chosen = os.environ.get("OLLAMA_MODELS")
    own, system = Path.home() / ".ollama/models", Path("/usr/share/ollama/.ollama/models")
    if chosen:
        return expand(chosen) or Path(chosen)
    return own if own.is_dir() or not system.is_dir() else system


def list_ollama() -> Iterator[tuple[str, Path]]:
    """Yield every model of the store, as a reference and its file."""
    manifests = ollama_store() / "manifests"
    for path in sorted(manifests.glob("*/*/*/*")):
        host, namespace, name, tag = path.relative_to(manifests).parts
        steps = (() if host == _REGISTRY else (host,)) + (() if namespace == "library" else (namespace,)) + (name,)
        try:
            yield f"{PREFIX}{'/'.join(steps)}:{tag}", _blob(path)
        except ModelError:
            continue  # half pulled, or no GGUF: Ollama's business


def find_in_ollama(reference: str) -> Path:
    """Return the file of `ollama:NAME[:TAG]`; raises ModelError."""
    name, _, tag = reference.removeprefix(PREFIX).partition(":")
    steps = name.split("/")
    if len(steps) > 3 or not all(_NAME.fullmatch(step) for step in (*steps, tag or "latest")):
        raise ModelError(f"{reference!r} is not written like ollama:llama3.2 or ollama:llama3.2:3b.")
    where = [_REGISTRY, "library"][: 3 - len(steps)] + steps
    manifest = ollama_store().joinpath("manifests", *where, tag or "latest")
    if not manifest.is_file():
        known = [found for found, _ in list_ollama()]
        raise ModelError(
            f"Ollama's store {str(ollama_store())!r} has no {reference!r}.{did_you_mean(reference, known)}"
        )
    return _blob(manifest)


def _blob(manifest: Path) -> Path:
    try:
        with manifest.open("rb") as file:
            layers = msgspec.json.decode(file.read(_LARGEST), type=_Manifest).layers
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"Ollama's manifest {str(manifest)!r} cannot be read: {error}.") from None
    for layer in layers:
        digest = _DIGEST.fullmatch(layer.digest)
        if layer.media_type == _MODEL and digest:
            blob = ollama_store() / "blobs" / f"sha256-{digest[1]}"
            if blob.is_file():
                return blob
    raise ModelError(f"Ollama's manifest {str(manifest)!r} names no model that is there; pull it again with Ollama.")
