"""What would hang or end the engine ends a process of its own instead."""

import json
from typing import Any

import numpy as np
import pytest

from tests.engine.scripted import Script, ScriptedBackend
from tui.engine.constraint.constraint import Grammars
from tui.engine.constraint.grammar import read
from tui.engine.constraint.grammar_worker import read_apart
from tui.engine.llama import make_stage
from tui.errors import EngineError
from tui.knobs.table import Knobs, turn

GRAMMARS = Grammars(ScriptedBackend(Script(), make_stage, lambda share: None))


def chain(length: int, link: dict[str, Any]) -> str:
    """A schema that refers to a definition that refers to another, and so on."""
    names = [f"r{index}" for index in range(length)]
    parts = {
        name: json.loads(json.dumps(link).replace("NEXT", after)) for name, after in zip(names, names[1:], strict=False)
    }
    return json.dumps({"$ref": "#/$defs/r0", "$defs": {**parts, names[-1]: {"type": "null"}}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("regex", "a|b"),
        ("choices", ("a", 'b"\n')),
        ("schema", '{"type": "null"}'),
        ("grammar", 'root ::= "é"'),
        ("format", "json"),
    ],
)
def test_what_is_read_apart_is_what_is_read_here(name: str, value: Any) -> None:
    assert read_apart(name, value) == read(name, value)


def test_a_mistake_is_told_as_it_is_here() -> None:
    with pytest.raises(EngineError, match=r"^regex: column 3: unclosed group\.$"):
        read_apart("regex", "ab(c")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", chain(4000, {"$ref": "#/$defs/NEXT"})),
        ("schema", chain(4000, {"items": {"$ref": "#/$defs/NEXT"}})),
        ("grammar", "start: r0\n" + "\n".join(f"r{i}: r{i + 1}" for i in range(12_000)) + '\nr12000: "a"'),
        ("grammar", "start: T0\n" + "\n".join(f'T{i}: T{i + 1} "b"' for i in range(10_000)) + '\nT10000: "a"'),
    ],
    ids=["references", "items", "rules", "terminals"],
)
def test_c17_c20_what_overflows_the_stack_is_refused(name: str, value: str) -> None:
    with pytest.raises(EngineError, match=rf"^{name}: it is nested too deeply"):
        read_apart(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", '{"type": "integer", "multipleOf": 123456789}'),
        ("schema", '{"properties": {"a": {"type": "integer", "multipleOf": 123456789}}}'),
        ("schema", json.dumps({"properties": {f"p{i}": {} for i in range(12_000)}})),
        ("grammar", "root ::= r0\n" + "\n".join(f"r{i} ::= r{i + 1}" for i in range(12_000)) + '\nr12000 ::= "a"'),
    ],
    ids=["multiple", "multiple within", "properties", "rules of gbnf"],
)
def test_c17_c20_what_takes_too_long_is_refused(name: str, value: str) -> None:
    with pytest.raises(EngineError, match=rf"^{name}: it takes more than 1 s to read"):
        read_apart(name, value)


@pytest.mark.parametrize(
    "values",
    [
        {"regex": "(a{1,1000}){1,1000}b"},
        {"regex": "((a{1,1000}){1,1000}){1,1000}"},
        {"regex": "(a|b)*c{500}(d|e){3000}"},
        {"regex": "(a|b)*a(a|b){2000}"},
        {"regex": "(((a*)*)*)*b" * 50},
        {"regex": "(" * 5000 + "a" + ")" * 5000},
        {"schema": json.dumps({"enum": [str(i) for i in range(20_000)]})},
        {"schema": json.dumps({"anyOf": [{"properties": {f"p{i}": {}}, "required": [f"p{i}"]} for i in range(2600)]})},
        {"schema": '{"items": ' * 400 + "{}" + "}" * 400},
        {"schema": '{"type": "string", "minLength": 4294967297}'},
        {"schema": '{"type": "array", "minItems": 100000000}'},
        {"grammar": 'start: start "a" | start start | "b" |'},
        {"grammar": 'start: x\nx: x x x | x x | "a" x "a" | "a" | ""'},
        {"grammar": "start: " + "(" * 100_000},
        {"grammar": "\n".join(f"r{i}: r{i + 1} r{i + 1}" for i in range(40)) + '\nr40: "a"\nstart: r0'},
        {"grammar": "\n".join(f"R{i}: R{i + 1} R{i + 1}" for i in range(40)) + '\nR40: "a"\nstart: R0'},
        {"choices": tuple(f"{i:06}" for i in range(20_000))},
        {"choices": ("a" * 200_000, "b")},
    ],
    ids=lambda values: f"{next(iter(values))} {str(next(iter(values.values())))[:12]}",
)
def test_c17_c18_c20_what_is_hostile_is_followed_or_refused_in_a_sentence(values: dict[str, Any]) -> None:
    try:
        constraint = GRAMMARS.constraint(turn(Knobs(), **values))
        assert constraint
        for _ in range(50):
            constraint.accept(int(np.flatnonzero(constraint.mask())[0]))
    except EngineError as error:
        said = str(error)
        assert said.startswith((f"{next(iter(values))}: ", "The constraint cannot be followed further: "))
        assert len(said) < 300
        assert "\n" not in said
        assert "panic" not in said
