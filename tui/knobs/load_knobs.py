"""Knobs that are fixed when a model is loaded. The others act during a reply: see `tui.knobs.table`."""

from typing import Annotated

from msgspec import Struct

from tui.knobs.knob import Knob

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""Number formats of the KV cache."""

QUANTIZED = tuple(name for name in CACHE_TYPES if name.startswith("q"))
"""Formats that pack 32 numbers into a block with a scale of its own."""

_MODEL = "model"


class LoadKnobs(Struct, frozen=True, kw_only=True):
    """Values of the knobs that are fixed once the model is loaded."""

    num_ctx: Annotated[int, Knob(
        help="Context length in tokens; auto is the model's own, at most 8192.",
        group=_MODEL, unit="tokens", low=0, high=2**22, span=(0, 2**17), step=256, coarse=1024, scale="log",
        words={0: "auto"}, live=False,
    )] = 0  # fmt: skip
    num_batch: Annotated[int, Knob(
        help="Prompt tokens evaluated in one batch.",
        group=_MODEL, unit="tokens", low=32, high=8192, span=(32, 4096), step=32, coarse=128, live=False,
    )] = 512  # fmt: skip
    num_thread: Annotated[int, Knob(
        help="CPU threads; auto is one per core, minus one for the screen where there are more than two.",
        group=_MODEL, unit="threads", low=0, high=512, span=(0, 64), coarse=4, words={0: "auto"}, live=False,
    )] = 0  # fmt: skip
    num_gpu: Annotated[int, Knob(
        help="Layers offloaded to the GPU; auto is as many as fit, if the build supports offloading.",
        group=_MODEL, unit="layers", low=-1, high=1000, scale="log", words={-1: "auto", 1000: "all"}, live=False,
    )] = -1  # fmt: skip
    main_gpu: Annotated[int, Knob(
        help="Index of the only GPU to use; all splits the layers between them.",
        group=_MODEL, low=-1, high=15, words={-1: "all"}, live=False,
    )] = -1  # fmt: skip
    tensor_split: Annotated[tuple[str, ...], Knob(
        help="Split of the layers between GPUs: a proportion for each, in order.",
        group=_MODEL, form=r"\d+(\.\d+)?", example="'3'", live=False,
    )] = ()  # fmt: skip
    # Dao et al. 2022, arXiv:2205.14135.
    flash_attention: Annotated[str, Knob(
        help="Fused attention that never stores its score matrix: faster on a GPU; on a CPU, auto means off.",
        group=_MODEL, choices=("auto", "on", "off"), live=False,
    )] = "auto"  # fmt: skip
    cache_type_k: Annotated[
        str, Knob(help="Number format of the keys in the KV cache.", group=_MODEL, choices=CACHE_TYPES, live=False)
    ] = "f16"
    cache_type_v: Annotated[str, Knob(
        help="Number format of the values in the KV cache; q8_0 and smaller need flash attention.",
        group=_MODEL, choices=CACHE_TYPES, live=False,
    )] = "f16"  # fmt: skip
    use_mmap: Annotated[int, Knob(
        help="Map the model file into memory instead of reading it.",
        group=_MODEL, low=0, high=1, coarse=1, words={0: "off", 1: "on"}, live=False,
    )] = 1  # fmt: skip
    use_mlock: Annotated[int, Knob(
        help="Lock the model in memory so that it is not swapped out.",
        group=_MODEL, low=0, high=1, coarse=1, words={0: "off", 1: "on"}, live=False,
    )] = 0  # fmt: skip
    # W + scale * alpha / rank * B A. Hu et al. 2021, arXiv:2106.09685.
    lora: Annotated[tuple[str, ...], Knob(
        help="LoRA adapters, each PATH or PATH:SCALE; paths in a preset are relative to its folder.",
        group=_MODEL, form=r".+?(:[+-]?\d+(\.\d+)?)?", example="'style.gguf:0.8'", live=False,
    )] = ()  # fmt: skip
    reproducible: Annotated[str, Knob(
        help="Evaluate each reply alone and in the same steps, so that a replay gives the same tokens.",
        group=_MODEL, choices=("off", "on"), live=False,
    )] = "off"  # fmt: skip


FLASH_ON_CPU = "off"
"""Meaning of `flash_attention auto` where no GPU has a layer; llama.cpp itself would turn it on.

On a CPU its flash attention (ggml-cpu/ops.cpp) turns the keys from F16 into F32 one number at a time, anew for every
head and every 64 tokens of a prompt, and goes through fewer than 64 tokens one by one; without it they are multiplied
as matrices, which is twice as quick in a long conversation and a tenth slower in a short one (docs/benchmarks.md), and
takes memory for the scores. A cache of values in blocks has no other way.
"""

SCORED = 16_384
"""Longest context, in tokens, for which auto stores the score matrix; beyond it the scores outgrow the KV cache."""


def attention_mode(knobs: LoadKnobs, *, gpu: bool) -> str:
    """Return the flash attention mode for llama.cpp: on, off, or auto to let it decide."""
    if knobs.flash_attention != "auto" or gpu or knobs.cache_type_v in QUANTIZED or knobs.num_ctx > SCORED:
        return knobs.flash_attention
    return FLASH_ON_CPU
