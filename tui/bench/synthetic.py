"""A model of random weights, as small or as large as a test or a measurement wants it. It says nothing of sense."""

from pathlib import Path

import numpy as np
from msgspec import Struct

from tui.errors import ModelError


class Shape(Struct, frozen=True):
    """The sizes of a Llama-like model. Its weights are 16-bit, so that its file is about 2 bytes a weight."""

    vocabulary: int = 16
    """At least 16. Tokens are: unknown, begin, end; from 300 on the 256 bytes; then `a`, `b`, ... and words.

    A vocabulary without the bytes can say and read nothing but its letters: llama.cpp ends the process at others.
    """
    width: int = 64
    layers: int = 2
    heads: int = 4
    context: int = 512
    seed: int = 0

    @property
    def weights(self) -> int:
        """Number of weights, about."""
        return self.layers * self.width**2 * 12 + 2 * self.vocabulary * self.width


TINY = Shape()
"""For tests: a vocabulary that can be searched through."""

HEAVY = Shape(vocabulary=8192, width=1024, layers=16, heads=16, context=8192)
"""For measurements: 400 MB that no cache holds, so that memory is what it waits for."""


def write_model(path: Path, shape: Shape) -> None:
    """Write a GGUF; the same shape gives the same bytes. Raises ModelError where the package `gguf` is missing."""
    try:
        import gguf
    except ImportError:
        raise ModelError('Writing a synthetic model takes the package gguf: `pip install "twiddle[bench]"`.') from None
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("synthetic")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(4 * shape.width * 2 // 3)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_tokens(writer, shape.vocabulary)
    random = np.random.default_rng(shape.seed)
    for name, size in _tensors(shape).items():
        if len(size) == 1:
            writer.add_tensor(name, np.ones(size, np.float32))
        else:
            # The last layer spreads the logits over a few nats, as real models do.
            scale = 2.0 if name == "output.weight" else 1.0
            weights = random.standard_normal(size, np.float32) * (scale / np.sqrt(size[1]))
            writer.add_tensor(name, weights.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    width, hidden = shape.width, 4 * shape.width * 2 // 3
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (shape.vocabulary, width)}
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        tensors |= {f"{block}.attn_norm.weight": (width,), f"{block}.ffn_norm.weight": (width,)}
        tensors |= {f"{block}.attn_{part}.weight": (width, width) for part in ("q", "k", "v", "output")}
        tensors |= {f"{block}.ffn_{part}.weight": (hidden, width) for part in ("gate", "up")}
        tensors[f"{block}.ffn_down.weight"] = (width, hidden)
    return tensors | {"output_norm.weight": (width,), "output.weight": (shape.vocabulary, width)}


def _add_tokens(writer: "gguf.GGUFWriter", count: int) -> None:  # type: ignore[name-defined]  # noqa: F821
    import gguf

    kinds = gguf.TokenType
    octets = [f"<0x{octet:02X}>" for octet in range(256)] if count >= 300 else []
    said = [chr(ord("a") + place) if place < 26 else f"w{place}" for place in range(count - 3 - len(octets))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *octets, *said])
    writer.add_token_scores([0.0] * count)
    special = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]
    writer.add_token_types([*special, *[kinds.BYTE] * len(octets), *[kinds.NORMAL] * len(said)])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{% for message in messages %}{{ message.content }}{% endfor %}")
