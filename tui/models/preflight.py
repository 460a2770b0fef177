"""A look at a model file before the engine is asked to load it: llama.cpp's own answer is one line for every fault."""

import stat
from pathlib import Path

from tui.errors import ModelError

VERSIONS = (2, 3)
"""The GGUF versions that llama.cpp reads."""

_HEADER = 24
"""Bytes: magic, version, and the counts of tensors and metadata."""

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


def check_model(path: Path) -> None:
    """Refuse what cannot be a model, in a sentence that says what it is instead; raises ModelError."""
    try:
        status = path.stat()
        # Opening a FIFO would wait for a writer that never comes.
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"The model {str(path)!r} is {_kind(status.st_mode)}; name a GGUF file.")
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise ModelError(f"There is no model file {str(path)!r}.") from None
    except PermissionError:
        raise ModelError(f"The model {str(path)!r} may not be read by you; check its permissions.") from None
    except OSError as error:
        raise ModelError(f"The model {str(path)!r} cannot be read: {error.strerror}.") from None
    fault = _fault(head)
    if fault:
        raise ModelError(f"The model {str(path)!r} is {fault}.")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "not a plain file"


def _fault(head: bytes) -> str | None:
    if not head:
        return "empty; download it again"
    if not head.startswith(b"GGUF"):
        return f"not a GGUF but {_looks_like(head)}"
    if len(head) < _HEADER:
        return "cut off in its first bytes; download it again"
    version = int.from_bytes(head[4:8], "little")
    if version in VERSIONS:
        return None
    if int.from_bytes(head[4:8], "big") in VERSIONS:
        return "a big-endian GGUF, made for another kind of machine; get the little-endian one"
    return f"a GGUF of version {version}; versions {' and '.join(map(str, VERSIONS))} can be read"


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
