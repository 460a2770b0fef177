"""Whatever is written under a constraint is what the constraint allows."""

import json
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.bench import GREEDY, Bench, question, reply
from tests.engine.dice import Dice, Table
from tui.chat import Message
from tui.engine.constraint import LARGEST, Grammars
from tui.engine.fake import END, Script, ScriptedBackend
from tui.engine.llama import make_stage
from tui.engine.protocol import Failed, Preview, Previewed, Refused, Reply, SetKnobs
from tui.errors import EngineError
from tui.knobs import Knobs, turn

WARM = turn(Knobs(), temperature=1.5, seed=3, top_k=0, top_p=1.0, min_p=0.0, num_predict=400)
GRAMMARS = Grammars(ScriptedBackend(Script(), make_stage, lambda share: None))


def walk(knobs: Knobs, seed: int, patience: int = 40) -> str:
    """A text written at random under a constraint; past its patience it takes the shortest way out."""
    constraint, chosen = GRAMMARS.constraint(knobs), random.Random(seed)
    assert constraint
    written = bytearray()
    closing = [END, *b'"]}', *b"0 ,:tfn"]
    for _ in range(4000):
        allowed = np.flatnonzero(constraint.mask()).tolist()
        assert allowed
        assert 256 not in allowed  # START is never something to say
        ends = [token for token in closing if token in allowed] if len(written) > patience else []
        token = ends[0] if ends else chosen.choice(allowed)
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
@settings(max_examples=200, deadline=None)
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
@settings(max_examples=200, deadline=None)
def test_what_is_written_under_a_schema_is_what_it_accepts(schema: dict[str, Any], seed: int) -> None:
    said = walk(turn(Knobs(), schema=json.dumps(schema)), seed)
    assert fits(json.loads(said), schema), said


@given(st.integers(0, 2**16))
@settings(max_examples=50, deadline=None)
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


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=4, unique=True), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_choice_is_one_of_the_choices(choices: list[str], seed: int) -> None:
    assert walk(turn(Knobs(), choices=tuple(choices)), seed) in choices


@pytest.mark.parametrize(
    "grammar",
    [
        'start: "I " ("like" | "hate") " " FRUIT\nFRUIT: /[a-z]{3}/',
        'root ::= "I " ("like" | "hate") " " [a-z] [a-z] [a-z]',
    ],
)
def test_a_grammar_is_lark_or_gbnf(grammar: str) -> None:
    for seed in range(10):
        assert re.fullmatch("I (like|hate) [a-z]{3}", walk(turn(Knobs(), grammar=grammar), seed))


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schema": '{"type": }'}, "schema: line 1, column 10: Expecting value."),
        ({"schema": '{"properties": {"a": {"type": "obect"}}}'}, "schema: Invalid type: obect at #/properties/a/type."),
        ({"schema": '{"properties": {"a": {"not": {}}}}'}, "at #/properties/a/not."),
        ({"regex": "ab(c"}, "regex: column 3: unclosed group."),
        ({"grammar": "start: foo"}, 'grammar: line 1, column 8: unknown name: "foo".'),
        ({"grammar": 'root ::= "a" foo'}, "grammar: Rule 'foo' not found."),
        ({"grammar": "root ::= ("}, "grammar: Expected ')' at line 1"),
        ({"regex": "a", "format": "json"}, "format and regex are both set; a reply can be bound by one of them."),
        ({"regex": "a" * (LARGEST + 1)}, "regex: it is longer than"),
        ({"schema": "[" * 100_000}, "schema: it is nested too deeply."),
    ],
)
def test_a_mistake_is_told_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        GRAMMARS.constraint(turn(Knobs(), **values))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"regex": "(a{1,1000}){1,1000}b"},
        {"regex": "(a|b)*c{500}(d|e){3000}"},
        {"regex": "(((a*)*)*)*b" * 50},
        {"regex": "(" * 5000 + "a" + ")" * 5000},
        {"schema": json.dumps({"enum": [str(i) for i in range(20_000)]})},
        {"schema": '{"items": ' * 400 + "{}" + "}" * 400},
        {"schema": '{"$ref": "#"}'},
        {"grammar": 'start: start "a" | start start | "b" |'},
        {"grammar": "\n".join(f"r{i}: r{i + 1} r{i + 1}" for i in range(40)) + '\nr40: "a"\nstart: r0'},
        {"choices": tuple(f"{i:06}" for i in range(20_000))},
    ],
    ids=lambda values: f"{next(iter(values))} {next(iter(values.values()))[:12]}",
)
def test_what_is_hostile_is_followed_or_refused(values: dict[str, Any]) -> None:
    try:
        constraint = GRAMMARS.constraint(turn(Knobs(), **values))
        assert constraint
        for _ in range(50):
            allowed = np.flatnonzero(constraint.mask())
            constraint.accept(int(allowed[0]))
    except EngineError as error:
        assert len(str(error)) < 6000


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
    assert not bench.scheduler.onlooker.answer(Preview("again", question(), turn(WARM, regex="x")), lambda: False)


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
    bench.ask(Reply("a", begun, knobs))
    bench.run()
    assert bench.finished("a").text in ("lo", "p me")


def test_a_bad_constraint_fails_the_reply_and_no_other() -> None:
    bench = Bench(Script())
    bench.ask(reply("a", turn(GREEDY, regex="(")), reply("b"))
    bench.run()
    (failed,) = [event for event in bench.events if isinstance(event, Failed)]
    assert (failed.id, failed.reason) == ("a", "regex: column 1: unclosed group.")
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
