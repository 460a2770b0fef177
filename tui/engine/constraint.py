"""What a reply may say: JSON, a schema, a regular expression, a list of choices or a grammar, by llguidance.

llguidance turns panics and exhausted limits of its own into errors that a matcher keeps: nothing of it raises here.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper, grammar_from

from tui.engine.backend import Backend
from tui.errors import EngineError
from tui.knobs import CONSTRAINTS, KNOBS, Knobs

LARGEST = 2**18
"""Characters; a larger schema or grammar takes more than a second to read."""

_KEPT = 8
"""Compiled grammars kept for the next reply."""

_JSON_LAYOUT: dict[str, Any] = {"whitespace_flexible": True, "whitespace_pattern": r" |\n {0,40}"}
"""A blank, or a new line and its indentation: a model that may write any white space can write it for ever."""

_LIMITS = LLParserLimits(verbose_errors=False)


class Constraint:
    """Where one reply stands in what it may say."""

    def __init__(self, matcher: LLMatcher, vocabulary: int) -> None:
        self._matcher, self._vocabulary = matcher, vocabulary

    def mask(self) -> npt.NDArray[np.bool_]:
        """Which tokens may come next, shape (vocabulary,). Raises EngineError when a limit is hit."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        return np.unpackbits(bits, count=self._vocabulary, bitorder="little").view(np.bool_)

    def accept(self, token: int) -> None:
        """Go on with a token that may come next. Raises EngineError when a limit is hit."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)
            self._check()

    def copy(self) -> "Constraint":
        """Another that stands at the same place."""
        return Constraint(self._matcher.deep_copy(), self._vocabulary)

    def _check(self) -> None:
        if self._matcher.is_error():
            raise EngineError(f"The constraint cannot be followed further: {_first(self._matcher.get_error())}.")


class Grammars:
    """The constraints of one model."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tokenizer: LLTokenizer | None = None
        self._compiled: OrderedDict[tuple[str, object], LLMatcher] = OrderedDict()

    def constraint(self, knobs: Knobs) -> Constraint | None:
        """The constraint that the knobs ask for, at its start; raises EngineError for one that cannot be used."""
        wanted = [name for name in CONSTRAINTS if getattr(knobs, name) != KNOBS[name].default]
        if not wanted:
            return None
        if len(wanted) > 1:
            raise EngineError(f"{' and '.join(wanted)} are both set; a reply can be bound by one of them.")
        key = (wanted[0], getattr(knobs, wanted[0]))
        if key not in self._compiled:
            self._compiled[key] = self._compile(*key)
        self._compiled.move_to_end(key)
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return Constraint(self._compiled[key].deep_copy(), self._backend.info.vocabulary)

    def _compile(self, name: str, value: Any) -> LLMatcher:
        if len(value) > LARGEST or sum(map(len, value)) > LARGEST:
            raise EngineError(f"{name}: it is longer than {LARGEST} characters; make it smaller.")
        grammar = _GRAMMARS[name](value)
        if self._tokenizer is None:
            ends = [token for token in range(self._backend.info.vocabulary) if self._backend.is_end(token)]
            self._tokenizer = LLTokenizer(_Vocabulary(self._backend, ends), eos_token=ends)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=_LIMITS)
        if matcher.is_error():
            raise EngineError(f"{name}: {_place(name, value, matcher.get_error())}.")
        return matcher


class _Vocabulary(TokenizerWrapper):
    """A model's tokens as llguidance asks for them."""

    def __init__(self, backend: Backend, ends: list[int]) -> None:
        count = range(backend.info.vocabulary)
        self.eos_token_id, self.bos_token_id = ends[0], None
        self.special_token_ids = [token for token in count if backend.is_control(token) or not backend.piece(token)]
        special = set(self.special_token_ids)
        # What is special is named, since two tokens that say nothing could not be told apart.
        self.tokens = [f"<|{token}|>".encode() if token in special else backend.piece(token) for token in count]
        self._tokenize = backend.tokenize
        self.is_tokenizer_wrapper = True

    def __call__(self, text: bytes | str) -> list[int]:
        return self._tokenize(text if isinstance(text, str) else text.decode("utf-8", "replace"), special=False)


def _schema(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise EngineError(f"schema: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise EngineError("schema: it is nested too deeply.") from None
    try:
        return LLMatcher.grammar_from_json_schema(text, defaults=_JSON_LAYOUT)  # type: ignore[arg-type]
    except ValueError as error:
        raise EngineError(f"schema: {_first(str(error))}.") from None


def _grammar(text: str) -> str:
    try:
        return grammar_from("grammar", text)
    except ValueError as error:
        said = str(error).removeprefix("Failed to convert the grammar from GBNF to Lark: ")
        raise EngineError(f"grammar: {said}.") from None


_GRAMMARS: dict[str, Callable[[Any], str]] = {
    "format": lambda _: _schema('{"type": "object"}'),
    "schema": _schema,
    "regex": LLMatcher.grammar_from_regex,
    "choices": lambda texts: grammar_from("choice", json.dumps(texts)),
    "grammar": _grammar,
}


def _place(name: str, value: Any, error: str) -> str:
    """What is wrong, and where in the text that the person wrote."""
    if name == "regex" and (found := re.search(r"\n    ( *)\^+\nerror: (.*)", error)):
        return f"column {len(found[1]) + 1}: {found[2]}"
    if found := re.match(r"(?:at )?(\d+)\((\d+)\): (.*)", error):
        return f"line {found[1]}, column {found[2]}: {found[3]}"
    if name == "schema":
        named = set(re.findall(r'"([^"]+)"|: (\w+)$', _first(error)))
        where = _path(json.loads(value), {word for pair in named for word in pair if word})
        return f"{_first(error)}{f' at {where}' if where else ''}"
    return _first(error)


def _path(schema: Any, words: set[str], path: str = "#") -> str:
    """Where in a schema one of some words stands, as a JSON pointer."""
    entries = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in entries:
        if key in words or (isinstance(value, str) and value in words):
            return f"{path}/{key}"
        if found := _path(value, words, f"{path}/{key}"):
            return found
    return ""


def _first(error: str) -> str:
    return error.strip().partition("\n")[0].rstrip(".")
