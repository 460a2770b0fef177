"""`twiddle history` and `twiddle replay`."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.store.pages import keep, talk, written
from tui.conversation.conversation import answer, join, until
from tui.paths import history_path
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store


@pytest.fixture
def kept() -> SavedPosition:
    store = Store(history_path())
    page = keep(store, "Why is the sky blue?", "Because of \x1b[31mRayleigh scattering.", key="one")
    keep(store, "Name a fish.", "Carp.", key="two")
    store.close()
    return page


def test_conversations_are_listed_for_programs_too(twiddle: Command, kept: SavedPosition) -> None:
    lines = twiddle("history", "list").out.splitlines()
    assert [line.split("\t")[0::3] for line in lines] == [["2", "Name a fish."], ["1", "Why is the sky blue?"]]
    (found,) = map(json.loads, twiddle("history", "list", "--json", "--limit", "1").out.splitlines())
    assert (found["id"], found["messages"], found["setting"]) == (2, 2, "precise")


def test_an_empty_history_is_no_error(twiddle: Command) -> None:
    assert twiddle("history", "list") == (0, "", "")
    assert twiddle("history", "show", "1").err == (
        "twiddle: There is no conversation 1; `twiddle history list` shows them.\n"
    )


def test_a_search_is_literal_and_shows_what_it_found(twiddle: Command, kept: SavedPosition) -> None:
    (line,) = twiddle("history", "search", "rayleigh", "scattering.").out.splitlines()
    assert line.startswith("1\t") and line.endswith("␛[31mRayleigh scattering.")
    assert twiddle("history", "search", "ray*").out == ""
    assert twiddle("history", "search", '"', "OR", "NEAR(").code == 0


def test_a_conversation_is_shown_with_the_numbers_of_its_messages(twiddle: Command, kept: SavedPosition) -> None:
    shown = twiddle("history", "show", "2").out
    assert "[3] You\nName a fish." in shown and "[4] precise · temperature 0.2 · seed 7" in shown
    lines = [json.loads(line) for line in twiddle("history", "show", "1", "--json").out.splitlines()]
    assert [(line["message"], line["role"]) for line in lines] == [(1, "user"), (2, "assistant")]


def test_a_conversation_goes_out_and_comes_in_again(twiddle: Command, kept: SavedPosition, tmp_path: Path) -> None:
    file = tmp_path / "sky.json"
    assert twiddle("history", "export", "1", "-o", str(file)).code == 0
    assert file.stat().st_mode & 0o77 == 0
    assert twiddle("history", "import", str(file)).err == (
        "twiddle: That conversation is here already: it is number 1.\n"
    )
    assert twiddle("history", "rm", "1", "--yes").code == 0
    assert twiddle("history", "import", str(file)).out == "sky.json is conversation 3 now\n"
    assert "Rayleigh" in twiddle("history", "show", "3").out
    assert twiddle("history", "export", "3", "--format", "html").out.startswith("<!doctype html>")
    assert twiddle("history", "export", "3").out.startswith("# Why is the sky blue?")
    assert twiddle("history", "export", "3", "--format", "pdf").code == 2
    assert twiddle("history", "export", "3", "-o", str(tmp_path / "x.pdf")).code == 1


@pytest.mark.parametrize("words", [("show", "1"), ("export", "1")])
def test_what_was_said_comes_out_as_it_is_and_acts_on_no_terminal(
    twiddle: Command, kept: SavedPosition, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    assert "Because of \x1b[31mRayleigh scattering." in twiddle("history", *words).out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "Because of ␛[31mRayleigh scattering." in twiddle("history", *words).out


def test_nothing_is_removed_unasked(twiddle: Command, kept: SavedPosition) -> None:
    assert twiddle("history", "rm", "1").code == 2
    assert twiddle("history", "rm", "1", "9", "--yes").code == 1, "one that is not there keeps the others too"
    assert len(twiddle("history", "list").out.splitlines()) == 2
    assert twiddle("history", "rename", "1", "The sky").code == 0
    assert "The sky" in twiddle("history", "search", "the sky").out


def test_a_backup_is_whole_and_overwrites_nothing(twiddle: Command, kept: SavedPosition, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert twiddle("history", "backup", str(copy)).code == 0
    assert len(Store(copy).list()) == 2 and copy.stat().st_mode & 0o77 == 0
    assert twiddle("history", "backup", str(copy)).code == 2


def test_a_damaged_history_is_mended_and_that_is_said(twiddle: Command) -> None:
    history_path().parent.mkdir(parents=True)
    history_path().write_bytes(b"not a database" * 100)
    listed = twiddle("history", "list")
    assert listed.code == 0 and listed.err.startswith("twiddle: The history was damaged.")


def test_a_reply_leaves_as_a_picture(twiddle: Command, kept: SavedPosition, tmp_path: Path) -> None:
    file = tmp_path / "sky.svg"
    assert twiddle("history", "export", "1", "-o", str(file)).code == 0
    assert file.read_text().startswith("<svg ") and "Why is the sky blue?" in file.read_text()
    assert file.stat().st_mode & 0o77 == 0
    ranked = twiddle("history", "export", "1", "--format", "svg", "--message", "2", "--measure", "rank").out
    assert ">rank</text>" in ranked and "\x1b" not in ranked
    assert twiddle("history", "export", "1", "--format", "svg", "--measure", "mood").code == 2
    assert "not a reply" in twiddle("history", "export", "1", "--format", "svg", "--message", "1").err
    assert "is not in conversation 1" in twiddle("history", "export", "1", "--format", "svg", "--message", "4").err


def test_a_comparison_leaves_as_a_picture_of_its_sides(twiddle: Command) -> None:
    store = Store(history_path())
    said = talk("Why?", "So.")
    store.save(SavedPosition("one"), Snapshot(said, "cold", side_count=2))
    other = answer(until(said, 0), "Because.", "stop", (1, 2, 3), written(3, seed=8))
    store.save(SavedPosition("one"), Snapshot(other, "warm", side=1, side_count=2))
    store.close()
    picture = twiddle("history", "export", "1", "--format", "svg").out
    assert ">cold</text>" in picture and ">warm</text>" in picture and ">cause.</text>" in picture
    assert ">warm</text>" not in twiddle("history", "export", "1", "--format", "svg", "--message", "2").out
    store = Store(history_path())
    nothing = answer(until(said, 0), "", "stopped")
    store.save(store.load(1).position, Snapshot(join(store.load(1).conversation, nothing), "cold", side_count=2))
    store.save(SavedPosition("one"), Snapshot(nothing, "warm", side=1, side_count=2))
    store.close()
    picture = twiddle("history", "export", "1", "--format", "svg").out
    assert ">warm</text>" not in picture and picture.startswith("<svg"), "a side that came to nothing is left out"


def test_a_picture_needs_to_know_how_the_tokens_were_chosen(twiddle: Command) -> None:
    store = Store(history_path(), limit=0)
    keep(store, "Why?", "So.")
    keep(store, "Why?", key="unanswered")
    store.close()
    assert "no longer kept" in twiddle("history", "export", "1", "--format", "svg").err
    assert "There is no reply in conversation 2 yet." in twiddle("history", "export", "2", "--format", "svg").err
