"""Baselines for the engine: a bare llama.cpp loop, and llama-cpp-python's own `create_chat_completion`."""

import time
from collections.abc import Sequence
from typing import Any

import llama_cpp as C

from tui.conversation.conversation import Message
from tui.engine.llama.model import Llama
from tui.engine.llama.options import model_params
from tui.errors import EngineError
from tui.knobs.table import Knobs


class Endless(Llama):
    """A model whose replies go on for as many tokens as are asked for, so that none is too short to be timed."""

    def is_end(self, token: int) -> bool:
        """Return False, so that no token ends a reply."""
        return False


def raw_rate(model: Llama, prompt: Sequence[int], tokens: int) -> float:
    """Tokens a second of a bare loop in the model's own context: decode one, sample with llama.cpp's default chain."""
    model.drop(0)
    chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    for stage in (
        C.llama_sampler_init_top_k(40),
        C.llama_sampler_init_top_p(0.95, 1),
        C.llama_sampler_init_min_p(0.05, 1),
        C.llama_sampler_init_temp(0.8),
        C.llama_sampler_init_dist(1),
    ):
        C.llama_sampler_chain_add(chain, stage)
    batch = C.llama_batch_init(max(len(prompt), 1), 0, 1)
    _decode(model, batch, prompt, 0)
    first = 0.0
    for index in range(tokens):
        token = C.llama_sampler_sample(chain, model._ctx, -1)
        model.piece(token)
        first = first or time.perf_counter()
        _decode(model, batch, [token], len(prompt) + index)
    seconds = time.perf_counter() - first
    C.llama_batch_free(batch)
    C.llama_sampler_free(chain)
    model.drop(0)
    return tokens / seconds


def _decode(model: Llama, batch: Any, tokens: Sequence[int], position: int) -> None:
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.logits[i] = token, position + i, i == len(tokens) - 1
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
    code = C.llama_decode(model._ctx, batch)
    if code:
        raise EngineError(f"llama.cpp could not evaluate a batch of the raw loop (code {code}).")


class HighLevel:
    """`Llama.create_chat_completion`, as most programs use it."""

    def __init__(self, path: str, model: Llama) -> None:
        """Open the file again, with the threads and the context of a loaded model."""
        made, safe = C.llama_model_default_params, model_params(Knobs()).use_extra_bufts

        def defaults() -> Any:
            params = made()
            params.use_extra_bufts = safe  # it has no parameter for it: see `tui.engine.llama.options`
            return params

        C.llama_cpp.llama_model_default_params = defaults
        try:
            self._llama = C.Llama(
                path,
                n_ctx=model.context,
                n_batch=model.batch,
                n_ubatch=model.batch,
                n_threads=model.info.threads,
                n_threads_batch=model.info.batch_threads,
                flash_attn=model.info.flash_attention,
                verbose=False,
            )
        finally:
            C.llama_cpp.llama_model_default_params = made

    def rate(self, question: Sequence[Message], tokens: int) -> float:
        """Tokens a second after the first."""
        llama: Any = self._llama  # its types leave out what a list of messages is made of
        llama.reset()
        asked = [{"role": message.role, "content": message.content} for message in question]
        stream = llama.create_chat_completion(
            asked, max_tokens=tokens, temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, seed=1, stream=True
        )
        times = [time.perf_counter() for chunk in stream if "content" in chunk["choices"][0]["delta"]]
        if len(times) < 2:
            raise EngineError("create_chat_completion ends this reply too soon to be timed; measure another model.")
        return (len(times) - 1) / (times[-1] - times[0])

    def close(self) -> None:
        """Give the memory back."""
        self._llama.close()
