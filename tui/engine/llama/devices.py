"""Devices that this build of llama.cpp found on this machine."""

import ctypes
import os
from typing import Any, Literal

import llama_cpp as C
from llama_cpp._ggml import libggml

from tui.engine.hardware import Device, Machine

# The binding has no names for ggml's devices. The signatures are those of ggml-backend.h in the pinned version.
_KINDS: tuple[Literal["CPU", "GPU", "integrated GPU", "accelerator"], ...]
_KINDS = ("CPU", "GPU", "integrated GPU", "accelerator")


def _function(name: str, answer: Any, *arguments: Any) -> Any:
    function = libggml[name]
    function.restype, function.argtypes = answer, arguments
    return function


_SIZE = ctypes.POINTER(ctypes.c_size_t)
_count = _function("ggml_backend_dev_count", ctypes.c_size_t)
_get = _function("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
_name = _function("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
_description = _function("ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)
_kind = _function("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)
_memory = _function("ggml_backend_dev_memory", None, ctypes.c_void_p, _SIZE, _SIZE)


def machine() -> Machine:
    """Describe this build of llama.cpp and its devices."""
    return Machine(
        binding=C.__version__,
        system=C.llama_print_system_info().decode("utf-8", "replace").strip(" |"),
        offload=bool(C.llama_supports_gpu_offload()),
        cores=cores(),
        devices=devices(),
    )


def cores() -> int:
    """CPU cores that this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def devices() -> tuple[Device, ...]:
    """Every device that ggml knows of, the CPU among them."""
    C.llama_backend_init()
    return tuple(_device(_get(index)) for index in range(_count()))


def gpus() -> tuple[Device, ...]:
    """Return the devices that llama.cpp shares the layers between: GPUs, or integrated GPUs if there are no others."""
    found = devices()
    return tuple(device for device in found if device.kind == "GPU") or tuple(
        device for device in found if device.kind == "integrated GPU"
    )


def _device(pointer: Any) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    _memory(pointer, ctypes.byref(free), ctypes.byref(total))
    name, description = (text(pointer).decode("utf-8", "replace") for text in (_name, _description))
    return Device(name, description, _KINDS[_kind(pointer)], free.value, total.value)
