"""Searches on a real model whose vocabulary is small enough to try everything."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tui.bench.synthetic import TINY, Shape, write_model
from tui.conversation.conversation import Message
from tui.engine.backend import BatchRow
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import Llama
from tui.engine.protocol import Event, Finished, Generate, ReplyRequest, Token
from tui.knobs.table import Knobs, turn

END = 2
QUESTION = (Message("user", "abcd"),)


@pytest.fixture(scope="module", params=[0, 1, 2])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    write_model(path, Shape(seed=request.param))
    model = Llama(str(path), Knobs())
    yield model
    model.close()


class Plain:
    """The model without a cache: every question evaluates everything, one token at a time, in a sequence of its own."""

    def __init__(self, model: Llama, prompt: list[int]) -> None:
        self._model, self.prompt = model, prompt

    def log_p(self, *tokens: int) -> npt.NDArray[np.float64]:
        """Of every token, after the prompt and these."""
        logits = self._decode(tokens, hidden=False)[0].astype(np.float64)
        found: npt.NDArray[np.float64] = logits - np.logaddexp.reduce(logits)
        return found

    def states(self, *tokens: int) -> npt.NDArray[np.float32]:
        """The direction of the hidden state of every token of the prompt and these."""
        states = np.stack(self._decode(tokens, hidden=True)[1:])
        found: npt.NDArray[np.float32] = states / np.linalg.norm(states, axis=1, keepdims=True)
        return found

    def _decode(self, tokens: tuple[int, ...], hidden: bool) -> list[npt.NDArray[np.float32]]:
        last = self._model.sequences - 1
        self._model.drop(last)
        every = [*self.prompt, *tokens]
        states = []
        for position, token in enumerate(every):
            done = self._model.decode([BatchRow(token, position, last, position == len(every) - 1, hidden)])
            states += done.hidden
        self._model.drop(last)
        return [*done.logits, *states]


class Run:
    """A scheduler over the tiny model."""

    def __init__(self, model: Llama, knobs: Knobs) -> None:
        for sequence in range(model.sequences):
            model.drop(sequence)
        events: list[Event] = []
        scheduler = Scheduler(model, events.append)
        self.prompt = scheduler.prompts.write(QUESTION)
        scheduler.generate(Generate((ReplyRequest("a", QUESTION, knobs),)))
        while scheduler.busy:
            scheduler.step()
        self.tokens = [event.trace.id for event in events if isinstance(event, Token)]
        (self.finished,) = [event for event in events if isinstance(event, Finished)]


def test_the_same_shape_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_model(tmp_path / name, TINY)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_it_says_letters(tiny: Llama) -> None:
    tokens = tiny.tokenize("abcd", special=False)
    assert b"".join(map(tiny.piece, tokens)) == b"abcd"
    assert tiny.info.vocabulary == 16


def test_a_beam_as_wide_as_the_tree_finds_the_very_best(tiny: Llama) -> None:
    banned = tuple(f"#{token}:-100" for token in range(16) if token not in (END, 5, 9))
    knobs = turn(
        Knobs(), strategy="beam", num_beams=8, num_predict=3, early_stopping="never", logit_bias=banned, seed=1
    )
    found = Run(tiny, knobs)
    plain = Plain(tiny, found.prompt)
    every = [(*letters, END) for length in range(3) for letters in itertools.product((5, 9), repeat=length)]
    every += list(itertools.product((5, 9), repeat=3))

    def score(tokens: tuple[int, ...]) -> float:
        total = 0.0
        for place, token in enumerate(tokens):
            log_p = plain.log_p(*tokens[:place])
            total += log_p[token] - np.logaddexp.reduce(log_p[[END, 5, 9]])
        return total / len(tokens)

    assert tuple(found.tokens) == max(every, key=score)


def test_a_beam_finds_what_a_plain_one_finds(tiny: Llama) -> None:
    found = Run(tiny, turn(Knobs(), strategy="beam", num_beams=4, num_predict=8, early_stopping="never", seed=1))
    plain = Plain(tiny, found.prompt)
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    done: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, 9):
        steps = sorted(
            ((total + log_p, (*tokens, token)) for total, tokens in live
             for token, log_p in enumerate(plain.log_p(*tokens))),
            reverse=True,
        )[:8]  # fmt: skip
        done += [(total / length, tokens) for total, tokens in steps[:4] if tokens[-1] == END]
        live = [step for step in steps if step[1][-1] != END][:4]
    done += [(total / 8, tokens) for total, tokens in live]
    assert tuple(found.tokens) == max(done)[1]


def test_contrastive_search_finds_what_it_finds_without_a_cache(tiny: Llama) -> None:
    found = Run(tiny, turn(Knobs(), strategy="contrastive", contrastive_k=4, num_predict=12, seed=1))
    plain, written = Plain(tiny, found.prompt), list[int]()
    while len(written) < 12 and END not in written:
        log_p = plain.log_p(*written)
        likeliest = np.argsort(-log_p)[:4].tolist()
        scores = []
        for token in likeliest:
            states = plain.states(*written, token)
            scores.append(0.4 * float(np.exp(log_p[token])) - 0.6 * float((states[:-1] @ states[-1]).max()))
        written.append(likeliest[int(np.argmax(scores))])
    assert found.tokens == written


def test_a_reply_of_a_model_with_more_tokens_is_read_by_its_text(tiny: Llama) -> None:
    replied = (Message("user", "ab"), Message("assistant", "cd", tokens=(10**6, -1)), Message("user", "ef"))
    plain = (*replied[:1], Message("assistant", "cd"), *replied[2:])
    prompts = Scheduler(tiny, lambda event: None).prompts
    assert prompts.write(replied) == prompts.write(plain)
