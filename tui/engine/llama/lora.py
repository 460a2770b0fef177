"""LoRA adapters over a model. The pointer to one that could not be read ends the process, but only at a first token."""

import ctypes
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp as C

from tui.engine.llama.log import LOG
from tui.errors import ModelError
from tui.knobs.lora import parse_adapter


class LoraAdapters:
    """The adapters of a model, with a scale each. llama.cpp frees them with the model."""

    def __init__(self, model: Any, entries: Sequence[str]) -> None:
        """Read them; raises ModelError for what cannot be laid over this model, and KnobError for a scale."""
        adapters = [parse_adapter(entry) for entry in entries]
        self._count = len(adapters)
        self._scales = (ctypes.c_float * self._count)(*(adapter.scale for adapter in adapters))
        self._pointers = (C.llama_adapter_lora_p_ctypes * self._count)(*(_read(model, each.path) for each in adapters))

    def lay(self, context: Any) -> None:
        """Have them act in a context."""
        C.llama_set_adapters_lora(context, self._pointers, self._count, self._scales)


def _read(model: Any, path: Path) -> Any:
    if not _is_gguf(path):
        raise ModelError(f"lora: {str(path)!r} is not a GGUF file; write the path of a LoRA adapter converted to GGUF.")
    pointer = C.llama_adapter_lora_init(model, os.fsencode(path))
    if not pointer:  # not None: ctypes makes an object of a null pointer
        reason = LOG.reason.rpartition("failed to apply lora adapter: ")[2]
        raise ModelError(f"lora: {str(path)!r} cannot be laid over this model: {reason}.")
    return pointer


def _is_gguf(path: Path) -> bool:
    try:
        # Opening a FIFO would wait for a writer that never comes.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError as error:
        raise ModelError(f"lora: {str(path)!r} cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL in the path
        raise ModelError(f"lora: {str(path)!r} is no file name.") from None
