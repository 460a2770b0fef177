"""Models of one layer with a vocabulary of each kind that llama.cpp knows, written here."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from gguf import GGUFWriter

WORDS = ("Paris", "London", "paris", "yes", "no", "token", "s")
"""Words that every vocabulary has, with a blank before them and without."""

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


class Piece(NamedTuple):
    """A token as a GGUF has it."""

    text: str
    type: int = NORMAL
    score: float = 0.0


def _byte_signs() -> dict[int, str]:
    """The signs that stand for bytes in a vocabulary of GPT-2's kind."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


SIGNS = _byte_signs()
_USER = (Piece("\n\n", USER), Piece("<table>", USER), Piece("    ", USER))
"""Tokens that a vocabulary marks as user-defined: a run of line breaks, a tag of HTML, a run of blanks."""


def _spm() -> list[Piece]:
    byte = [Piece(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    signs = [Piece(chr(code), NORMAL, -200.0) for code in range(0x21, 0x7F)]
    words = [f"{blank}{word[:size]}" for word in WORDS for blank in ("", "▁") for size in range(1, len(word) + 1)]
    merged = [Piece(word, NORMAL, len(word) - 100.0) for word in dict.fromkeys(words) if len(word) > 1]
    user = [each._replace(text=each.text.replace(" ", "▁")) for each in _USER]
    named = [Piece("<unk>", UNKNOWN), Piece("<s>", CONTROL), Piece("</s>", CONTROL)]
    return [*named, *byte, *signs, Piece("▁", score=-300), *merged, *user]


def _bpe() -> tuple[list[Piece], list[str]]:
    pieces, merges = [Piece(sign) for sign in SIGNS.values()], []
    for word in [f"{blank}{word}" for word in WORDS for blank in ("Ġ", "")]:
        for size in range(2, len(word) + 1):
            if (merge := f"{word[: size - 1]} {word[size - 1]}") not in merges:
                merges.append(merge)
                pieces.append(Piece(word[:size]))
    return [*pieces, *_USER, Piece("<|end|>", CONTROL)], merges


def _wpm() -> list[Piece]:
    signs = [Piece(f"{blank}{chr(code)}") for code in range(0x21, 0x7F) for blank in ("▁", "")]
    words = [Piece(f"▁{word.lower()}") for word in dict.fromkeys(map(str.lower, WORDS)) if len(word) > 1]
    return [Piece("[UNK]", UNKNOWN), Piece("[CLS]", CONTROL), Piece("[SEP]", CONTROL), *signs, *words]


def _rwkv() -> list[Piece]:
    signs = [Piece(f"\\x{code:02x}") for code in range(256)]
    words = [Piece(f"{blank}{word}") for word in WORDS if len(word) > 1 for blank in ("", " ")]
    return [Piece("<s>", CONTROL), *signs, *words]


KINDS = ("llama", "gpt2", "bert", "t5", "rwkv")


def write_vocabulary(path: Path, kind: str, *more: Piece) -> Path:
    """A model with the vocabulary of that kind, and more tokens at its end."""
    merges: list[str] = []
    if kind == "gpt2":
        pieces, merges = _bpe()
    else:
        pieces = {"llama": _spm, "t5": _spm, "bert": _wpm, "rwkv": _rwkv}[kind]()
    pieces += more
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_feed_forward_length(8)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model(kind)
    if kind == "gpt2":
        writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([piece.text for piece in pieces])
    writer.add_token_scores([float(piece.score) for piece in pieces])
    writer.add_token_types([piece.type for piece in pieces])
    if merges:
        writer.add_token_merges(merges)
    writer.add_unk_token_id(0)
    end = len(pieces) - 1 - len(more) if kind == "gpt2" else 0 if kind == "rwkv" else 2
    writer.add_eos_token_id(end)
    writer.add_bos_token_id(end if kind in ("gpt2", "rwkv") else 1)
    random = np.random.default_rng(0)
    shapes = {"token_embd": (len(pieces), 8), "output_norm": (8,), "blk.0.attn_norm": (8,), "blk.0.ffn_norm": (8,)}
    names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    for name, shape in (shapes | {f"blk.0.{name}": (8, 8) for name in names}).items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
