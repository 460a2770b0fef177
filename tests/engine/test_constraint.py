"""Whatever is written under a constraint is what the constraint allows."""

import json
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.depth import depth
from tests.engine.bench import GREEDY, Bench, question, reply
from tests.engine.dice import Dice, Table
from tests.engine.scripted import END, Script, ScriptedBackend
from tui.conversation.conversation import Message
from tui.engine.constraint.constraint import LARGEST, Grammars
from tui.engine.constraint.grammar import read
from tui.engine.llama import Llama, make_stage
from tui.engine.protocol import Failed, Preview, Previewed, Refused, ReplyRequest, SetKnobs
from tui.errors import EngineError
from tui.knobs.table import Knobs, turn
from tui.models.reference import find_model

WARM = turn(Knobs(), temperature=1.5, seed=3, top_k=0, top_p=1.0, min_p=0.0, num_predict=400)
BYTES = ScriptedBackend(Script(), make_stage, lambda share: None)
GRAMMARS = Grammars(BYTES, read)  # here, since a process for each of a thousand takes minutes


def walk(knobs: Knobs, seed: int, patience: int = 40) -> str:
    """A text written at random under a constraint; past its patience it ends where it may, and closes what is open."""
    constraint, chosen = GRAMMARS.constraint(knobs), random.Random(seed)
    assert constraint
    written = bytearray()
    closing = list(b'"]}0 ,:tfn')
    for _ in range(4000):
        allowed = np.flatnonzero(constraint.mask()).tolist()
        assert allowed
        assert 256 not in allowed  # START is never something to say
        closes = [token for token in closing if token in allowed] if len(written) > patience else []
        if END in allowed and len(written) > patience:
            return written.decode()
        # Not always what closes: `[a-f]*aa` is not left by any f.
        token = closes[0] if closes and chosen.random() < 0.7 else chosen.choice(allowed)
        if token == END:
            return written.decode()
        written.append(token)
        constraint.accept(token)
    raise AssertionError(f"no way out of {written!r}")


# --- regular expressions ------------------------------------------------------------------------------------------

_ATOMS = st.sampled_from(("a", "b", "xyz", "[a-f]", "[0-9]", "é", r"\.", "(?:no|yes)", " "))
PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(("*", "+", "?", "{2}", "{1,3}"))).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.integers(0, 2**16))
@example("(?:[a-f])*aa", 0)
@settings(max_examples=depth(40, 200))
def test_what_is_written_under_a_regex_matches_it(pattern: str, seed: int) -> None:
    assert re.fullmatch(pattern, walk(turn(Knobs(), regex=pattern), seed))


# --- schemas ------------------------------------------------------------------------------------------------------

_LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.tuples(st.integers(-50, 50), st.integers(0, 30)).map(
        lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]}
    ),
    st.integers(0, 4).map(lambda least: {"type": "string", "minLength": least, "maxLength": least + 5}),
    st.just({"type": "string", "pattern": "^[a-c]{1,4}$"}),
    st.lists(st.sampled_from(("red", 'a "b"', "\u00fc", 3, None)), min_size=1, max_size=3, unique_by=repr).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(("x", 1, True)).map(lambda value: {"const": value}),
)


def _object(parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": parts, "required": list(parts)[::2], "additionalProperties": False}


SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.integers(0, 3)).map(
            lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1], "maxItems": pair[1] + 2}
        ),
        st.dictionaries(st.sampled_from(("name", "age", "a b", "\u00e9")), inner, max_size=3).map(_object),
        st.lists(inner, min_size=2, max_size=2).map(lambda both: {"anyOf": both}),
    ),
    max_leaves=5,
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is what a schema of those above accepts."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return any(value == each and type(value) is type(each) for each in schema["enum"])
    if "const" in schema:
        return bool(value == schema["const"] and type(value) is type(schema["const"]))
    match schema["type"]:
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return isinstance(value, int | float) and schema["minimum"] <= value <= schema["maximum"]
        case "string" if "pattern" in schema:
            return isinstance(value, str) and re.search(schema["pattern"], value) is not None
        case "string":
            return isinstance(value, str) and schema["minLength"] <= len(value) <= schema["maxLength"]
        case "array":
            size = isinstance(value, list) and schema["minItems"] <= len(value) <= schema["maxItems"]
            return bool(size) and all(fits(each, schema["items"]) for each in value)
    parts = schema["properties"]
    return (
        isinstance(value, dict)
        and set(schema["required"]) <= set(value) <= set(parts)
        and all(fits(each, parts[name]) for name, each in value.items())
    )


@given(SCHEMAS, st.integers(0, 2**16))
@settings(max_examples=depth(40, 200))
def test_what_is_written_under_a_schema_is_what_it_accepts(schema: dict[str, Any], seed: int) -> None:
    said = walk(turn(Knobs(), schema=json.dumps(schema)), seed)
    assert fits(json.loads(said), schema), said


@given(st.integers(0, 2**16))
@settings(max_examples=depth(20, 50))
def test_json_is_an_object_that_can_be_read(seed: int) -> None:
    assert isinstance(json.loads(walk(turn(Knobs(), format="json"), seed)), dict)


def test_white_space_has_an_end() -> None:
    constraint = GRAMMARS.constraint(turn(Knobs(), format="json"))
    assert constraint
    constraint.accept(ord("{"))
    written = 0
    while constraint.mask()[ord("\n")] or constraint.mask()[ord(" ")]:
        constraint.accept(ord("\n") if constraint.mask()[ord("\n")] else ord(" "))
        written += 1
        assert written < 100


# --- choices and grammars -----------------------------------------------------------------------------------------


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=4, unique=True), st.integers(0, 99))
@settings(max_examples=depth(30, 100))
def test_a_choice_is_one_of_the_choices(choices: list[str], seed: int) -> None:
    assert walk(turn(Knobs(), choices=tuple(choices)), seed) in choices


def test_choices_are_as_many_as_one_likes_and_may_begin_alike() -> None:
    knobs = turn(Knobs(), choices=("1", *(f"1{number:04}" for number in range(5000))))
    assert {len(walk(knobs, seed, patience=seed % 5)) for seed in range(20)} == {1, 5}


@pytest.mark.parametrize(
    "grammar",
    [
        'start: "I " ("like" | "hate") " " FRUIT\nFRUIT: /[a-z]{3}/',
        'root ::= "I " ("like" | "hate") " " [a-z] [a-z] [a-z]',
        'start[temperature=0.5]: "I " ("like" | "hate") " " /[a-z]{3}/',
    ],
)
def test_a_grammar_is_lark_or_gbnf(grammar: str) -> None:
    for seed in range(10):
        assert re.fullmatch("I (like|hate) [a-z]{3}", walk(turn(Knobs(), grammar=grammar), seed))


def test_gbnf_names_characters_by_number() -> None:
    grammar = r'root ::= "\u00e9\u0041\U0001F600" [\u0430-\u0432] "\\u0041"'
    assert re.fullmatch(r"éA😀[абв]\\u0041", walk(turn(Knobs(), grammar=grammar), 1))


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schema": '{"type": }'}, "schema: line 1, column 10: Expecting value."),
        ({"schema": '{"properties": {"a": {"type": "obect"}}}'}, "schema: Invalid type: obect at #/properties/a/type."),
        ({"schema": '{"properties": {"a": {"not": {}}}}'}, "at #/properties/a/not."),
        ({"regex": "ab(c"}, "regex: column 3: unclosed group."),
        ({"grammar": "start: foo"}, 'grammar: line 1, column 8: unknown name: "foo".'),
        ({"schema": '{"properties": {"not": {"type": "null"}, "b": {"not": {}}}}'}, "at #/properties/b/not."),
        ({"schema": '{"properties": {"a/b": {"pattern": "("}}}'}, "at #/properties/a~1b/pattern."),
        ({"schema": '{"items": {"type": "string", "pattern": "("}}'}, "pattern: unclosed group at #/items/pattern."),
        ({"schema": '{"items": {"oneOf": [{}, {}]}}'}, "schema: oneOf is not supported; use anyOf at #/items/oneOf."),
        ({"schema": "true"}, "schema: line 1, column 1: a schema is an object; begin it with {."),
        ({"schema": f'{{"minimum": {"1" * 5000}}}'}, "schema: line 1, column 5012: number out of range."),
        ({"schema": '{"$ref": "#"}'}, "schema: nothing fits it"),
        ({"regex": "a/b\n(c"}, "regex: line 2, column 1: unclosed group."),
        ({"regex": r"\bfoo"}, r"regex: \b, and ^ or $ within it, are not supported"),
        ({"regex": r"[^\s\S]"}, "regex: nothing fits it."),
        ({"grammar": 'start: "a"\nb: ('}, "grammar: line 2, column 5: "),
        ({"grammar": "start: start"}, "grammar: nothing fits it."),
        ({"grammar": 'root ::= "a" foo'}, "grammar: line 1, column 14: Rule 'foo' not found."),
        ({"grammar": 'root ::= "a"\nb ::= ('}, "grammar: line 2, column 8: Expected ')'."),
        ({"grammar": 'root ::= "a\\'}, "grammar: line 1, column 13: Incomplete escape sequence."),
        (
            {"grammar": 'root ::= "a" x\n\nx ::= [z-a]'},
            "grammar: line 3, column 1: in the rule x: invalid character class",
        ),
        ({"grammar": 'root ::= start\nstart ::= "a"'}, "grammar: line 2, column 1: a rule cannot be called start"),
        ({"grammar": "root ::= " + "(" * 5000}, "grammar: it is nested too deeply."),
        (
            {"regex": "a", "format": "json"},
            "format and regex are set, but a reply can follow one only;",
        ),
        ({"regex": "a" * (LARGEST + 1)}, "regex: it is longer than"),
        ({"schema": "[" * 100_000}, "schema: it is nested too deeply."),
    ],
)
def test_c17_c20_a_mistake_is_told_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        GRAMMARS.constraint(turn(Knobs(), **values))
    assert said in str(caught.value)


# --- tokens -------------------------------------------------------------------------------------------------------


class Spelled(ScriptedBackend):
    """A byte a token and some more, of which those that say nothing are control tokens, and some end a reply."""

    def __init__(self, more: tuple[bytes, ...], ends: set[int]) -> None:
        super().__init__(Script(), make_stage, lambda share: None)
        self._pieces = [*(bytes([byte]) for byte in range(256)), *more]
        self._ends = ends
        self.info = replace(self.info, vocabulary=len(self._pieces))

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def is_control(self, token: int) -> bool:
        return not self._pieces[token]

    def is_end(self, token: int) -> bool:
        return token in self._ends


def allowed(backend: ScriptedBackend, knobs: Knobs, *written: int) -> list[int]:
    """The tokens that may come after what is written."""
    constraint = Grammars(backend, read).constraint(knobs)
    assert constraint
    for token in written:
        constraint.accept(token)
    return np.flatnonzero(constraint.mask()).tolist()


def test_every_token_that_ends_a_reply_is_allowed_where_it_may_end_and_nowhere_else() -> None:
    backend, knobs = Spelled((b"", b"", b"</s>"), {257, 258}), turn(Knobs(), regex="a</s>b?")
    assert allowed(backend, knobs, *b"a") == [ord("<")]
    assert allowed(backend, knobs, *b"a</s>") == [ord("b"), 257, 258]
    assert allowed(backend, knobs, *b"a</s>b") == [257, 258]
    assert allowed(backend, knobs, *b"a</s>", 258) == [257, 258]


def test_tokens_that_say_the_same_are_allowed_alike() -> None:
    backend = Spelled((b"a", b"ab", b"a", b""), {259})
    assert allowed(backend, turn(Knobs(), regex="ab")) == [ord("a"), 256, 257, 258]
    assert allowed(backend, turn(Knobs(), regex="ab"), 258) == [ord("b")]


def test_a_tokenizer_that_adds_a_blank_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Spelled((b"ab", b""), {257})
    monkeypatch.setattr(backend, "tokenize", lambda text, *, special: [*f" {text}".encode()])
    assert allowed(backend, turn(Knobs(), choices=("ab",))) == [ord("a"), 256]


@pytest.mark.parametrize("grammar", ["start: <[256]>", "start: <[0-256]>", "start: <[^1-255]>"])
def test_c19_no_grammar_makes_a_reply_say_what_steers_the_model(grammar: str) -> None:
    assert 256 not in allowed(BYTES, turn(Knobs(), grammar=grammar))


def test_a_token_of_any_length_is_survived() -> None:
    backend = Spelled((b"x" * 1024, b"x" * 5000, b""), {258})
    assert allowed(backend, turn(Knobs(), regex="x*")) == [ord("x"), 256, 258]


def test_a_model_that_cannot_end_cannot_be_bound() -> None:
    with pytest.raises(EngineError, match="no token that ends a reply"):
        allowed(Spelled((), set()), turn(Knobs(), regex="x"))


def test_copies_go_their_own_ways_and_asking_twice_changes_nothing() -> None:
    constraint = GRAMMARS.constraint(turn(Knobs(), regex="ab|cd"))
    assert constraint
    other = constraint.copy()
    constraint.accept(ord("a"))
    other.accept(ord("c"))
    for _ in range(2):
        assert np.flatnonzero(constraint.mask()).tolist() == [ord("b")]
        assert np.flatnonzero(other.mask()).tolist() == [ord("d")]


@pytest.mark.model
def test_the_starter_says_yes_or_no() -> None:
    model = Llama(str(find_model("starter")), Knobs(num_ctx=256))
    try:
        constraint = Grammars(model, read).constraint(turn(Knobs(), regex="(yes|no)"))
        assert constraint
        mask = constraint.mask()
        assert len(mask) == model.info.vocabulary
        pieces = {model.piece(token) for token in np.flatnonzero(mask).tolist()}
        assert pieces == {b"y", b"ye", b"yes", b"n", b"no"}
        for token in model.tokenize("yes", special=False):
            assert constraint.mask()[token]
            constraint.accept(token)
        assert all(model.is_end(token) for token in np.flatnonzero(constraint.mask()).tolist())
        assert constraint.mask().any()
    finally:
        model.close()


# --- in a reply ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["sample", "greedy", "beam", "contrastive"])
def test_every_strategy_keeps_to_it(strategy: str) -> None:
    bench = Bench(Script())
    knobs = turn(WARM, strategy=strategy, choices=("Hello", "Help me", "no"))
    bench.ask(reply("a", knobs))
    bench.run()
    assert bench.finished("a").text in ("Hello", "Help me", "no")
    assert bench.finished("a").ending == "stop"


def test_the_mask_is_a_stage_of_its_own() -> None:
    bench = Bench(Script())
    bench.ask(reply("a", turn(WARM, regex="[xy]z")))
    bench.run()
    first = bench.tokens()["a"][0].trace
    assert (first.stages[0].name, first.stages[0].survivors) == ("constraint", 2)
    assert {each.cut for each in first.candidates if each.text not in "xy"} == {"constraint"}


def test_a_look_at_the_first_token_shows_the_mask() -> None:
    bench = Bench(Script())
    bench.scheduler.preview(Preview("look", question(), turn(WARM, regex="[xy]z")))
    bench.run()
    (shown,) = [event for event in bench.events if isinstance(event, Previewed)]
    assert (shown.trace.stages[0].name, shown.trace.stages[0].survivors) == ("constraint", 2)
    assert not bench.scheduler.what_if.answer(Preview("again", question(), turn(WARM, regex="x")), lambda: False)


def test_a_beam_search_takes_the_choice_that_is_likeliest_as_a_whole() -> None:
    table, choices = Table(Dice("abcd", 6)), ("ac", "bd", "ca", "db")
    knobs = turn(GREEDY, strategy="beam", num_beams=8, length_penalty=0.0, choices=choices)
    table.ask(table.reply(knobs))
    table.run()

    def log_p(choice: str) -> float:
        tokens = [*choice.encode(), END]
        return sum(table.dice.log_p([*table.prompt, *tokens[:i]])[token] for i, token in enumerate(tokens))

    assert table.finished("a").text == max(choices, key=log_p)


def test_what_is_begun_is_gone_on_from() -> None:
    bench = Bench(Script())
    knobs = turn(WARM, choices=("Hello", "Help me", "no"))
    begun = (*question(), Message("assistant", "Hel", tuple(b"Hel")))
    bench.ask(ReplyRequest("a", begun, knobs))
    bench.run()
    assert bench.finished("a").text in ("lo", "p me")


def test_a_bad_constraint_fails_the_reply_and_no_other() -> None:
    bench = Bench(Script())
    bench.ask(reply("a", turn(GREEDY, regex="(")), reply("b"))
    bench.run()
    (failed,) = [event for event in bench.events if isinstance(event, Failed)]
    assert (failed.id, failed.reason) == ("a", "regex: column 1: unclosed group.")
    assert bench.finished("b").text == Script().replies[0]


def test_a_limit_hit_in_the_middle_fails_the_reply_and_no_other() -> None:
    bench = Bench(Script())
    wide = " | ".join(f'"{number}" end' for number in range(3000))
    bench.ask(reply("a", turn(GREEDY, grammar=f'start: "H" number\nnumber: {wide}\nend: "." | end "."')), reply("b"))
    bench.run()
    (failed,) = [event for event in bench.events if isinstance(event, Failed)]
    assert failed.id == "a"
    assert len(bench.tokens()["a"]) == 1
    assert failed.reason.startswith("The constraint cannot be followed further: ")
    assert bench.finished("b").text == Script().replies[0]


def test_a_bad_constraint_turned_on_while_writing_is_refused() -> None:
    bench = Bench(Script())
    bench.ask(reply("a"))
    for _ in range(4):
        bench.scheduler.step()
    bench.scheduler.set_knobs(SetKnobs("a", turn(GREEDY, grammar="start: foo")))
    bench.run()
    assert [event.id for event in bench.events if isinstance(event, Refused)] == ["a"]
    assert bench.finished("a").text == Script().replies[0]


def test_a_constraint_turned_on_while_writing_binds_the_rest() -> None:
    bench = Bench(Script())
    bench.ask(reply("a"))
    while len(bench.tokens()["a"]) < 6:
        bench.scheduler.step()
    bench.scheduler.set_knobs(SetKnobs("a", turn(GREEDY, regex="[0-9]{3}")))
    bench.run()
    assert re.fullmatch("Hello [0-9]{3}", bench.finished("a").text)
