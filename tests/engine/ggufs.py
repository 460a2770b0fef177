"""Small GGUF files, written here: models of one layer that say nothing sensible, and a LoRA adapter of rank 1."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_VOCABULARY = ["<unk>", "<s>", "</s>", *_BYTES, "▁"]
_TYPES = [2, 3, 3, *[6] * 256, 1]


class _File:
    """A GGUF being written, with random numbers for its weights."""

    def __init__(self, path: Path, architecture: str) -> None:
        self.writer, self.path = GGUFWriter(str(path), architecture), path
        self._random = np.random.default_rng(0)

    def weights(self, name: str, *shape: int, sign: int = 0) -> None:
        numbers = self._random.normal(size=shape).astype(np.float32)
        self.writer.add_tensor(name, sign * abs(numbers) if sign else numbers)

    def close(self) -> Path:
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()
        return self.path


def _model(path: Path, architecture: str, width: int, heads: int) -> _File:
    file = _File(path, architecture)
    file.writer.add_context_length(64)
    file.writer.add_embedding_length(width)
    file.writer.add_block_count(1)
    file.writer.add_feed_forward_length(width if heads else 0)
    file.writer.add_head_count(heads)
    file.writer.add_layer_norm_rms_eps(1e-5)
    file.writer.add_tokenizer_model("llama")
    file.writer.add_token_list(_VOCABULARY)
    file.writer.add_token_scores([0.0] * len(_VOCABULARY))
    file.writer.add_token_types(_TYPES)
    file.weights("token_embd.weight", len(_VOCABULARY), width)
    file.weights("output_norm.weight", width)
    file.weights("blk.0.attn_norm.weight", width)
    return file


def write_llama(path: Path, head: int, *, name: str = "", template: str = "") -> Path:
    """A model whose two heads have so many numbers each."""
    file = _model(path, "llama", 2 * head, heads=2)
    if name:
        file.writer.add_name(name)
    if template:
        file.writer.add_chat_template(template)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        file.weights(f"blk.0.{name}.weight", 2 * head, 2 * head)
    file.weights("blk.0.ffn_norm.weight", 2 * head)
    return file.close()


def change(path: Path, key: str, value: bytes) -> Path:
    """Put other bytes in the place of a value of a file's metadata; of a text, of the same length."""
    content = path.read_bytes()
    name = key.encode()
    place = content.index(len(name).to_bytes(8, "little") + name) + 8 + len(name)
    place += 12 if content[place] == 8 else 4  # a type, and of a text its length
    path.write_bytes(content[:place] + value + content[place + len(value) :])
    return path


def write_mamba(path: Path) -> Path:
    """A recurrent model: its memory is one running state."""
    width, inner, state, rank, kernel = 16, 32, 4, 2, 4
    file = _model(path, "mamba", width, heads=0)
    file.writer.add_ssm_conv_kernel(kernel)
    file.writer.add_ssm_inner_size(inner)
    file.writer.add_ssm_state_size(state)
    file.writer.add_ssm_time_step_rank(rank)
    file.weights("blk.0.ssm_in.weight", 2 * inner, width)
    file.weights("blk.0.ssm_conv1d.weight", inner, kernel)
    file.weights("blk.0.ssm_conv1d.bias", inner)
    file.weights("blk.0.ssm_x.weight", rank + 2 * state, inner)
    file.weights("blk.0.ssm_dt.weight", inner, rank)
    file.weights("blk.0.ssm_dt.bias", inner)
    file.weights("blk.0.ssm_a", inner, state, sign=-1)  # what was read fades; else it would grow past all numbers
    file.weights("blk.0.ssm_d", inner)
    file.weights("blk.0.ssm_out.weight", width, inner)
    return file.close()


def write_lora(path: Path, *, architecture: str = "llama", width: int = 576) -> Path:
    """An adapter for the queries of a model's first layer; the starter model is 576 wide."""
    file = _File(path, architecture)
    file.writer.add_type("adapter")
    file.writer.add_string("adapter.type", "lora")
    file.writer.add_float32("adapter.lora.alpha", 1.0)
    file.weights("blk.0.attn_q.weight.lora_a", 1, width)
    file.weights("blk.0.attn_q.weight.lora_b", width, 1)
    return file.close()
