"""LoRA adapters over a model. The pointer to one that could not be read ends the process, but only at a first token."""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp as C

from tui.engine.llama.log import LOG
from tui.errors import ModelError
from tui.knobs.lora import parse_adapter
from tui.paths import FileFault, read_regular

_ADVICE = "write the path of a LoRA adapter converted to GGUF"


class LoraAdapters:
    """The adapters of a model, with a scale each. llama.cpp frees them with the model."""

    def __init__(self, model: Any, entries: Sequence[str]) -> None:
        """Read them; raises ModelError for what cannot be laid over this model, and KnobError for a scale."""
        adapters = [parse_adapter(entry) for entry in entries]
        self._count = len(adapters)
        self._scales = (ctypes.c_float * self._count)(*(adapter.scale for adapter in adapters))
        self._pointers = (C.llama_adapter_lora_p_ctypes * self._count)(*(_read(model, each.path) for each in adapters))

    def apply_to(self, context: Any) -> None:
        """Apply the adapters to a context."""
        C.llama_set_adapters_lora(context, self._pointers, self._count, self._scales)


def _read(model: Any, path: Path) -> Any:
    try:
        content = read_regular(path, 4, _ADVICE)
    except FileFault as fault:
        raise ModelError(f"lora: {str(path)!r} {fault}.") from None
    if content != b"GGUF":
        raise ModelError(f"lora: {str(path)!r} is not a GGUF file; {_ADVICE}.")
    pointer = C.llama_adapter_lora_init(model, os.fsencode(path))
    if not pointer:  # not None: ctypes makes an object of a null pointer
        reason = LOG.reason.rpartition("failed to apply lora adapter: ")[2]
        raise ModelError(f"lora: {str(path)!r} cannot be laid over this model: {reason}.")
    return pointer
