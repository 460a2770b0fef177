"""Interface to a model and its context: llama.cpp in the program, a script in tests."""

from collections.abc import Sequence
from threading import Event
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tui.engine.loaded_model import ModelInfo
from tui.knobs.table import Knobs

Logits = npt.NDArray[np.float32]
"""One score a token of the vocabulary, shape (vocabulary,)."""

Hidden = npt.NDArray[np.float32]
"""The last hidden state of one token, shape (width,)."""

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""A candidate as llama.cpp lays it out: 12 bytes, `llama_token_data`."""

Candidates = npt.NDArray[Any]
"""An array of CANDIDATE."""


class BatchRow(NamedTuple):
    """One token of a batch."""

    token: int
    position: int
    sequence: int
    logits: bool
    """True if the logits of the next token are wanted."""
    hidden: bool = False
    """True if its hidden state is wanted."""


class Decoded(NamedTuple):
    """Result of a decode."""

    logits: list[Logits]
    """One for each row that wants it, in order."""
    hidden: list[Hidden]
    """One for each row that wants it, in order."""


HIDDEN_ROWS = 64
"""The most rows in a batch with hidden states: llama.cpp then works out the logits of every row."""


class ContextFull(Exception):
    """The context has no room for the batch. Nothing was evaluated."""


class Interrupted(Exception):
    """The evaluation of a prompt was broken off. Nothing was evaluated, where sequences can be shortened.

    Where they cannot, the state of every sequence in the batch is somewhere in between.
    """


class SamplerStage(Protocol):
    """One step of the chain that chooses a token."""

    def apply(self, candidates: Candidates) -> Candidates:
        """Return the candidates that the stage leaves, with their logits changed. The array given is used up."""

    def accept(self, token: int) -> None:
        """Remember a token that was read or written."""


class StageFactory(Protocol):
    """Makes a stage of the chain, set by the knobs; `level` is what mirostat and adaptive-p aim at for this token."""

    def __call__(self, name: str, knobs: Knobs, level: float = 0.0) -> SamplerStage:
        """Build the stage `name` of the chain."""


class Backend(Protocol):
    """A model and its context. Texts are bytes where a token may end inside a character."""

    info: ModelInfo
    cuttable: bool
    """True if a sequence can be shortened; False for recurrent models, whose memory is one running state."""
    sequences: int
    """Number of sequences that the context can hold."""
    batch: int
    """The most rows a decode takes."""
    template: str | None
    """The model's chat template, Jinja."""
    interrupt: Event
    """Set, from any thread, to have the evaluation of a prompt broken off."""
    bos: str
    eos: str
    """Text of the BOS and EOS tokens, for templates that write them."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of a text. Control tokens written out in it are recognised only with `special`."""

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; none for control tokens."""

    def label(self, token: int) -> str:
        """Return a token's text for people: control tokens by name."""

    def opening(self) -> list[int]:
        """Tokens that every prompt begins with, such as BOS where the template does not write it."""

    def is_end(self, token: int) -> bool:
        """Return True if the token ends a reply."""

    def is_control(self, token: int) -> bool:
        """Return True for control tokens, which steer the model and have no text."""

    def decode(self, rows: Sequence[BatchRow]) -> Decoded:
        """Evaluate a batch. Raises ContextFull, Interrupted and EngineError."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Let one sequence begin with the first tokens of another, without evaluating them."""

    def shift(self, sequence: int, keep: int, count: int) -> bool:
        """Drop `count` tokens after the first `keep` and move up those after them; False where that cannot be done.

        No other sequence may hold the tokens that move.
        """

    def drop(self, sequence: int) -> None:
        """Forget what a sequence holds."""

    def stage(self, name: str, knobs: Knobs, level: float = 0.0) -> SamplerStage:
        """Build a stage of the chain: see StageFactory."""

    def close(self) -> None:
        """Give the memory back."""
