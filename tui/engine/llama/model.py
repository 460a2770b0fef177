"""A model and its context, through llama-cpp-python's low-level API."""

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import llama_cpp as C
import numpy as np

from tui.engine.backend import BatchRow, ContextFull, Decoded, Hidden, Interrupted, Logits, SamplerStage
from tui.engine.llama.devices import cores, gpus
from tui.engine.llama.log import LOG
from tui.engine.llama.lora import LoraAdapters
from tui.engine.llama.options import (
    check,
    check_cache,
    context_params,
    devices_used,
    model_params,
    share_cores,
    uses_gpu,
)
from tui.engine.llama.samplers import make_stage
from tui.engine.loaded_model import ModelInfo
from tui.errors import EngineError, ModelError, TwiddleError
from tui.knobs.load_knobs import attention_mode
from tui.knobs.table import KNOBS, Knobs
from tui.models.free_memory import measure_memory
from tui.models.memory import AUTO_CONTEXT, SEQUENCES, refuse_if_too_large
from tui.models.model_info import training_of
from tui.models.preflight import check_model

_NEVER = C.ggml_abort_callback()


class Llama:
    """A loaded model with one context, shared by every sequence (unified KV cache)."""

    def __init__(self, path: str, knobs: Knobs, progress: Callable[[float], None] | None = None) -> None:
        """Load a GGUF; raises KnobError for an option that cannot work, and ModelError with llama.cpp's own reason."""
        C.llama_backend_init()
        LOG.lines.clear()
        check(knobs, gpus(), cores())
        self._model = self._load(path, knobs, progress)
        self.vocab = C.llama_model_get_vocab(self._model)
        self._size = int(C.llama_vocab_n_tokens(self.vocab))
        try:
            self._ctx = self._open(knobs)
        except TwiddleError:
            C.llama_model_free(self._model)
            raise
        self._memory = C.llama_get_memory(self._ctx)
        self._batch = C.llama_batch_init(self.batch, 0, 1)
        self._width = int(C.llama_model_n_embd(self._model))
        self.interrupt = Event()
        self._abort = C.ggml_abort_callback(lambda _: self.interrupt.is_set())
        self._pieces: dict[int, bytes] = {}
        self._labels: dict[int, str] = {}
        recurrent = C.llama_model_is_recurrent(self._model) or C.llama_model_is_hybrid(self._model)
        self.cuttable = not recurrent
        self.sequences = SEQUENCES
        raw_template = C.llama_model_chat_template(self._model, None)
        self.template = raw_template.decode("utf-8", "replace") if raw_template else None
        self.bos, self.eos = self._spelled(C.llama_vocab_bos), self._spelled(C.llama_vocab_eos)
        self.info = self._describe(path, knobs)

    def _load(self, path: str, knobs: Knobs, progress: Callable[[float], None] | None) -> Any:
        params = model_params(knobs)
        header = check_model(Path(path))
        self._base = training_of(header, Path(path)) == "base"
        if not C.llama_supports_gpu_offload() or knobs.num_gpu == 0:
            refuse_if_too_large(header, knobs, measure_memory())

        @C.llama_progress_callback  # type: ignore[untyped-decorator]
        def report(share: float, _: Any) -> bool:
            if progress:
                progress(share)
            return True

        params.progress_callback = report
        model = C.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise ModelError(f"{path}: the model cannot be loaded: {LOG.reason}")
        self._unlocked = LOG.has_logged("mlock")
        return model

    def _open(self, knobs: Knobs) -> Any:
        check_cache(knobs, self._head())
        adapters = LoraAdapters(self._model, knobs.lora)
        trained = int(C.llama_model_n_ctx_train(self._model))
        self.context = knobs.num_ctx or min(trained, AUTO_CONTEXT)
        self.batch = max(SEQUENCES, min(knobs.num_batch, self.context))  # one row a reply must always fit
        self.threads = share_cores(knobs, cores())
        gpu = uses_gpu(knobs, gpus())
        self._attention = attention_mode(knobs, gpu=gpu)
        params = context_params(knobs, self.threads, gpu=gpu)
        params.n_ctx, params.n_batch, params.n_ubatch = self.context, self.batch, self.batch
        params.n_seq_max, params.kv_unified = SEQUENCES, True
        ctx = C.llama_init_from_model(self._model, params)
        if not ctx:
            raise ModelError(f"A context of {self.context} tokens cannot be opened: {LOG.reason}")
        self.context = int(C.llama_n_ctx(ctx))
        self._declined = (
            LOG.has_logged("Flash Attention not supported")
            or LOG.has_logged("flash_attn is not compatible")
            or bool(C.llama_model_is_recurrent(self._model))  # which has no attention of any kind
        )
        adapters.apply_to(ctx)
        return ctx

    def _head(self) -> int:
        """Return the size of an attention head; 0 for models without attention."""
        heads = int(C.llama_model_n_head(self._model))
        said = self._metadata(f"{self._metadata('general.architecture')}.attention.key_length")
        return int(said) if said else int(C.llama_model_n_embd(self._model)) // heads if heads else 0

    def _metadata(self, key: str) -> str:
        """Return a metadata value of the file, at most 255 bytes of it; "" without one."""
        text = ctypes.create_string_buffer(256)
        C.llama_model_meta_val_str(self._model, key.encode(), text, 256)
        return text.value.decode("utf-8", "replace")

    def _spelled(self, which: Callable[[Any], int]) -> str:
        token = which(self.vocab)
        return self.label(token) if token >= 0 else ""

    def _describe(self, path: str, knobs: Knobs) -> ModelInfo:
        text = ctypes.create_string_buffer(256)
        C.llama_model_desc(self._model, text, 256)
        description = text.value.decode("utf-8", "replace")
        layers = int(C.llama_model_n_layer(self._model)) + 1
        gpu_layers, devices = devices_used(knobs, gpus(), layers)
        return ModelInfo(
            path=path,
            name=self._metadata("general.name") or description,
            description=description,
            vocabulary=self._size,
            context=self.context,
            trained_context=int(C.llama_model_n_ctx_train(self._model)),
            base=self._base,
            notice=" ".join(self._notices(knobs)),
            threads=self.threads.writing,
            batch_threads=self.threads.reading,
            layers=layers,
            gpu_layers=gpu_layers,
            devices=devices,
            flash_attention=self._attention != "off" and not self._declined,
            cache_types=(knobs.cache_type_k, knobs.cache_type_v),
        )

    def _notices(self, knobs: Knobs) -> Iterator[str]:
        trained = int(C.llama_model_n_ctx_train(self._model))
        if knobs.num_ctx > trained and C.llama_model_rope_freq_scale_train(self._model) == 1:
            yield f"The model was trained on texts of up to {trained} tokens: past them its replies get worse."
        if not self.cuttable:
            yield (
                "The memory of this model cannot be cut back: another answer, an edit or a branch "
                "evaluates the whole conversation again."
            )
        if knobs.flash_attention == "on" and self._declined:
            yield "flash_attention: this model does without; llama.cpp declined it."
        if knobs.use_mlock and self._unlocked:
            yield "use_mlock: the system would not lock all of the model; raise its limit with `ulimit -l`."
        if knobs.num_gpu > 0 and not gpus():
            yield f"num_gpu: {KNOBS['num_gpu'].show(knobs.num_gpu)} has no effect: llama.cpp found no GPU here."

    # --- tokens -----------------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Return the token ids of a text; `special` recognises control tokens spelled out in it."""
        raw = text.encode("utf-8", "replace")
        size = len(raw) + 16
        while True:
            tokens = (C.llama_token * size)()
            count = C.llama_tokenize(self.vocab, raw, len(raw), tokens, size, False, special)
            if count >= 0:
                return tokens[:count]
            size = -count

    def first(self, text: str) -> int:
        """Return the first token of a text as it is within a reply; raises EngineError if there is none."""
        tokens, raw = self.tokenize(text, special=False), text.encode("utf-8", "replace")
        blank = b"".join(map(self.piece, tokens)) == b" " + raw
        if blank and C.llama_vocab_type(self.vocab) != C.LLAMA_VOCAB_TYPE_WPM:
            # A tokenizer that begins whatever it is given with a blank: take the longest token without it.
            fits = [token for token in range(self._size) if self.piece(token) and raw.startswith(self.piece(token))]
            return max(fits, key=lambda token: len(self.piece(token)), default=tokens[0])
        if not tokens or not self.piece(tokens[0]):
            raise EngineError(f"logit_bias: this model's vocabulary has no token for {text!r}.")
        return tokens[0]

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; none for control tokens and for ids of other vocabularies."""
        if not 0 <= token < self._size:  # of a reply that another model wrote; llama.cpp would end the process
            return b""
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
        """Return the text of a token for people: control tokens by name."""
        label = self._labels.get(token)
        if label is None:
            label = self._labels[token] = self._read_piece(token, special=True).decode("utf-8", "replace")
        return label

    def opening(self) -> list[int]:
        """Return BOS if the file says that every prompt begins with it."""
        return [int(C.llama_vocab_bos(self.vocab))] if C.llama_vocab_get_add_bos(self.vocab) else []

    def is_end(self, token: int) -> bool:
        """Return True for the end-of-generation tokens of the file."""
        return 0 <= token < self._size and bool(C.llama_vocab_is_eog(self.vocab, token))

    def is_control(self, token: int) -> bool:
        """Return True for control, user-defined and unknown tokens."""
        kinds = C.LLAMA_TOKEN_ATTR_CONTROL | C.LLAMA_TOKEN_ATTR_USER_DEFINED | C.LLAMA_TOKEN_ATTR_UNKNOWN
        return 0 <= token < self._size and bool(C.llama_vocab_get_attr(self.vocab, token) & kinds)

    # --- evaluation -------------------------------------------------------------------------------------------------

    def decode(self, rows: Sequence[BatchRow]) -> Decoded:
        """Evaluate a batch; raises ContextFull, Interrupted and EngineError."""
        batch = self._batch
        hidden = any(row.hidden for row in rows)  # then llama.cpp wants every row to be an output
        C.llama_set_embeddings(self._ctx, hidden)
        # Asked at every node of the graph, from the thread that computes: too dear for the one row of a reply.
        C.llama_set_abort_callback(self._ctx, self._abort if len(rows) > SEQUENCES else _NEVER, None)
        batch.n_tokens = len(rows)
        for i, row in enumerate(rows):
            batch.token[i], batch.pos[i], batch.logits[i] = row.token, row.position, row.logits or hidden
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, row.sequence
        code = C.llama_decode(self._ctx, batch)
        if code == 1:
            raise ContextFull
        if code == 2:
            raise Interrupted
        if code != 0:
            raise EngineError(f"llama.cpp could not evaluate the batch (code {code}): {LOG.reason}")
        return Decoded(
            [self._logits(i) for i, row in enumerate(rows) if row.logits],
            [self._hidden(i) for i, row in enumerate(rows) if row.hidden],
        )

    def _logits(self, row: int) -> Logits:
        pointer = C.llama_get_logits_ith(self._ctx, row)
        # llama.cpp writes the next batch over this memory, and a reply may look at its logits again.
        return np.ctypeslib.as_array(pointer, shape=(self._size,)).copy()

    def _hidden(self, row: int) -> Hidden:
        pointer = C.llama_get_embeddings_ith(self._ctx, row)
        return np.ctypeslib.as_array(pointer, shape=(self._width,)).copy()

    def shift(self, sequence: int, keep: int, count: int) -> bool:
        """Remove `count` positions after the first `keep` and move the later ones up; False if the memory cannot."""
        if not self.cuttable or not C.llama_memory_can_shift(self._memory):
            return False
        C.llama_memory_seq_rm(self._memory, sequence, keep, keep + count)
        C.llama_memory_seq_add(self._memory, sequence, keep + count, -1, -count)
        return True

    def copy(self, source: int, target: int, length: int) -> None:
        """Replace a sequence by the first `length` positions of another, without evaluating them."""
        C.llama_memory_seq_rm(self._memory, target, -1, -1)
        C.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def drop(self, sequence: int) -> None:
        """Remove all positions of a sequence from the KV cache."""
        C.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def stage(self, name: str, knobs: Knobs, level: float = 0.0) -> SamplerStage:
        """Build a stage of the sampler chain for this vocabulary."""
        return make_stage(name, knobs, level, self)

    def close(self) -> None:
        """Free the batch, the context and the model."""
        C.llama_batch_free(self._batch)
        C.llama_free(self._ctx)
        C.llama_model_free(self._model)
