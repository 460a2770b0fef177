"""Facts about a model file, in the words of people who use models."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from tui.knobs.table import Knobs
from tui.models.header import Header, HeaderArray, Tensor, Value, read_entry
from tui.models.hub import quantization
from tui.models.memory import MemoryEstimate, estimate, weights_as
from tui.models.preflight import check_model, parts
from tui.models.quantization import FILE_TYPES

PRECISIONS = ("f32", "f16", "bf16", "q8_0", "q4_0")
"""The precisions that a model is commonly kept in."""

_INSTRUCT = re.compile(r"(?i)instruct|\bchat\b|[-_. ](?:it|chat|rlhf|dpo|sft)\b|assistant")
_BASE = re.compile(r"(?i)\b(?:base|pretrain\w*|pt)\b")

_SHAPE = {
    "layers": "block_count",
    "width": "embedding_length",
    "attention heads": "attention.head_count",
    "key and value heads": "attention.head_count_kv",
    "feed-forward": "feed_forward_length",
    "experts": "expert_count",
    "experts at a time": "expert_used_count",
    "sliding window": "attention.sliding_window",
    "context": "context_length",
}


class TensorGroup(Struct, frozen=True):
    """The tensors of one type."""

    type: str
    tensors: int
    numbers: int
    size: int
    """Bytes."""


class Tokenizer(Struct, frozen=True):
    """The tokenizer of a model; `special` maps a role such as bos to the spelling of its token."""

    model: str
    tokens: int
    merges: int
    special: dict[str, str]


class ModelFacts(Struct, frozen=True, kw_only=True):
    """Facts about a model file. Sizes are in bytes; `memory` is what it takes with the knobs that were asked for."""

    path: Path
    size: int
    version: int
    alignment: int
    name: str
    architecture: str
    quantization: str
    parameters: int
    trained: Literal["instruct", "base"]
    """`instruct` if it was trained to answer, `base` if only to continue a text."""
    licence: str
    shape: dict[str, int]
    tensor_groups: tuple[TensorGroup, ...] = field(name="kinds")
    """Largest first."""
    tokenizer: Tokenizer
    template: str
    memory: MemoryEstimate
    precisions: dict[str, int]
    """Bytes of the weights in other precisions."""
    metadata: dict[str, str]
    notes: tuple[str, ...]


def read_facts(path: Path, knobs: Knobs) -> ModelFacts:
    """Return the facts about a model file; raises ModelError for a file that cannot be a model."""
    header = check_model(path)
    return ModelFacts(
        path=path,
        size=size_of(path),
        version=header.version,
        alignment=header.alignment,
        name=header.text("general.name") or path.stem,
        architecture=header.architecture,
        quantization=quantization_of(header, path),
        parameters=header.parameters,
        trained=training_of(header, path),
        licence=header.text("general.license.name") or header.text("general.license") or "not said",
        shape={word: header.number(key) for word, key in _SHAPE.items() if header.number(key)},
        tensor_groups=_kinds(header.tensors),
        tokenizer=_tokenizer(header, path),
        template=header.text("tokenizer.chat_template"),
        memory=estimate(header, knobs),
        precisions={kind: weights_as(header, kind) for kind in PRECISIONS},
        metadata={key: _show(value) for key, value in header.metadata.items() if key != "tokenizer.chat_template"},
        notes=header.notes,
    )


def size_of(path: Path) -> int:
    """Return the bytes of a model on the disk, all its parts together."""
    return sum(part.stat().st_size for part in parts(path) if part.is_file())


def quantization_of(header: Header, path: Path) -> str:
    """Return the quantization that the file name says, else the metadata, else that of most tensors."""
    said = header.metadata.get("general.file_type")
    known = FILE_TYPES.get(said, "") if isinstance(said, int) else ""
    kinds = _kinds(header.tensors)
    return quantization(path.name) or known or (kinds[0].type if kinds else "")


def training_of(header: Header, path: Path) -> Literal["instruct", "base"]:
    """Return what a model was trained for, as its file name and metadata say; without a template, to go on."""
    says = " ".join([path.stem, *(header.text(f"general.{key}") for key in ("name", "finetune", "basename"))])
    if _INSTRUCT.search(says):
        return "instruct"
    # A template alone is weak evidence, but a base model that says so is no chat model.
    return "base" if _BASE.search(says) or not header.text("tokenizer.chat_template") else "instruct"


def _kinds(tensors: tuple[Tensor, ...]) -> tuple[TensorGroup, ...]:
    by_type: defaultdict[str, list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        by_type[tensor.type].append(tensor)
    kinds = (
        TensorGroup(name, len(same), sum(tensor.elements for tensor in same), sum(tensor.size for tensor in same))
        for name, same in by_type.items()
    )
    return tuple(sorted(kinds, key=lambda kind: -kind.size))


def _tokenizer(header: Header, path: Path) -> Tokenizer:
    special = {}
    for role in ("bos", "eos", "eot", "unknown", "padding"):
        token = header.metadata.get(f"tokenizer.ggml.{role}_token_id")
        if isinstance(token, int) and 0 <= token < header.count("tokenizer.ggml.tokens"):
            special[role] = _entry(header.metadata["tokenizer.ggml.tokens"], token, path)
    kind = [header.text(f"tokenizer.ggml.{part}") for part in ("model", "pre")]
    return Tokenizer(
        model=" / ".join(filter(None, kind)) or "none",
        tokens=header.count("tokenizer.ggml.tokens"),
        merges=header.count("tokenizer.ggml.merges"),
        special=special,
    )


def _entry(entries: Value, place: int, path: Path) -> str:
    if isinstance(entries, HeaderArray):
        with path.open("rb") as file:
            return read_entry(file, path.stat().st_size, entries, place)
    assert isinstance(entries, tuple)
    return str(entries[place])


def _show(value: Value) -> str:
    if isinstance(value, HeaderArray):
        return f"{value.count:,} {value.kind}s"
    if isinstance(value, tuple):
        shown = ", ".join(map(str, value[:8]))
        return f"{shown}, ... ({len(value):,} in all)" if len(value) > 8 else shown
    return str(value)
