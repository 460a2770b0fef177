"""The knobs that a model is loaded with. The others act while a reply is written: see `tui.knobs.table`."""

from typing import Annotated

from msgspec import Struct

from tui.knobs.knob import Knob

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""What the numbers of the KV cache can be kept as."""

QUANTIZED = tuple(name for name in CACHE_TYPES if name.startswith("q"))
"""Those that pack 32 numbers into a block with a scale of its own."""

_MODEL = "model"


class LoadKnobs(Struct, frozen=True, kw_only=True):
    """What is fixed once the model is loaded."""

    num_ctx: Annotated[
        int,
        Knob(
            help="Context length in tokens; auto is the model's own, at most 8192.",
            group=_MODEL, unit="tokens", low=0, high=2**22, span=(0, 2**17), step=256, coarse=1024, scale="log",
            words={0: "auto"}, live=False,
        ),
    ] = 0  # fmt: skip
    num_batch: Annotated[
        int,
        Knob(
            help="Prompt tokens evaluated at once.",
            group=_MODEL, unit="tokens", low=32, high=8192, span=(32, 4096), step=32, coarse=128, live=False,
        ),
    ] = 512  # fmt: skip
    num_thread: Annotated[
        int,
        Knob(
            help="CPU threads; auto is every core, less one for the screen where there are more than two.",
            group=_MODEL, unit="threads", low=0, high=512, span=(0, 64), coarse=4, words={0: "auto"}, live=False,
        ),
    ] = 0  # fmt: skip
    num_gpu: Annotated[
        int,
        Knob(
            help="Layers kept on the GPU; auto is as many as fit, where the build can offload.",
            group=_MODEL, unit="layers", low=-1, high=1000, scale="log", words={-1: "auto", 1000: "all"}, live=False,
        ),
    ] = -1  # fmt: skip
    main_gpu: Annotated[
        int,
        Knob(
            help="The one GPU to use; all shares the layers between them.",
            group=_MODEL, low=-1, high=15, words={-1: "all"}, live=False,
        ),
    ] = -1  # fmt: skip
    tensor_split: Annotated[
        tuple[str, ...],
        Knob(
            help="How to share the layers between GPUs: a proportion for each, in order.",
            group=_MODEL, form=r"\d+(\.\d+)?", example="'3'", live=False,
        ),
    ] = ()  # fmt: skip
    flash_attention: Annotated[
        str,
        Knob(
            help="Attention that never writes its matrix down: quicker on a GPU. On a CPU, auto does without.",
            group=_MODEL, choices=("auto", "on", "off"), live=False,
        ),
    ] = "auto"  # fmt: skip
    cache_type_k: Annotated[
        str, Knob(help="How precisely the KV cache keeps keys.", group=_MODEL, choices=CACHE_TYPES, live=False)
    ] = "f16"
    cache_type_v: Annotated[
        str,
        Knob(
            help="How precisely the KV cache keeps values; q8_0 and smaller need flash attention.",
            group=_MODEL, choices=CACHE_TYPES, live=False,
        ),
    ] = "f16"  # fmt: skip
    use_mmap: Annotated[
        int,
        Knob(
            help="Map the model file into memory rather than read it in.",
            group=_MODEL, low=0, high=1, coarse=1, words={0: "off", 1: "on"}, live=False,
        ),
    ] = 1  # fmt: skip
    use_mlock: Annotated[
        int,
        Knob(
            help="Keep the model from being swapped out.",
            group=_MODEL, low=0, high=1, coarse=1, words={0: "off", 1: "on"}, live=False,
        ),
    ] = 0  # fmt: skip
    lora: Annotated[
        tuple[str, ...],
        Knob(
            help="LoRA adapters to lay over the model, each PATH or PATH:SCALE; a preset's start at its folder.",
            group=_MODEL, form=r".+?(:[+-]?\d+(\.\d+)?)?", example="'style.gguf:0.8'", live=False,
        ),
    ] = ()  # fmt: skip
    reproducible: Annotated[
        str,
        Knob(
            help="Work each reply out by itself, in the same steps every time: a replay then gives the same tokens.",
            group=_MODEL, choices=("off", "on"), live=False,
        ),
    ] = "off"  # fmt: skip


FLASH_ON_CPU = "off"
"""What `flash_attention auto` is where no GPU has a layer; llama.cpp itself would take it.

On a CPU its flash attention (ggml-cpu/ops.cpp) turns the keys from F16 into F32 one number at a time, anew for every
head and every 64 tokens of a prompt, and goes through fewer than 64 tokens one by one; without it they are multiplied
as matrices, which is twice as quick in a long conversation and a tenth slower in a short one (docs/benchmarks.md), and
takes memory for the scores. A cache of values in blocks has no other way.
"""

SCORED = 16_384
"""The longest context of which the scores are written down unasked: more would take more memory than the cache."""


def attention(knobs: LoadKnobs, *, gpu: bool) -> str:
    """How attention is worked out: on, off, or auto where llama.cpp is to see."""
    if knobs.flash_attention != "auto" or gpu or knobs.cache_type_v in QUANTIZED or knobs.num_ctx > SCORED:
        return knobs.flash_attention
    return FLASH_ON_CPU
