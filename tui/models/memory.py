"""Memory that a model takes, estimated from its header: weights, KV cache, and what is computed between them.

Shapes follow llama.cpp (llama-kv-cache.cpp, llama-hparams.cpp of the pinned version) for a context opened as
`tui.engine.llama` does it: one cache for all sequences, n_batch = n_ubatch. Its layers with a sliding window get a
cache for the whole context too (`swa_full` is on unless told otherwise).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct, field

from tui.errors import ModelError
from tui.knobs.load_knobs import attention_mode
from tui.knobs.table import Knobs
from tui.models.free_memory import FreeMemory, measure_memory
from tui.models.header import Header
from tui.models.preflight import check_model
from tui.models.quantization import BY_NAME

SEQUENCES = 48
"""Sequences of the engine's context: forty for replies, hypotheses and candidates, eight for prefixes to reuse."""

AUTO_CONTEXT = 8192
"""The largest context taken unasked: a model's own can be 128k tokens, whose cache would fill the memory."""

SLACK = 1.1
"""A model is refused when it takes this much more than is free: an estimate can be wrong, and other programs shrink."""

_TOKEN, _MERGE = 160, 110
"""Bytes that llama.cpp's tables take for an entry of the vocabulary and for a merge; measured."""


class MemoryEstimate(Struct, frozen=True):
    """Bytes that a model takes while it writes a reply."""

    weights: int
    cache: int
    compute: int
    """Activations of a batch, logits of every sequence, and the tables of the tokenizer."""
    reserved: int
    """Logits of a whole batch: on a GPU they are there, in main memory they are only set aside and never touched."""
    context: int
    """Tokens that the KV cache holds."""
    layers: int

    @property
    def total(self) -> int:
        """Bytes of main memory."""
        return self.weights + self.cache + self.compute


class MemoryVerdict(Struct, frozen=True):
    """The place where a model can run, the layers that the GPU takes, and a sentence that says so."""

    place: Literal["gpu", "split", "cpu", "none"]
    layers: int
    sentence: str = field(name="says")


def show_size(count: float) -> str:
    """Return a number of bytes as people say it: `14.2 GB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        del units[0]
    return f"{count:.0f} {units[0]}" if count >= 100 or units[0] == "bytes" else f"{count:.1f} {units[0]}"


def estimate(header: Header, knobs: Knobs) -> MemoryEstimate:
    """Return the memory that a model takes with these knobs; the header is one that `check_model` let through.

    It comes within 15 % of what the starter model really adds to the resident memory of a process (tests/models).
    """
    context = knobs.num_ctx or min(header.number("context_length", AUTO_CONTEXT), AUTO_CONTEXT)
    context = -(-context // 256) * 256
    batch = max(SEQUENCES, min(knobs.num_batch, context))
    vocabulary = header.count("tokenizer.ggml.tokens") or header.number("vocab_size")
    return MemoryEstimate(
        weights=header.weights,
        cache=_cache(header, knobs, context) + SEQUENCES * _state(header),
        compute=_compute(header, knobs, context, batch, vocabulary),
        reserved=4 * vocabulary * (batch - SEQUENCES),
        context=context,
        layers=header.number("block_count"),
    )


def weights_as(header: Header, kind: str) -> int:
    """Return the bytes of the weights with every matrix stored as this tensor type; vectors are always F32."""
    bits = BY_NAME[kind.upper()].bits
    return sum(round(tensor.elements * (bits if len(tensor.shape) > 1 else 32) / 8) for tensor in header.tensors)


def verdict(memory: MemoryEstimate, room: FreeMemory) -> MemoryVerdict:
    """Return where a model can run on a machine with this memory."""
    if _needs(memory.total) > room.free + room.gpu:
        return MemoryVerdict("none", 0, f"does not fit: {_too_large(memory, room)}")
    there = memory.total + memory.reserved
    if there <= room.gpu:
        return MemoryVerdict("gpu", memory.layers, f"fits in the GPU: {show_size(there)} of {show_size(room.gpu)}")
    layer = (memory.weights + memory.cache) / max(memory.layers, 1)
    layers = int((room.gpu - memory.compute - memory.reserved) / layer) if layer else 0
    if layers > 0:
        return MemoryVerdict(
            "split", layers, f"split: the GPU takes {layers} of {memory.layers} layers (num_gpu {layers})"
        )
    return MemoryVerdict("cpu", 0, f"CPU only: {show_size(memory.total)} of the {show_size(room.free)} that are free")


def refuse_if_too_large(header: Header, knobs: Knobs, room: FreeMemory | None) -> None:
    """Raise ModelError, with the numbers, for a model that would drive this machine into the ground.

    Weights that are mapped are copies of a file and can be let go of again; yet a model whose weights are read from
    the disk for every token is no use to anybody. So it is refused when weights, cache and compute together take a
    tenth more than what is free. Where the memory cannot be told, nothing is refused.
    """
    memory = estimate(header, knobs)
    if room and _needs(memory.total) > room.free + room.gpu:
        raise ModelError(f"The model does not fit into memory: {_too_large(memory, room)}.")


class ModelLoad(Protocol):
    """A model to be loaded."""

    @property
    def path(self) -> str:
        """Path of its file."""

    @property
    def knobs(self) -> Knobs:
        """Knobs it is loaded with."""


SizedLoad = tuple[ModelLoad, MemoryEstimate]
"""A model to be loaded, and the memory it takes."""


def refuse_together(wanted: Iterable[ModelLoad], loaded: Iterable[ModelLoad]) -> None:
    """Raise ModelError, with the numbers, for models that do not fit beside those that are loaded."""
    refuse_beside(_sized(wanted), _sized(loaded), measure_memory())


def refuse_beside(wanted: Sequence[SizedLoad], loaded: Sequence[SizedLoad], room: FreeMemory | None) -> None:
    """Raise ModelError as `refuse_together` does, for models whose sizes are known.

    What is free includes the pages of files that the system can let go of, and among those are the weights of the
    models in use: they must stay, or every token would read them from the disk. Where the memory cannot be told,
    nothing is refused.
    """
    needed = sum(memory.total for _, memory in wanted)
    mapped = sum(memory.weights for load, memory in loaded if load.knobs.use_mmap)
    if room is None or _needs(needed) <= room.free + room.gpu - mapped:
        return
    each = ", ".join(f"{Path(load.path).name} needs {show_size(memory.total)}" for load, memory in wanted)
    free = f"{show_size(max(room.free + room.gpu - mapped, 0))} are free"
    where = "beside what is loaded" if loaded else "together"
    raise ModelError(
        f"Memory does not hold these models {where}: {each}, {free}; take a smaller quantization, or turn num_ctx down."
    )


def _sized(loads: Iterable[ModelLoad]) -> list[SizedLoad]:
    return [(load, estimate(check_model(Path(load.path)), load.knobs)) for load in loads]


def _needs(total: int) -> float:
    return total / SLACK


def _too_large(memory: MemoryEstimate, room: FreeMemory) -> str:
    free = room.free + room.gpu
    says = f"it needs {show_size(memory.total)}, {show_size(free)} are free"
    left = free - memory.weights - memory.compute
    tokens = int(left / memory.cache * memory.context) // 256 * 256 if memory.cache else 0
    if tokens >= 512:
        return f"{says}; turn num_ctx down to {tokens}, or take a smaller quantization"
    return f"{says}; take a smaller quantization or a smaller model"


# --- shapes ---------------------------------------------------------------------------------------------------------


def _cache(header: Header, knobs: Knobs, context: int) -> int:
    heads = header.number("attention.head_count")
    length = header.number("embedding_length") // heads if heads else 0
    key = header.number("attention.key_length", length)
    value = header.number("attention.value_length", length)
    if header.number("attention.key_length_mla"):
        value = 0  # latent attention keeps keys and values as one
    k, v = BY_NAME[knobs.cache_type_k.upper()], BY_NAME[knobs.cache_type_v.upper()]
    row = key * k.bits / 8 + value * v.bits / 8
    return round(context * row * sum(_kv_heads(header)))


def _kv_heads(header: Header) -> list[int]:
    """Return the key-value heads of every layer; recurrent layers have none."""
    layers = header.number("block_count")
    given = header.metadata.get(f"{header.architecture}.attention.head_count_kv")
    if isinstance(given, tuple):
        return [int(heads) for heads in given[:layers] if isinstance(heads, int)]
    heads = given if isinstance(given, int) else header.number("attention.head_count")
    interval = max(header.number("full_attention_interval", 1), 1)
    return [heads if (layer + 1) % interval == 0 else 0 for layer in range(layers)]


def _state(header: Header) -> int:
    """Return the bytes of recurrent state of a sequence, as Mamba and its like have it."""
    conv, inner = header.number("ssm.conv_kernel"), header.number("ssm.inner_size")
    state, groups = header.number("ssm.state_size"), header.number("ssm.group_count")
    numbers = max(conv - 1, 0) * (inner + 2 * groups * state) + state * inner
    kept = _kv_heads(header)
    # Where every layer has both, as in Falcon-H1, all of them count.
    return 4 * numbers * (kept.count(0) or len(kept))


def _compute(header: Header, knobs: Knobs, context: int, batch: int, vocabulary: int) -> int:
    width, heads = header.number("embedding_length"), header.number("attention.head_count")
    inner = header.number("feed_forward_length")
    inner = max(inner, header.number("expert_feed_forward_length") * header.number("expert_used_count", 1))
    activations = 4 * batch * (6 * width + 2 * inner)
    flash = attention_mode(knobs, gpu=False) != "off"
    mask = (2 if flash else 4) * batch * context
    # Written down in 32 bits, and in 16 to be multiplied with the values.
    scores = 0 if flash else (4 + 2) * batch * context * heads
    logits = 2 * 4 * vocabulary * SEQUENCES
    tables = _TOKEN * vocabulary + _MERGE * header.count("tokenizer.ggml.merges")
    return activations + mask + scores + logits + tables
