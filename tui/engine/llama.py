"""llama.cpp through llama-cpp-python's low-level API: the only file that imports llama_cpp.

The binding is pinned exactly: its positional C signatures change between releases.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp as C
import numpy as np

from tui.engine.backend import CANDIDATE, Candidates, ContextFull, Logits, Row
from tui.engine.protocol import Machine, ModelInfo
from tui.errors import EngineError, ModelError
from tui.knobs import Knobs

SEQUENCES = 16
"""Eight replies at once, and eight prefixes kept for the next request."""

AUTO_CONTEXT = 8192
"""The largest context taken unasked: a model's own can be 128k tokens, whose cache would fill the memory."""

_WARNING, _ERROR, _CONTINUED = 3, 4, 5


class _Log:
    """llama.cpp's log: warnings and errors go to stderr, and the last ones are kept as the reason of a failure."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._level = 0
        self.callback = C.llama_log_callback(self._take)

    def _take(self, level: int, text: bytes, _: Any) -> None:
        self._level = level if level != _CONTINUED else self._level
        if self._level in (_WARNING, _ERROR):
            self.lines.append(text.decode("utf-8", "replace"))
            del self.lines[:-50]
            os.write(2, text)

    @property
    def reason(self) -> str:
        """The last thing it complained of."""
        lines = [line for line in "".join(self.lines).splitlines() if line.strip()]
        return lines[-1].strip() if lines else "llama.cpp gave no reason"


_log = _Log()
C.llama_log_set(_log.callback, ctypes.c_void_p(0))


def machine() -> Machine:
    """What this build of llama.cpp can do on this machine."""
    return Machine(
        binding=C.__version__,
        system=C.llama_print_system_info().decode("utf-8", "replace").strip(" |"),
        offload=bool(C.llama_supports_gpu_offload()),
        cores=os.cpu_count() or 1,
    )


class Llama:
    """A loaded model with one context, shared by every sequence (unified KV cache)."""

    def __init__(self, path: str, knobs: Knobs, progress: Callable[[float], None] | None = None) -> None:
        """Load a GGUF; raises ModelError with llama.cpp's own reason."""
        C.llama_backend_init()
        _log.lines.clear()
        self._model = self._load(path, knobs, progress)
        self.vocab = C.llama_model_get_vocab(self._model)
        self._size = int(C.llama_vocab_n_tokens(self.vocab))
        self._ctx = self._open(knobs)
        self._memory = C.llama_get_memory(self._ctx)
        self._batch = C.llama_batch_init(self.batch, 0, 1)
        self._pieces: dict[int, bytes] = {}
        self._labels: dict[int, str] = {}
        recurrent = C.llama_model_is_recurrent(self._model) or C.llama_model_is_hybrid(self._model)
        self.cuttable = not recurrent
        self.sequences = SEQUENCES
        self.template = self._template()
        self.bos, self.eos = self._spelled(C.llama_vocab_bos), self._spelled(C.llama_vocab_eos)
        self.info = self._describe(path, knobs)

    def _load(self, path: str, knobs: Knobs, progress: Callable[[float], None] | None) -> Any:
        params = C.llama_model_default_params()
        params.n_gpu_layers = 2**31 - 1 if knobs.num_gpu < 0 else knobs.num_gpu

        @C.llama_progress_callback  # type: ignore[untyped-decorator]
        def report(share: float, _: Any) -> bool:
            if progress:
                progress(share)
            return True

        params.progress_callback = report
        model = C.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise ModelError(f"{path}: the model cannot be loaded: {_log.reason}")
        return model

    def _open(self, knobs: Knobs) -> Any:
        trained = int(C.llama_model_n_ctx_train(self._model))
        self.context = knobs.num_ctx or min(trained, AUTO_CONTEXT)
        self.batch = max(SEQUENCES, min(knobs.num_batch, self.context))  # one row a reply must always fit
        # ggml's threads spin while they wait for each other: with a busy screen beside as many of them as there are
        # cores, 120 tokens a second became 30 (2 cores). One fewer costs nothing there. Reading a prompt, or several
        # replies at once, gains from every core.
        cores = os.cpu_count() or 1
        self.threads = knobs.num_thread or max(1, cores - 1)
        params = C.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = self.context, self.batch, self.batch
        params.n_seq_max, params.kv_unified = SEQUENCES, True
        params.n_threads, params.n_threads_batch = self.threads, knobs.num_thread or cores
        params.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.no_perf = True
        ctx = C.llama_init_from_model(self._model, params)
        if not ctx:
            C.llama_model_free(self._model)
            raise ModelError(f"A context of {self.context} tokens cannot be opened: {_log.reason}")
        self.context = int(C.llama_n_ctx(ctx))
        return ctx

    def _template(self) -> str | None:
        raw = C.llama_model_chat_template(self._model, None)
        return raw.decode("utf-8", "replace") if raw else None

    def _spelled(self, which: Callable[[Any], int]) -> str:
        token = which(self.vocab)
        return self.label(token) if token >= 0 else ""

    def _describe(self, path: str, knobs: Knobs) -> ModelInfo:
        text = ctypes.create_string_buffer(256)
        C.llama_model_desc(self._model, text, 256)
        description = text.value.decode("utf-8", "replace")
        C.llama_model_meta_val_str(self._model, b"general.name", text, 256)
        layers = int(C.llama_model_n_layer(self._model))
        offload = bool(C.llama_supports_gpu_offload())
        return ModelInfo(
            path=path,
            name=text.value.decode("utf-8", "replace"),
            description=description,
            vocabulary=self._size,
            context=self.context,
            trained_context=int(C.llama_model_n_ctx_train(self._model)),
            threads=self.threads,
            gpu_layers=(layers if knobs.num_gpu < 0 else min(knobs.num_gpu, layers)) if offload else 0,
        )

    # --- tokens -----------------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        size = len(raw) + 16
        while True:
            tokens = (C.llama_token * size)()
            count = C.llama_tokenize(self.vocab, raw, len(raw), tokens, size, False, special)
            if count >= 0:
                return tokens[:count]
            size = -count

    def first(self, text: str) -> int:
        """The first token of a text."""
        return self.tokenize(text, special=False)[0]

    def piece(self, token: int) -> bytes:
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token, special=False)
        return piece

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        # llama-cpp-python's own detokenizer drops pieces longer than 32 bytes: ask again with the size it names.
        size = 32
        while True:
            text = ctypes.create_string_buffer(size)
            count = int(C.llama_token_to_piece(self.vocab, token, text, size, 0, special))
            if count >= 0:
                return text.raw[:count]
            size = -count

    def label(self, token: int) -> str:
        label = self._labels.get(token)
        if label is None:
            label = self._labels[token] = self._read_piece(token, special=True).decode("utf-8", "replace")
        return label

    def opening(self) -> list[int]:
        return [int(C.llama_vocab_bos(self.vocab))] if C.llama_vocab_get_add_bos(self.vocab) else []

    def is_end(self, token: int) -> bool:
        return bool(C.llama_vocab_is_eog(self.vocab, token))

    def is_control(self, token: int) -> bool:
        kinds = C.LLAMA_TOKEN_ATTR_CONTROL | C.LLAMA_TOKEN_ATTR_USER_DEFINED | C.LLAMA_TOKEN_ATTR_UNKNOWN
        return bool(C.llama_vocab_get_attr(self.vocab, token) & kinds)

    # --- evaluation -------------------------------------------------------------------------------------------------

    def decode(self, rows: Sequence[Row]) -> list[Logits]:
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i], batch.pos[i], batch.logits[i] = row.token, row.position, row.logits
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, row.sequence
        code = C.llama_decode(self._ctx, batch)
        if code == 1:
            raise ContextFull
        if code != 0:
            raise EngineError(f"llama.cpp could not evaluate the batch (code {code}): {_log.reason}")
        return [self._logits(i) for i, row in enumerate(rows) if row.logits]

    def _logits(self, row: int) -> Logits:
        pointer = C.llama_get_logits_ith(self._ctx, row)
        # llama.cpp writes the next batch over this memory, and a reply may look at its logits again.
        return np.ctypeslib.as_array(pointer, shape=(self._size,)).copy()

    def copy(self, source: int, target: int, length: int) -> None:
        C.llama_memory_seq_rm(self._memory, target, -1, -1)
        C.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def drop(self, sequence: int) -> None:
        C.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def stage(self, name: str, knobs: Knobs, level: float = 0.0) -> "Sampler":
        return make_stage(name, knobs, level, self)

    def close(self) -> None:
        C.llama_batch_free(self._batch)
        C.llama_free(self._ctx)
        C.llama_model_free(self._model)


class Sampler:
    """One of llama.cpp's samplers as a stage."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer
        self._array: Any = C.llama_token_data_array()

    def apply(self, candidates: Candidates) -> Candidates:
        array, address = self._array, candidates.ctypes.data
        array.data = ctypes.cast(address, C.llama_token_data_p)
        array.size, array.selected, array.sorted = len(candidates), -1, False
        C.llama_sampler_apply(self._pointer, ctypes.byref(array))
        left = ctypes.addressof(array.data.contents)
        if left != address:  # some samplers sort into memory of their own and point there
            ctypes.memmove(address, left, array.size * CANDIDATE.itemsize)
        return candidates[: array.size]

    def accept(self, token: int) -> None:
        C.llama_sampler_accept(self._pointer, token)

    def __del__(self) -> None:
        C.llama_sampler_free(self._pointer)


def make_stage(name: str, knobs: Knobs, level: float = 0.0, model: Llama | None = None) -> Sampler:
    """A stage of the chain; only the texts of logit_bias and of DRY's breakers need a model."""
    return Sampler(_SAMPLERS[name](knobs, level, model))


def _window(last_n: int, model: Llama | None) -> int:
    return last_n if last_n >= 0 else model.context if model else _SCRIPTED_CONTEXT


def _vocabulary(model: Llama | None) -> int:
    return model.info.vocabulary if model else _SCRIPTED_VOCABULARY


_SCRIPTED_CONTEXT, _SCRIPTED_VOCABULARY = 4096, 258


def _penalties(knobs: Knobs, _: float, model: Llama | None) -> Any:
    last_n = _window(knobs.repeat_last_n, model)
    penalties = (knobs.repeat_penalty, knobs.frequency_penalty, knobs.presence_penalty)
    return C.llama_sampler_init_penalties(_vocabulary(model), last_n, *penalties)


def _dry(knobs: Knobs, _: float, model: Llama | None) -> Any:
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


def _logit_bias(knobs: Knobs, _: float, model: Llama | None) -> Any:
    biases = []
    for entry in knobs.logit_bias:
        text, _colon, bias = entry.rpartition(":")
        if text[0] == "#" and text[1:].isdecimal():
            token = int(text[1:])
        else:
            token = model.first(text) if model else text.encode()[0]
        if token < _vocabulary(model):
            biases.append(C.llama_logit_bias(token, float(bias)))
    array = (C.llama_logit_bias * len(biases))(*biases)
    return C.llama_sampler_init_logit_bias(_vocabulary(model), len(biases), array)


def _mirostat(knobs: Knobs, mu: float, model: Llama | None) -> Any:
    # A sampler begins with mu at twice its tau, so one with half of mu for tau cuts as one that has come to mu.
    if knobs.mirostat == 1:
        return C.llama_sampler_init_mirostat(_vocabulary(model), 0, mu / 2, knobs.mirostat_eta, 100)
    return C.llama_sampler_init_mirostat_v2(0, mu / 2, knobs.mirostat_eta)


_SAMPLERS: dict[str, Callable[[Knobs, float, Llama | None], Any]] = {
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
    # A fresh sampler aims at its target itself, so the target given is the aim of this token.
    "adaptive_p": lambda knobs, aim, model: C.llama_sampler_init_adaptive_p(aim, knobs.adaptive_decay, 0),
}
