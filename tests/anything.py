"""Any value that a type allows, for Hypothesis: what is declared is all it needs to know."""

from typing import Any

import msgspec.inspect as declared
from hypothesis import strategies as st

from tui.errors import KnobError
from tui.knobs.knob import Knob, Value
from tui.knobs.table import KNOBS, Knobs, turn

IDS = ("a", "b", "1", "2", "3")
"""Few, so that they are about the same things."""

_HEAVY = ("grammar", "json_schema", "regex", "choice", "lora", "logit_bias", "tensor_split", "order", "stop")
"""Knobs with texts for values: they have tests of their own."""


def _turned(row: Knob) -> st.SearchStrategy[Value]:
    if row.choices and row.kind is str:
        return st.sampled_from(row.choices)
    low, high = max(row.low, -1e6), min(row.high, 1e6)
    if row.kind is int:
        return st.integers(int(low), int(high))
    return st.floats(low, high, allow_nan=False)


_TURNS = {
    name: _turned(row) for name, row in KNOBS.items() if row.slides and name not in _HEAVY and name != "num_predict"
}


@st.composite
def knobs(draw: st.DrawFn) -> Knobs:
    """Knobs as a person can turn them, for a short reply."""
    names = draw(st.lists(st.sampled_from(sorted(_TURNS)), max_size=4, unique=True))
    turned = turn(Knobs(), num_predict=draw(st.integers(0, 5)), seed=draw(st.integers(0, 2**32 - 1)))
    for name in names:
        try:
            turned = turn(turned, **{name: draw(_TURNS[name])})
        except KnobError:  # not beside the others
            continue
    return turned


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that can be sent."""
    return _of(declared.type_info(kind))


def _of(kind: declared.Type) -> st.SearchStrategy[Any]:
    match kind:
        case declared.UnionType(types):
            return st.one_of(*map(_of, types))
        case declared.StructType(cls) if cls is Knobs:
            return knobs()
        case declared.StructType(cls):
            return st.builds(cls, **{field.name: _field(field) for field in kind.fields})
        case declared.VarTupleType(item):
            return st.lists(_of(item), max_size=3).map(tuple)
        case declared.TupleType(items):
            return st.tuples(*map(_of, items))
        case declared.LiteralType(choices):
            return st.sampled_from(choices)
        case _:
            return _PLAIN[type(kind)]


def _field(field: declared.Field) -> st.SearchStrategy[Any]:
    if field.encode_name == "id" and isinstance(field.type, declared.StrType):
        return st.sampled_from(IDS)
    return _of(field.type)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_PLAIN: dict[type, st.SearchStrategy[Any]] = {
    declared.IntType: st.integers(-3, 300) | st.integers(-(2**63), 2**63 - 1),
    declared.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    declared.StrType: _TEXT,
    declared.BoolType: st.booleans(),
    declared.BytesType: st.binary(max_size=40),
    declared.NoneType: st.none(),
}
