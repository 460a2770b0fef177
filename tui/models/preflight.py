"""Check of a model file before the engine loads it: llama.cpp itself has one line for every fault."""

import os
import re
from pathlib import Path

from msgspec.structs import replace

from tui.errors import ModelError
from tui.models.header import Header, HeaderFault, read_header
from tui.paths import FileFault, FileMissing, list_folder, open_regular

MAX_LAYERS = 512
"""Most layers of a model; llama.cpp ends the process at more."""

_SIGNS = (
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive, such as a PyTorch checkpoint; convert it to GGUF first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"lmgg", "an old GGML file; convert it to GGUF first"),
    (b"fmgg", "an old GGML file; convert it to GGUF first"),
    (b"tjgg", "an old GGML file; convert it to GGUF first"),
    (b"<!doctype html", "a web page; the download was answered with HTML"),
    (b"<html", "a web page; the download was answered with HTML"),
)

_NO_MODELS = {
    "mmproj": "the eyes of a model that sees, not the model; name the GGUF beside it",
    "clip": "the eyes of a model that sees, not the model; name the GGUF beside it",
    "adapter": "a LoRA adapter; name the model that it was made for, and the adapter in the knob lora",
    "imatrix": "a list of importances for quantizing, not a model",
    "vocab": "a vocabulary without a model",
}

_PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")


def check_model(path: Path) -> Header:
    """Return the header of a model file, with the tensors of all its parts.

    Raises ModelError for a file that cannot be a model, in a sentence that says what it is instead.
    """
    header = read_any_header(path)
    fault = _no_model(header, path)
    if fault:
        raise ModelError(f"The model {str(path)!r} is {fault}.")
    tensors = header.tensors
    for part in parts(path)[1:] if _is_split(header) else ():
        tensors += read_any_header(part).tensors
    return replace(header, tensors=tensors)


def read_any_header(path: Path) -> Header:
    """Return the header of a GGUF of any kind; raises ModelError."""
    try:
        with open_regular(path, _inside(path)) as file:
            _refuse_foreign(file.read(512))
            file.seek(0)
            return read_header(file, os.fstat(file.fileno()).st_size)
    except FileMissing:
        raise ModelError(f"There is no model file {str(path)!r}.") from None
    except (HeaderFault, FileFault) as fault:
        raise ModelError(f"The model {str(path)!r} {fault}.") from None
    except OSError as error:
        raise ModelError(f"The model {str(path)!r} cannot be read: {error.strerror}.") from None


def _inside(path: Path) -> str:
    """Return advice on a folder in place of a model, by what is in it."""
    names = [each.name for each in list_folder(path)]
    if models := [name for name in names if name.lower().endswith(".gguf")]:
        return f"name a model in it, such as {str(path / models[0])!r}"
    if any(name.endswith((".safetensors", ".safetensors.index.json")) for name in names):
        return "it holds safetensors, as transformers and MLX take; look for a GGUF of that model on the Hub"
    return "name a GGUF file"


def parts(path: Path) -> list[Path]:
    """Return the files of a model, in order: several where a name says `-00001-of-00003.gguf`."""
    named = _PART.fullmatch(path.name)
    if not named:
        return [path]
    count = int(named[3])
    return [path.with_name(f"{named[1]}-{place:05}-of-{count:05}.gguf") for place in range(1, count + 1)]


def _no_model(header: Header, path: Path) -> str | None:
    architecture = header.architecture
    for word in (header.text("general.type"), architecture):
        if word in _NO_MODELS:
            return _NO_MODELS[word]
    if _is_split(header):
        first, count = parts(path)[0], len(parts(path))
        if count != header.metadata["split.count"]:
            return "one part of a split model under another name; give every part the name it was published under"
        if path != first:
            return f"a later part of a split model; name the first, {first.name!r}"
    elif not header.tensors:
        return _NO_MODELS["vocab"]
    if not architecture:
        return "a GGUF that names no architecture; no engine knows what to make of it"
    layers = header.number("block_count")
    if not 0 < layers <= MAX_LAYERS:
        return f"said to have {layers:,} layers, and llama.cpp takes 1 to {MAX_LAYERS}; download it again"
    return None


def _is_split(header: Header) -> bool:
    return header.metadata.get("split.count", 1) not in (0, 1)


def _refuse_foreign(head: bytes) -> None:
    if not head:
        raise HeaderFault("is empty; download it again")
    if not head.startswith(b"GGUF"):
        raise HeaderFault(f"is not a GGUF but {_looks_like(head)}")


def _looks_like(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for sign, meaning in _SIGNS:
        if head.startswith(sign) or start.startswith(sign):
            return meaning
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file; convert it to GGUF first"
    if not head.strip(b"\0"):
        return "only zeros so far; the download was interrupted"
    return "a text file" if _is_text(head) else "some other binary file"


def _is_text(head: bytes) -> bool:
    text = head.decode(errors="ignore")
    return len(text.encode()) > len(head) - 4 and all(rune.isprintable() or rune in "\t\r\n\f" for rune in text)
