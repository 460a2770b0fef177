"""Stores of Ollama's for tests: manifests, and blobs by their digests."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.gguf import tiny

KIND = "application/vnd.ollama.image."
LIBRARY = "registry.ollama.ai/library"


def blob(store: Path, content: Any) -> str:
    """Write a blob and return its digest; what is no text and no bytes is written as JSON."""
    raw = content if isinstance(content, str | bytes) else json.dumps(content)
    raw = raw.encode() if isinstance(raw, str) else raw
    digest = sha256(raw).hexdigest()
    path = store / "blobs" / f"sha256-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return f"sha256:{digest}"


def keep(
    store: Path,
    name: str = f"{LIBRARY}/pirate/latest",
    parts: Iterable[tuple[str, Any]] | Mapping[str, Any] = (),
    about: Mapping[str, Any] = {},
    model: bytes | None = tiny(),
) -> Path:
    """Keep a model with its parts under a name, and return its GGUF; without a model, its manifest."""
    layers = [("model", model)] if model else []
    layers += parts.items() if isinstance(parts, Mapping) else parts
    written = [{"mediaType": KIND + kind, "digest": blob(store, content), "size": 1} for kind, content in layers]
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": blob(store, dict(about))}
    manifest = store / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "config": config, "layers": written}))
    return store / "blobs" / str(written[0]["digest"]).replace(":", "-") if model else manifest
