"""Models of random numbers, written as GGUF: tiny ones to test the engine with, large ones to measure it with.

They are of the llama architecture and say nothing sensible, but quickly, always the same, and of any size.
"""

from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tui.errors import ModelError

if TYPE_CHECKING:
    from gguf import GGUFWriter

BOS, EOS = 0, 1
"""Token ids of `<s>`, which begins every prompt, and `</s>`, which ends a reply."""

SPREAD = 2.0
"""Standard deviation of the logits: a real model's are about as far from flat."""

_CONTROL, _NORMAL = 3, 1
_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{{ '\\n' }}{% endfor %}"
"""The messages, each ended by a new line: `ab` comes to `<s>`, `a`, `b`, new line."""


class Shape(Struct, frozen=True):
    """The measures of a model."""

    vocabulary: int
    """The first tokens are `<s>`, `</s>`, a new line and a blank, then come a to z and the other bytes; the last one,
    and all past the 256 bytes, are two letters in one: `aa`, `ab`, ... At least 6, at most 60,000."""
    width: int
    """Numbers in a hidden state; the weights can be quantized only where it is a multiple of 32."""
    layers: int
    heads: int
    context: int
    weights: str = "f16"
    """How the matrices are kept: f32, f16, or a type that gguf can quantize to, such as q8_0 or q4_0."""
    seed: int = 0
    """Equal shapes make equal files, to the byte."""


TINY = Shape(vocabulary=16, width=32, layers=2, heads=4, context=256)
"""Small enough to try every continuation: `<s>`, `</s>`, new line, blank, a to k, and `aa`."""

LARGE = Shape(vocabulary=32_000, width=1024, layers=20, heads=16, context=2048, weights="q8_0")
"""About 420 MB, all of which is read for every token: its speed is the memory's."""


def write_model(path: Path, shape: Shape) -> Path:
    """Write a model to a file that must not be there yet; raises ModelError where the gguf package is missing."""
    try:
        from gguf import GGUFWriter
    except ImportError:
        raise ModelError(
            'A synthetic model cannot be written without the package gguf; `pip install "twiddle[bench]"` brings it.'
        ) from None
    # Temporary files keep what is written out of memory until the end.
    writer = GGUFWriter(path, "llama", use_temp_file=True)
    _describe(writer, shape)
    for name, tensor in _tensors(shape):
        _add(writer, name, tensor, shape.weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: "GGUFWriter", shape: Shape) -> None:
    writer.add_name("synthetic")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(4 * shape.width)
    writer.add_head_count(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    signs, pairs = _signs(shape.vocabulary), _pairs(shape.vocabulary)
    tokens = ["<s>", "</s>", *signs, *map("".join, pairs)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL, _CONTROL, *[_NORMAL] * (len(tokens) - 2)])
    writer.add_token_merges([" ".join(pair) for pair in pairs])
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_add_bos_token(True)
    writer.add_chat_template(_TEMPLATE)


def _signs(vocabulary: int) -> list[str]:
    """A token a byte, as GPT-2's tokenizer spells bytes; one place is left, since there must be a merge at least."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spelled = {byte: chr(byte) for byte in printable}
    spelled |= {byte: chr(0x100 + i) for i, byte in enumerate(sorted(set(range(256)) - set(printable)))}
    first = b"\n abcdefghijklmnopqrstuvwxyz"
    return [spelled[byte] for byte in (*first, *sorted(set(range(256)) - set(first)))][: vocabulary - 3]


def _pairs(vocabulary: int) -> list[tuple[str, str]]:
    letters = _signs(vocabulary)[2:]  # a tokenizer never looks for a merge across a blank
    return list(islice(product(letters, letters), vocabulary - 2 - len(_signs(vocabulary))))


def _tensors(shape: Shape) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every tensor: its name, and its numbers, shape (rows, columns) or (columns,)."""
    random = np.random.default_rng(shape.seed)
    width, ones = shape.width, np.ones(shape.width, np.float32)

    def matrix(rows: int, columns: int, spread: float = 1.0) -> npt.NDArray[np.float32]:
        # Products with it are spread as what it is multiplied by, so that no layer drowns another.
        return random.standard_normal((rows, columns), np.float32) * np.float32(spread / columns**0.5)

    yield "token_embd.weight", matrix(shape.vocabulary, width, width**0.5)
    for layer in range(shape.layers):
        yield f"blk.{layer}.attn_norm.weight", ones
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", matrix(width, width)
        yield f"blk.{layer}.ffn_norm.weight", ones
        yield f"blk.{layer}.ffn_gate.weight", matrix(4 * width, width)
        yield f"blk.{layer}.ffn_up.weight", matrix(4 * width, width)
        yield f"blk.{layer}.ffn_down.weight", matrix(width, 4 * width)
    yield "output_norm.weight", ones
    yield "output.weight", matrix(shape.vocabulary, width, SPREAD)


def _add(writer: "GGUFWriter", name: str, tensor: npt.NDArray[np.float32], weights: str) -> None:
    from gguf import GGMLQuantizationType, quants

    # llama.cpp wants the vectors of the norms as they are.
    kind = GGMLQuantizationType[weights.upper()] if tensor.ndim > 1 else GGMLQuantizationType.F32
    writer.add_tensor(name, quants.quantize(tensor, kind), raw_dtype=kind)
