"""Completion of commands and their arguments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.knobs.table import KNOBS
from tui.prompt_line.commands import LISTED, complete
from tui.prompt_line.completion import Completion, CompletionSources, read_sources

LIBRARY = CompletionSources(
    (("precise", "For facts."), ("creative", "For tales."), ("my-precise", "")), (("starter", "twiddle"),)
)


def texts(line: str) -> list[str]:
    found = complete(line, LIBRARY)
    return [each.text for each in found.suggestions] if found else []


def test_a_slash_shows_every_command_with_what_it_does() -> None:
    found = complete("/", LIBRARY)
    assert found and {each.usage: each.about for each in found.suggestions} == {
        each.usage: each.help for each in LISTED
    }


@pytest.mark.parametrize(
    ("line", "suggested"),
    [
        ("/se", ["/set parameter ", "/set system ", "/set nohistory", "/seed "]),
        ("/set ", ["/set parameter ", "/set system ", "/set nohistory"]),
        ("/clear", ["/clear"]),
        ("/set parameter top_", ["top_k ", "top_p ", "top_n_sigma "]),
        ("/set parameter mirostat ", ["off"]),
        ("/set parameter top-k o", ["off"]),
        ("/set parameter strategy be", ["beam"]),
        ("/preset ", ["precise", "creative", "my-precise"]),
        ("/preset pre", ["precise", "my-precise"]),
        ("/load cr", ["creative"]),
        ("/model s", ["starter"]),
        ("/think o", ["on", "off"]),
        ("/show par", ["parameters"]),
        ("/compare precise,strategy=c", ["contrastive"]),
        ("/compare precise,top_k=3,top_n", ["top_n_sigma="]),
        ("/compare top_n", ["top_n_sigma="]),
    ],
)
def test_it_narrows_as_one_types(line: str, suggested: list[str]) -> None:
    assert texts(line) == suggested


@pytest.mark.parametrize(
    "line",
    ["", "hello /set", "/nosuch", "/clear now", "/preset creative", "/set system Be", "/save x", "/set parameter x 1"],
)
def test_nothing_is_offered_where_there_is_nothing_to_say(line: str) -> None:
    assert complete(line, LIBRARY) is None


def test_a_number_is_not_offered_but_what_it_does_is_said() -> None:
    found = complete("/set parameter temperature 1", LIBRARY)
    assert found and not found.suggestions
    assert found.hint.startswith(KNOBS["temperature"].help) and "from 0 to 5" in found.hint


@pytest.mark.parametrize(
    ("line", "settled"),
    [("/clear", True), ("/preset", True), ("/pres", False), ("/set parameter", False), ("/preset precise", True)],
)
def test_enter_sends_what_is_complete_and_goes_on_with_the_rest(line: str, settled: bool) -> None:
    found = complete(line, LIBRARY)
    assert found and found.adds_nothing(0) is settled


@given(st.text("/setparmodl_k =,01", max_size=30).map("/".__add__))
def test_every_suggestion_takes_the_place_of_what_is_typed(line: str) -> None:
    found = complete(line, LIBRARY)
    if found:
        assert line[found.start :] == found.typed
        for each in found.suggestions:
            longer = line[: found.start] + each.text
            assert found.typed.lower() in each.text.lower()
            assert len(longer) >= len(line)


def test_what_is_offered_narrows_with_what_is_typed_on() -> None:
    found = complete("/", LIBRARY)
    assert found
    assert found.narrowed("/cl") == Completion(0, "/cl", tuple(e for e in found.suggestions if e.text == "/clear"))
    assert found.narrowed("hello") is None


def test_the_library_is_what_lies_on_this_machine() -> None:
    stock = read_sources()
    assert "precise" in dict(stock.presets) and dict(stock.models)["starter"] == "twiddle"
