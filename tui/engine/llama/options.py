"""llama.cpp's parameters from the knobs. Values that it would crash, hang or stay silent on are refused first."""

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import llama_cpp as C

from tui.engine.hardware import Device
from tui.errors import KnobError
from tui.knobs.load_knobs import QUANTIZED, LoadKnobs, attention_mode

CACHE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30}
"""ggml's numbers for them; the binding does not know all of them by name."""

_FLASH = {
    "auto": C.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_BLOCK = 32
"""Numbers in a block of any quantized cache type."""

_CROWD = 4
"""Threads a core that are still let through: more of them wait for each other, and thousands never come to an end."""


class Threads(NamedTuple):
    """CPU threads for the two kinds of work."""

    writing: int
    reading: int


def check(knobs: LoadKnobs, gpus: Sequence[Device], cores: int) -> None:
    """Refuse what no model could be loaded with on this machine; raises KnobError."""
    for fault in _faults(knobs, len(gpus), cores):
        raise KnobError(fault)


def _faults(knobs: LoadKnobs, gpus: int, cores: int) -> Iterator[str]:
    there = f"there are {gpus} GPUs" if gpus > 1 else "there is one GPU" if gpus else "there is no GPU"
    shares = [float(share) for share in knobs.tensor_split]
    if knobs.num_thread > cores * _CROWD:
        yield (
            f"num_thread: {knobs.num_thread} threads on {cores} cores would wait for each other; "
            f"write at most {cores * _CROWD}, or auto."
        )
    if knobs.cache_type_v in QUANTIZED and knobs.flash_attention == "off":
        yield (
            f"cache_type_v: {knobs.cache_type_v} needs flash attention, and flash_attention is off; "
            "write flash_attention on, or cache_type_v f16."
        )
    if knobs.main_gpu >= max(gpus, 1):
        yield f"main_gpu: they count from 0 and {there}, so {knobs.main_gpu} is none of them; write all."
    if len(shares) > gpus:
        yield f"tensor_split: {len(shares)} shares are given, and {there}; write one share a GPU, or none."
    elif shares and not 0 < sum(shares) < 1e6:
        yield f"tensor_split: shares that add up to {sum(shares):g} divide nothing; write proportions such as 3 and 1."
    elif shares and knobs.main_gpu >= 0:
        yield "tensor_split: main_gpu already puts every layer on one GPU; leave out one of the two."


def check_cache(knobs: LoadKnobs, head: int) -> None:
    """Refuse to pack heads of so many numbers (0 where there are none) in blocks they do not fill; raises KnobError."""
    for name, kind in (("cache_type_k", knobs.cache_type_k), ("cache_type_v", knobs.cache_type_v)):
        if kind in QUANTIZED and head % _BLOCK:
            raise KnobError(
                f"{name}: {kind} packs {_BLOCK} numbers into a block, and this model's heads have {head}; "
                "write f16 or bf16."
            )


def share_cores(knobs: LoadKnobs, cores: int) -> Threads:
    """Choose the threads that decode replies and those that read prompts, from measurements."""
    # Beside a screen that takes 30 % of a core, two threads on two cores write 87 tokens a second and one writes 66
    # (139 and 64 with nothing beside them), as long as they spin no longer than
    # `tui.engine.process.openmp` lets them. Where
    # there are more cores the last one brings little, since memory is the bound. Prompts gain from every core.
    return Threads(knobs.num_thread or min(cores, max(2, cores - 1)), knobs.num_thread or cores)


def gpu_layers(knobs: LoadKnobs) -> int:
    """Return the number of layers to put on the GPUs, -1 for every one; `auto` asks for all of them."""
    return knobs.num_gpu  # here is where a verdict on the GPU's memory would choose fewer for auto


def uses_gpu(knobs: LoadKnobs, gpus: Sequence[Device]) -> bool:
    """Return True if a GPU gets any of the layers."""
    return bool(gpus) and gpu_layers(knobs) != 0


def model_params(knobs: LoadKnobs) -> Any:
    """Build llama.cpp's parameters for loading a model."""
    params = C.llama_model_default_params()
    # AMX kernels compiled by GCC 12 fault at their first use: its _tile_loadconfig names 8 of the 64 bytes that it
    # reads, and the compiler leaves the rest unwritten. Without these buffers other kernels take the weights.
    params.use_extra_bufts = b"AMX_INT8 = 1" not in C.llama_print_system_info()
    params.load_mode = _load_mode(knobs)
    params.n_gpu_layers = gpu_layers(knobs)
    if knobs.num_gpu == 0:
        # No GPU at all: with one in the list llama.cpp would still hand it prompts, without a layer on it.
        params.split_mode, params.main_gpu = C.LLAMA_SPLIT_MODE_NONE, -1
    elif knobs.main_gpu >= 0:
        params.split_mode, params.main_gpu = C.LLAMA_SPLIT_MODE_NONE, knobs.main_gpu
    elif knobs.tensor_split:
        shares = (ctypes.c_float * C.llama_max_devices())(*map(float, knobs.tensor_split))
        params.tensor_split = shares  # the parameters keep it alive for as long as they live
    return params


def _load_mode(knobs: LoadKnobs) -> int:
    if knobs.use_mlock:
        return int(C.LLAMA_LOAD_MODE_MMAP_MLOCK if knobs.use_mmap else C.LLAMA_LOAD_MODE_MLOCK)
    # Auto maps the file, unless a device cannot read from a mapped one.
    return int(C.LLAMA_LOAD_MODE_AUTO if knobs.use_mmap else C.LLAMA_LOAD_MODE_NONE)


def context_params(knobs: LoadKnobs, threads: Threads, *, gpu: bool) -> Any:
    """Build llama.cpp's parameters for a context, but for its sizes."""
    params = C.llama_context_default_params()
    params.n_threads, params.n_threads_batch = threads
    params.flash_attn_type = _FLASH[attention_mode(knobs, gpu=gpu)]
    params.type_k, params.type_v = CACHE_TYPES[knobs.cache_type_k], CACHE_TYPES[knobs.cache_type_v]
    # A cache that keeps only the window of a sliding-window model forgets the tokens before it, and then no prompt
    # can begin in the middle of what is kept.
    params.swa_full = True
    params.no_perf = True
    return params


def devices_used(knobs: LoadKnobs, gpus: Sequence[Device], layers: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of layers on GPUs, and the names of the devices that hold layers."""
    wanted = gpu_layers(knobs) if gpus else 0
    count = layers if wanted < 0 else min(wanted, layers)
    if knobs.main_gpu >= 0:
        gpus = gpus[knobs.main_gpu : knobs.main_gpu + 1]
    elif knobs.tensor_split:
        gpus = [gpu for gpu, share in zip(gpus, knobs.tensor_split, strict=False) if float(share)]
    names = tuple(gpu.name for gpu in gpus) if count else ()
    return count, names if count == layers else (*names, "CPU")
