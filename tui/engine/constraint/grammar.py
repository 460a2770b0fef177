"""Grammars for llguidance from the constraint knobs; an error names the line and column of the mistake.

Reading may take for ever or end the process: see tui.engine.constraint.grammar_worker, which does it apart.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper, grammar_from
from llguidance.gbnf_to_lark import GbnfToLarkError

from tui.errors import EngineError

LIMITS = LLParserLimits(max_lexer_states=50_000, verbose_errors=False)
"""llguidance's own, but for the states of a lexer: each takes 2 kB, and theirs are half a gigabyte."""

UNFORCED = '%llguidance {"no_forcing": true}'
"""Let every way of writing a text be allowed. Where a text is the only one that can follow, llguidance would allow just
the tokens that the model's tokenizer makes of it, and many a tokenizer begins whatever it is given with a blank."""

_JSON_LAYOUT: dict[str, Any] = {"whitespace_flexible": True, "whitespace_pattern": r" |\n {0,40}"}
"""A blank, or a new line and its indentation: a model that may write any white space can write it for ever."""

_RULE = re.compile(r"^[ \t]*([\w-]+)[ \t]*::=", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|.)", re.DOTALL)

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "unevaluatedProperties", "contains", "propertyNames", "not", "if", "then")
"""The keywords of a schema that hold schemas: by name, in a list, and one."""

_TRIED = 500
"""Parts of a bad schema looked at for where the mistake is."""


def read(name: str, value: Any) -> str:
    """Return the llguidance grammar of a constraint knob; raises EngineError for a value that has none."""
    grammar = _READERS[name](value)
    if error := _fault(grammar):
        raise EngineError(f"{name}: {_PLACES[name](value, error)}.")
    return grammar


def first_line(error: str) -> str:
    """Return the first line of an error of llguidance."""
    said = error.strip().partition("\n")[0].rstrip(".").removeprefix("Parser Error: ")
    return "nothing fits it" if said.startswith("NoExtension") else said


def _fault(grammar: str) -> str:
    """Return the error of a grammar, or "". It is run to its first token, since some faults show no sooner."""
    matcher = LLMatcher(_bytes(), grammar, log_level=0, limits=LIMITS)
    if not matcher.is_error():
        matcher.compute_bitmask()
    return matcher.get_error()


@cache
def _bytes() -> LLTokenizer:
    return LLTokenizer(_Bytes())


class _Bytes(TokenizerWrapper):
    """A byte a token, and one to end."""

    def __init__(self) -> None:
        self.tokens, self.special_token_ids = [*(bytes([byte]) for byte in range(256)), b"<end>"], [256]
        self.eos_token_id, self.bos_token_id, self.is_tokenizer_wrapper = 256, None, True

    def __call__(self, text: bytes | str) -> list[int]:
        raise NotImplementedError  # asked for where a text is forced: see UNFORCED


def _unforced(grammar: str) -> str:
    whole = json.loads(grammar)
    whole["grammars"].insert(0, {"lark_grammar": f"{UNFORCED}\nstart: @{whole['grammars'][0]['name']}"})
    return json.dumps(whole)


# --- schemas ------------------------------------------------------------------------------------------------------


def _schema(text: str) -> str:
    try:
        # As text, since Python refuses to read an integer of 5,000 digits with an error of its own.
        schema = json.loads(text, parse_int=str)
    except json.JSONDecodeError as error:
        raise EngineError(f"schema: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise EngineError("schema: it is nested too deeply.") from None
    if not isinstance(schema, dict):
        raise EngineError("schema: line 1, column 1: a schema is an object; begin it with {.")
    try:
        return _json_grammar(text)
    except ValueError as error:
        found = re.fullmatch(r"(.*) at line (\d+) column (\d+)", first_line(str(error)))
        said = f"line {found[2]}, column {found[3]}: {found[1]}" if found else first_line(str(error))
        raise EngineError(f"schema: {said}.") from None


def _json_grammar(text: str) -> str:
    return _unforced(LLMatcher.grammar_from_json_schema(text, defaults=_JSON_LAYOUT))  # type: ignore[arg-type]


def _in_schema(text: str, error: str) -> str:
    """Return the error of a schema, with the JSON pointer of the innermost part that causes the same error."""
    said = re.sub(r"^regex parse error:.*\nerror: ", "pattern: ", error, flags=re.DOTALL)
    said = re.sub(r"oneOf constraints are not supported.*", "oneOf is not supported; use anyOf", first_line(said))
    for path, part in islice(_parts(json.loads(text), "#"), _TRIED):
        if _fault(_json_grammar(json.dumps(part))) == error:
            words = set(re.findall(r"[$\w]+", said))
            keys = [key for key, value in part.items() if key in words or (isinstance(value, str) and value in words)]
            return f"{said} at {'/'.join((path, *keys[:1]))}"
    return said


def _parts(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each schema within a schema and then itself, with its JSON pointer, the innermost first."""
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            for name, part in value.items():
                yield from _parts(part, f"{path}/{key}/{name.replace('~', '~0').replace('/', '~1')}")
        elif key in _LISTED and isinstance(value, list):
            for index, part in enumerate(value):
                yield from _parts(part, f"{path}/{key}/{index}")
        elif key in _SINGLE:
            yield from _parts(value, f"{path}/{key}")
    yield path, schema


# --- regular expressions and choices ------------------------------------------------------------------------------


def _regex(text: str) -> str:
    return _unforced(LLMatcher.grammar_from_regex(text))


def _in_regex(text: str, error: str) -> str:
    if found := re.search(r"\n    (.*)\n    ( *)\^+\nerror: (.*)", error):
        place = _line_and_column(text, _unescaped(text, found[1], len(found[2])))
        return f"{place if chr(10) in text else place.partition(', ')[2]}: {found[3]}"
    if "lookarounds not supported" in error:
        return r"\b, and ^ or $ within it, are not supported; it is matched with the whole reply anyway"
    return first_line(error).partition("(in regex): ")[2] or first_line(error)


def _unescaped(text: str, shown: str, end: int) -> int:
    """Return the index in `text` of the position `end` in `shown`, the same text with some characters escaped."""
    reached = 0
    for index, char in enumerate(text):
        if reached >= end:
            return index
        reached += 1 if shown[reached] == char else 2
    return len(text)


def _choices(texts: tuple[str, ...]) -> str:
    """As one regular expression: alternatives of a grammar may be no more than 2,000."""
    spelled = (re.sub(r"[^0-9A-Za-z]", lambda char: rf"\x{{{ord(char[0]):x}}}", text) for text in texts)
    return _regex("|".join(spelled))


def _line_and_column(text: str, at: int) -> str:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"line {line}, column {column}"


# --- grammars -----------------------------------------------------------------------------------------------------


def _grammar(text: str) -> str:
    if not _RULE.search(text):
        return f"{text}\n{UNFORCED}"  # at the end, so that the lines keep their numbers
    for rule in _RULE.finditer(text):
        if rule[1] == "start":  # what the converter calls the root
            place = _line_and_column(text, rule.start(1))
            raise EngineError(f"grammar: {place}: a rule cannot be called start; give it another name.")
    try:
        return f"{grammar_from('gbnf', _ESCAPE.sub(_character, text))}\n{UNFORCED}"
    except ValueError as error:
        raise EngineError(f"grammar: {_in_gbnf(text, error.__context__)}.") from None


def _character(escape: re.Match[str]) -> str:
    """Replace an escape by its character: the converter drops the leading zeros of an escape."""
    code = int(escape[1] or escape[2] or "0", 16)
    if code < 0x80:
        return f"\\x{code:02x}" if code else escape[0]
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else escape[0]


def _in_gbnf(text: str, cause: BaseException | None) -> str:
    if isinstance(cause, GbnfToLarkError):
        return f"{_line_and_column(text, cause.pos.pos)}: {str(cause).removesuffix(f' at {cause.pos}')}"
    if isinstance(cause, RecursionError):
        return "it is nested too deeply"
    if isinstance(cause, IndexError):
        return f"{_line_and_column(text, len(text))}: Incomplete escape sequence"
    said = str(cause).partition(";")[0]
    named = re.search(r"Rule '([\w-]+)' not found", said)
    used = named and re.search(rf"(?<![\w-]){re.escape(named[1])}(?![\w-])", text)
    return f"{_line_and_column(text, used.start())}: {said}" if used else said


def _in_grammar(text: str, error: str) -> str:
    said = re.sub(r"; following special tokens are available.*", "", first_line(error))
    found = re.match(r"(?:at )?(\d+)\((\d+)\): (.*)", said)
    if not found:
        return said
    inner = re.search(r"\nerror: (.*)", error)
    said = inner[1] if inner else found[3]
    if not (rules := list(_RULE.finditer(text))):
        return f"line {found[1]}, column {found[2]}: {said}"
    # The line is one of the Lark that GBNF was converted to, which keeps the order of the rules.
    before = _grammar(text).splitlines()[: int(found[1])]
    rule = rules[max(0, sum(bool(re.match(r"\w+:", line)) for line in before) - 1)]
    return f"{_line_and_column(text, rule.start(1))}: in the rule {rule[1]}: {said}"


_READERS: dict[str, Callable[[Any], str]] = {
    "format": lambda _: _schema('{"type": "object"}'),
    "schema": _schema,
    "regex": _regex,
    "choices": _choices,
    "grammar": _grammar,
}

_PLACES: dict[str, Callable[[Any, str], str]] = {
    "format": lambda _, error: first_line(error),
    "schema": _in_schema,
    "regex": _in_regex,
    "choices": lambda _, error: first_line(error),
    "grammar": _in_grammar,
}
