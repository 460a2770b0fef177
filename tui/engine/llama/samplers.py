"""llama.cpp's samplers as the stages of the chain."""

import ctypes
from collections.abc import Callable
from typing import Any, Protocol

import llama_cpp as C

from tui.engine.backend import CANDIDATE, Candidates
from tui.engine.loaded_model import ModelInfo
from tui.errors import EngineError
from tui.knobs.table import Knobs


class SamplerModel(Protocol):
    """Properties of a model that the stages need: its vocabulary and the length of its context."""

    vocab: Any
    context: int
    info: ModelInfo

    def first(self, text: str) -> int:
        """Return the first token of a text; raises EngineError where the vocabulary has none for it."""


class Sampler:
    """One of llama.cpp's samplers as a stage."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer
        self._array: Any = C.llama_token_data_array()

    def apply(self, candidates: Candidates) -> Candidates:
        """Run the sampler in place over the candidates, and return those that it leaves."""
        array, address = self._array, candidates.ctypes.data
        array.data = ctypes.cast(address, C.llama_token_data_p)
        array.size, array.selected, array.sorted = len(candidates), -1, False
        C.llama_sampler_apply(self._pointer, ctypes.byref(array))
        left = ctypes.addressof(array.data.contents)
        if left != address:  # some samplers sort into memory of their own and point there
            ctypes.memmove(address, left, array.size * CANDIDATE.itemsize)
        return candidates[: array.size]

    def accept(self, token: int) -> None:
        """Add a token to the history of the sampler."""
        C.llama_sampler_accept(self._pointer, token)

    def __del__(self) -> None:
        C.llama_sampler_free(self._pointer)


def make_stage(name: str, knobs: Knobs, level: float = 0.0, model: SamplerModel | None = None) -> Sampler:
    """Build a stage of the chain; only the texts of logit_bias and of DRY's breakers need a model."""
    return Sampler(_SAMPLERS[name](knobs, level, model))


def _window(last_n: int, model: SamplerModel | None) -> int:
    return last_n if last_n >= 0 else model.context if model else _SCRIPTED_CONTEXT


def _vocabulary(model: SamplerModel | None) -> int:
    return model.info.vocabulary if model else _SCRIPTED_VOCABULARY


_SCRIPTED_CONTEXT, _SCRIPTED_VOCABULARY = 4096, 258


def _penalties(knobs: Knobs, _: float, model: SamplerModel | None) -> Any:
    last_n = _window(knobs.repeat_last_n, model)
    penalties = (knobs.repeat_penalty, knobs.frequency_penalty, knobs.presence_penalty)
    return C.llama_sampler_init_penalties(_vocabulary(model), last_n, *penalties)


def _dry(knobs: Knobs, _: float, model: SamplerModel | None) -> Any:
    breakers = [text.encode("utf-8", "replace") for text in knobs.dry_sequence_breakers] if model else []
    texts = (ctypes.c_char_p * len(breakers))(*breakers)
    return C.llama_sampler_init_dry(
        model.vocab if model else None,
        knobs.dry_multiplier,
        knobs.dry_base,
        knobs.dry_allowed_length,
        _window(knobs.dry_penalty_last_n, model),
        texts,
        len(breakers),
    )


def _logit_bias(knobs: Knobs, _: float, model: SamplerModel | None) -> Any:
    biases = []
    for entry in knobs.logit_bias:
        text, _colon, bias = entry.rpartition(":")
        if text[0] == "#" and text[1:].isdecimal():
            token = int(text[1:])
        else:
            token = model.first(text) if model else text.encode()[0]
        if token >= (size := _vocabulary(model)):
            raise EngineError(f"logit_bias: there is no token #{token}; this model's go from #0 to #{size - 1}.")
        biases.append(C.llama_logit_bias(token, float(bias)))
    array = (C.llama_logit_bias * len(biases))(*biases)
    return C.llama_sampler_init_logit_bias(_vocabulary(model), len(biases), array)


def _mirostat(knobs: Knobs, mu: float, model: SamplerModel | None) -> Any:
    # A sampler begins with mu at twice its tau, so one with half of mu for tau cuts as one that has come to mu.
    if knobs.mirostat == 1:
        return C.llama_sampler_init_mirostat(_vocabulary(model), 0, mu / 2, knobs.mirostat_eta, 100)
    return C.llama_sampler_init_mirostat_v2(0, mu / 2, knobs.mirostat_eta)


_SAMPLERS: dict[str, Callable[[Knobs, float, SamplerModel | None], Any]] = {
    "logit_bias": _logit_bias,
    "penalties": _penalties,
    "dry": _dry,
    "top_n_sigma": lambda knobs, _, model: C.llama_sampler_init_top_n_sigma(knobs.top_n_sigma),
    "top_k": lambda knobs, _, model: C.llama_sampler_init_top_k(knobs.top_k),
    "typical_p": lambda knobs, _, model: C.llama_sampler_init_typical(knobs.typical_p, 1),
    "top_p": lambda knobs, _, model: C.llama_sampler_init_top_p(knobs.top_p, 1),
    "min_p": lambda knobs, _, model: C.llama_sampler_init_min_p(knobs.min_p, 1),
    # Whether it acts on this token was decided by our own draw.
    "xtc": lambda knobs, _, model: C.llama_sampler_init_xtc(1.0, knobs.xtc_threshold, 1, 0),
    "temperature": lambda knobs, _, model: C.llama_sampler_init_temp_ext(
        knobs.temperature, knobs.dynatemp_range, knobs.dynatemp_exponent
    ),
    "mirostat": _mirostat,
    "greedy": lambda knobs, _, model: C.llama_sampler_init_temp(0.0),
    # A fresh sampler aims at its target itself, so the target given is the aim of this token.
    "adaptive_p": lambda knobs, aim, model: C.llama_sampler_init_adaptive_p(aim, knobs.adaptive_decay, 0),
}
