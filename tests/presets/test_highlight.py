"""The parts of a Modelfile that an editor colours."""

from hypothesis import given
from hypothesis import strategies as st

from tui.presets.highlight import parts

SOURCE = '''\
# about
FROM starter
PARAMETER temperature 0.7
PARAMETER stop "###"
PARAMETER temprature 1
MESSAGE user Hi there
SYSTEM """You are
PARAMETER of nothing
brief."""
FORM x

'''


def shown(source: str) -> list[list[tuple[str, str]]]:
    lines = source.splitlines()
    return [
        [(line[part.start : part.end], part.kind) for part in found]
        for line, found in zip(lines, parts(lines), strict=True)
    ]


def test_every_part_has_its_kind() -> None:
    assert shown(SOURCE) == [
        [("# about", "comment")],
        [("FROM", "instruction"), ("starter", "text")],
        [("PARAMETER", "instruction"), ("temperature", "name"), ("0.7", "number")],
        [("PARAMETER", "instruction"), ("stop", "name"), ('"###"', "text")],
        [("PARAMETER", "instruction"), ("temprature", "unknown"), ("1", "number")],
        [("MESSAGE", "instruction"), ("user", "name"), ("Hi there", "text")],
        [("SYSTEM", "instruction"), ('"""You are', "text")],
        [("PARAMETER of nothing", "text")],
        [('brief."""', "text")],
        [("FORM", "unknown"), ("x", "text")],
        [],
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=30), max_size=20))
def test_whatever_is_typed_its_parts_lie_in_order_within_its_lines(lines: list[str]) -> None:
    for line, found in zip(lines, parts(lines), strict=True):
        assert all(0 <= part.start <= part.end <= len(line) for part in found)
        assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))


def test_faulty_lines_are_coloured_up_to_their_fault_and_the_next_ones_as_usual() -> None:
    assert shown('FROM\nMESSAGE robot Hi\nPARAMETER te-mp 1\nFROM starter\nSYSTEM "open\nFROM x') == [
        [("FROM", "instruction")],
        [("MESSAGE", "instruction"), ("robot", "unknown"), ("Hi", "text")],
        [("PARAMETER", "instruction"), ("te-mp", "unknown"), ("1", "number")],
        [("FROM", "instruction"), ("starter", "text")],
        [("SYSTEM", "instruction"), ('"open', "text")],
        [("FROM x", "text")],
    ]
