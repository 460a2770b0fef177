"""llama.cpp without twiddle, for the benchmark to compare with: its plain loop, and llama-cpp-python's own chat."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llama_cpp as C

from tui.chat import Message
from tui.engine.llama.model import Llama
from tui.engine.llama.options import model_params
from tui.errors import EngineError
from tui.knobs import Knobs


class Endless(Llama):
    """A model whose replies go on for as many tokens as are asked for."""

    def is_end(self, token: int) -> bool:
        return False


def plain_loop(model: Llama, prompt: Sequence[int], count: int, knobs: Knobs) -> float:
    """Tokens a second of the shortest loop there is, in the context of a model, which is empty before and after.

    One sampler chain of the default stages picks each token, and nothing is made of it.
    """
    chain = _chain(knobs)
    memory = C.llama_get_memory(model._ctx)
    C.llama_memory_clear(memory, True)
    for start in range(0, len(prompt), model.batch):
        _decode(model, prompt[start : start + model.batch])
    began = time.perf_counter()
    for written in range(1, count + 1):
        token = C.llama_sampler_sample(chain, model._ctx, -1)
        if written < count:
            _decode(model, [token])
    seconds = time.perf_counter() - began
    C.llama_sampler_free(chain)
    C.llama_memory_clear(memory, True)
    return count / seconds


def _decode(model: Llama, tokens: Sequence[int]) -> None:
    array = (C.llama_token * len(tokens))(*tokens)
    if C.llama_decode(model._ctx, C.llama_batch_get_one(array, len(tokens))):
        raise EngineError("llama.cpp could not evaluate the batch of the plain loop.")


def _chain(knobs: Knobs) -> Any:
    chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    C.llama_sampler_chain_add(chain, C.llama_sampler_init_top_k(knobs.top_k))
    C.llama_sampler_chain_add(chain, C.llama_sampler_init_top_p(knobs.top_p, 1))
    C.llama_sampler_chain_add(chain, C.llama_sampler_init_min_p(knobs.min_p, 1))
    C.llama_sampler_chain_add(chain, C.llama_sampler_init_temp(knobs.temperature))
    C.llama_sampler_chain_add(chain, C.llama_sampler_init_dist(knobs.seed))
    return chain


class HighLevel:
    """llama-cpp-python's `Llama`, set as far as it can be like a model of ours."""

    def __init__(self, model: Llama, knobs: Knobs) -> None:
        """`knobs` are those that the model was loaded with."""
        with _loading_as_we_do(knobs):
            self._llama: Any = C.Llama(
                model.info.path,
                n_ctx=model.context,
                n_batch=model.batch,
                n_ubatch=model.batch,
                n_threads=model.threads.writing,
                n_threads_batch=model.threads.reading,
                n_gpu_layers=knobs.num_gpu,
                flash_attn=model.info.flash_attention,
                no_perf=True,
                verbose=False,
            )

    def write(self, messages: Sequence[Message], count: int, knobs: Knobs) -> float:
        """Tokens a second of `create_chat_completion`, streaming as a chat does, after the first token."""
        asked = [{"role": each.role, "content": each.content} for each in messages]
        self._llama.reset()
        chunks = self._llama.create_chat_completion(
            asked,
            max_tokens=count,
            temperature=knobs.temperature,
            top_k=knobs.top_k,
            top_p=knobs.top_p,
            min_p=knobs.min_p,
            repeat_penalty=knobs.repeat_penalty,
            seed=knobs.seed,
            stream=True,
        )
        times = [time.perf_counter() for chunk in chunks if chunk["choices"][0]["delta"].get("content")]
        if len(times) < 2:
            raise EngineError("llama-cpp-python's reply is too short to be timed; take another model.")
        return (len(times) - 1) / (times[-1] - times[0])

    def close(self) -> None:
        """Give the memory back."""
        self._llama.close()


@contextmanager
def _loading_as_we_do(knobs: Knobs) -> Iterator[None]:
    """Meanwhile `Llama` starts from our parameters: it has none of its own for what crashes on some machines."""
    before = C.llama_cpp.llama_model_default_params
    C.llama_cpp.llama_model_default_params = lambda: model_params(knobs)
    try:
        yield
    finally:
        C.llama_cpp.llama_model_default_params = before
