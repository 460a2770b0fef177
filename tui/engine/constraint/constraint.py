"""Constraints on a reply: JSON, a schema, a regular expression, choices or a grammar, by llguidance.

A matcher of llguidance's keeps panics and exhausted limits as errors: nothing of it raises here.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from tui.engine.backend import Backend
from tui.engine.constraint.grammar import LIMITS, first_line
from tui.engine.constraint.grammar_worker import read_apart
from tui.errors import EngineError
from tui.knobs.lint import conflict
from tui.knobs.table import CONSTRAINTS, KNOBS, Knobs

LARGEST = 2**18
"""Characters; a larger schema or grammar takes more than a second to read."""

_KEPT = 8
"""Compiled grammars kept for the next reply."""

_LONGEST = 1024
"""Bytes; llguidance panics over a vocabulary with a longer token."""


def is_bound(knobs: Knobs) -> bool:
    """Return True if the knobs set a constraint."""
    return any(getattr(knobs, name) != KNOBS[name].default for name in CONSTRAINTS)


class Constraint:
    """State of one reply's constraint: a matcher of llguidance after the tokens so far."""

    opening: tuple[int, ...] = ()
    """Tokens of a thought that may come before."""

    def __init__(self, matcher: LLMatcher, vocabulary: "Vocabulary") -> None:
        self._matcher, self._vocabulary = matcher, vocabulary

    def mask(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the tokens that may come next, shape (vocabulary,). Raises EngineError at a limit."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        ends = self._matcher.is_accepting()
        self._check()
        tokens = self._vocabulary
        allowed = np.unpackbits(bits, count=len(tokens.tokens), bitorder="little").view(np.bool_)
        # A grammar can name tokens by number: those that steer the model are none to be said.
        allowed[tokens.unsayable] = False
        allowed[tokens.ends] = ends
        return allowed

    def accept(self, token: int) -> None:
        """Go on with a token that may come next. Raises EngineError when a limit is hit."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)
            self._check()

    def copy(self) -> "Constraint":
        """Return a copy with the same state."""
        return Constraint(self._matcher.deep_copy(), self._vocabulary)

    def _check(self) -> None:
        if self._matcher.is_error():
            raise EngineError(f"The constraint cannot be followed further: {first_line(self._matcher.get_error())}.")


class Grammars:
    """Constraints of one model, compiled; the last ones used are kept."""

    def __init__(self, backend: Backend, read: Callable[[str, Any], str] = read_apart) -> None:
        self._backend, self._read = backend, read
        self._compiled: OrderedDict[tuple[str, object], LLMatcher] = OrderedDict()

    def constraint(self, knobs: Knobs) -> Constraint | None:
        """Return the constraint that the knobs set, at its start; None without one. Raises EngineError."""
        wanted = [name for name in CONSTRAINTS if getattr(knobs, name) != KNOBS[name].default]
        if not wanted:
            return None
        if said := conflict(knobs):
            raise EngineError(said)
        key = (wanted[0], getattr(knobs, wanted[0]))
        if key not in self._compiled:
            self._compiled[key] = self._compile(*key)
        self._compiled.move_to_end(key)
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return Constraint(self._compiled[key].deep_copy(), self._vocabulary)

    def _compile(self, name: str, value: Any) -> LLMatcher:
        if len(value) > LARGEST or sum(map(len, value)) > LARGEST:
            raise EngineError(f"{name}: it is longer than {LARGEST} characters; make it smaller.")
        grammar = self._read(name, value)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LIMITS)
        if matcher.is_error():
            raise EngineError(f"{name}: {first_line(matcher.get_error())}.")
        return matcher

    @cached_property
    def _vocabulary(self) -> "Vocabulary":
        return Vocabulary(self._backend)

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        return LLTokenizer(self._vocabulary, eos_token=self._vocabulary.ends)


class Vocabulary(TokenizerWrapper):
    """Vocabulary of a model as llguidance's TokenizerWrapper."""

    def __init__(self, backend: Backend) -> None:
        """Read the vocabulary of a model; raises EngineError if no token of it ends a reply."""
        pieces = [backend.piece(token) for token in range(backend.info.vocabulary)]
        self.ends = [token for token in range(len(pieces)) if backend.is_end(token)]
        if not self.ends:
            raise EngineError("The model has no token that ends a reply, so none can be bound.")
        self.special_token_ids = [
            token
            for token, piece in enumerate(pieces)
            if backend.is_end(token) or not 0 < len(piece) <= _LONGEST  # control tokens say nothing
        ]
        self.unsayable = np.array(self.special_token_ids)
        # What is special is named, since two tokens that say nothing could not be told apart.
        for token in self.special_token_ids:
            pieces[token] = f"<|{token}|>".encode()
        self.tokens = pieces
        self.eos_token_id, self.bos_token_id, self.is_tokenizer_wrapper = self.ends[0], None, True

    def __call__(self, text: bytes | str) -> list[int]:
        """Refuse to tokenize a text."""
        raise NotImplementedError  # asked for where a text is forced: see grammar.UNFORCED
