"""GGUF files for tests, written field by field so that each can be written wrong."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Pair = tuple[str, bytes]
NUMBERS = {"B": 0, "b": 1, "H": 2, "h": 3, "I": 4, "i": 5, "f": 6, "?": 7, "Q": 10, "q": 11, "d": 12}


def text(value: str | bytes, length: int | None = None) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw) if length is None else length) + raw


def number(value: float, kind: str = "I") -> bytes:
    """A number with its type before it."""
    return struct.pack("<I" + kind, NUMBERS[kind], value)


def string(value: str | bytes) -> bytes:
    """A text with its type before it."""
    return struct.pack("<I", 8) + text(value)


def array(values: Sequence[Any], kind: str = "s") -> bytes:
    """A list with its types before it."""
    if kind == "s":
        return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))
    return struct.pack(f"<IIQ{len(values)}{kind}", 9, NUMBERS[kind], len(values), *values)


def tensor(name: str, shape: Sequence[int], offset: int, type: int = 0, dimensions: int | None = None) -> bytes:
    """The description of a tensor; of type F32 unless told."""
    count = len(shape) if dimensions is None else dimensions
    return text(name) + struct.pack(f"<I{len(shape)}qiQ", count, *shape, type, offset)


def gguf(
    pairs: Iterable[Pair] = (),
    tensors: Iterable[bytes] = (),
    data: int = 0,
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    counts: tuple[int | None, int | None] = (None, None),
    alignment: int = 32,
) -> bytes:
    """A whole file with so many bytes of data."""
    entries, infos = list(pairs), list(tensors)
    told_tensors, told_pairs = counts
    n_tensors = len(infos) if told_tensors is None else told_tensors
    n_pairs = len(entries) if told_pairs is None else told_pairs
    head = magic + struct.pack("<IQQ", version, n_tensors, n_pairs)
    head += b"".join(text(key) + value for key, value in entries) + b"".join(infos)
    return head + bytes(-len(head) % alignment) + bytes(data)


LLAMA: tuple[Pair, ...] = (
    ("general.architecture", string("llama")),
    ("general.name", string("Tiny")),
    ("llama.block_count", number(1)),
    ("llama.context_length", number(2048)),
    ("llama.embedding_length", number(8)),
    ("llama.feed_forward_length", number(16)),
    ("llama.attention.head_count", number(2)),
    ("llama.attention.head_count_kv", number(1)),
    ("tokenizer.ggml.tokens", array(["a", "b"])),
)
TENSORS = (tensor("token_embd.weight", [8, 2], 0), tensor("blk.0.attn_q.weight", [8, 8], 64))
DATA = 64 + 256


def tiny(*pairs: Pair) -> bytes:
    """A file that could be a model of two tensors, with more metadata, or other values for what it has."""
    return gguf({**dict(LLAMA), **dict(pairs)}.items(), TENSORS, DATA)


def write(path: Path, *pairs: Pair) -> Path:
    """A tiny model at a path; its folder is made too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tiny(*pairs))
    return path
