"""How much memory a model takes, told from its header: weights, KV cache, and what is computed between them.

Shapes follow llama.cpp (llama-kv-cache.cpp, llama-hparams.cpp of the pinned version) for a context opened as
`tui.engine.llama` does it: one cache for all sequences, n_batch = n_ubatch. Its layers with a sliding window get a
cache for the whole context too (`swa_full` is on unless told otherwise).
"""

from typing import Literal

from msgspec import Struct, field

from tui.errors import ModelError
from tui.knobs.load_knobs import attention_mode
from tui.knobs.table import Knobs
from tui.models.free_memory import FreeMemory
from tui.models.header import Header
from tui.models.quantization import BY_NAME

SEQUENCES = 48
"""Of the engine's context: forty for replies, hypotheses and candidates at once, and eight kept for what comes next."""

AUTO_CONTEXT = 8192
"""The largest context taken unasked: a model's own can be 128k tokens, whose cache would fill the memory."""

SLACK = 1.1
"""A model is refused when it takes this much more than is free: an estimate can be wrong, and other programs shrink."""

_TOKEN, _MERGE = 160, 110
"""Bytes that llama.cpp's tables take for an entry of the vocabulary and for a merge; measured."""


class MemoryEstimate(Struct, frozen=True):
    """Bytes that a model takes while it writes."""

    weights: int
    cache: int
    compute: int
    """Activations of a batch, logits of every sequence, and the tables of the tokenizer."""
    reserved: int
    """Logits of a whole batch: on a GPU they are there, in main memory they are only set aside and never touched."""
    context: int
    """The tokens that the cache holds."""
    layers: int

    @property
    def total(self) -> int:
        """Bytes of main memory."""
        return self.weights + self.cache + self.compute


class MemoryVerdict(Struct, frozen=True):
    """Where a model can run, and how many of its layers the GPU takes."""

    place: Literal["gpu", "split", "cpu", "none"]
    layers: int
    sentence: str = field(name="says")


def show_size(count: float) -> str:
    """Bytes as people say them: `14.2 GB`."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        del units[0]
    return f"{count:.0f} {units[0]}" if count >= 100 or units[0] == "bytes" else f"{count:.1f} {units[0]}"


def estimate(header: Header, knobs: Knobs) -> MemoryEstimate:
    """What a model takes with these knobs, by a header that `check_model` let through.

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
    """Bytes of weights were every matrix stored as this tensor type; vectors are always kept as F32."""
    bits = BY_NAME[kind.upper()].bits
    return sum(round(tensor.elements * (bits if len(tensor.shape) > 1 else 32) / 8) for tensor in header.tensors)


def verdict(memory: MemoryEstimate, room: FreeMemory) -> MemoryVerdict:
    """Where the model can run on this machine."""
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
    """How many heads of every layer have a place in the cache; recurrent layers have none."""
    layers = header.number("block_count")
    given = header.metadata.get(f"{header.architecture}.attention.head_count_kv")
    if isinstance(given, tuple):
        return [int(heads) for heads in given[:layers] if isinstance(heads, int)]
    heads = given if isinstance(given, int) else header.number("attention.head_count")
    interval = max(header.number("full_attention_interval", 1), 1)
    return [heads if (layer + 1) % interval == 0 else 0 for layer in range(layers)]


def _state(header: Header) -> int:
    """Bytes of recurrent state that a sequence has, as Mamba and its like keep it."""
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
