"""A history written by the first edition (commit d661a3d) opens, exports, imports, resumes and replays.

`first_edition.db` holds three conversations, written by the starter model with `reproducible on`: a tree of turns
(knobs turned in mid-reply, another answer, a branch at a token, an edited reply, an edited question, an interrupted
reply), a comparison of two sides, and a thought. `first_edition.zip` holds the JSON export of each, made at that time.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.store.test_replays import Writer
from tui.engine.llama import Llama
from tui.knobs.table import Knobs
from tui.session.side import restore_setting
from tui.store.export import read, write
from tui.store.replay import check_model, difference
from tui.store.store import Store

HERE = Path(__file__).parent
NUMBERS = (1, 9, 11)
TREE, COMPARISON, THOUGHT = NUMBERS
exports = ZipFile(HERE / "first_edition.zip")


def exported(number: int) -> str:
    return exports.read(f"first_edition_{number}.json").decode()


@pytest.fixture
def first(path: Path) -> Iterator[Store]:
    path.parent.mkdir()
    shutil.copy(HERE / "first_edition.db", path)
    store = Store(path)
    assert not store.notice and not store.readonly
    yield store
    store.close()


def test_the_fixture_is_small_and_names_no_place_of_a_machine() -> None:
    content = (HERE / "first_edition.db").read_bytes()
    assert len(content) < 200_000
    assert not any(place in content for place in (b"/home", b"/root", b"/work", b"/tmp", b"/Users"))


def test_it_is_listed_and_searched(first: Store) -> None:
    assert [(entry.id, entry.title, entry.messages) for entry in first.list()] == [
        (THOUGHT, "Is the sea deep? Answer in one short sentence.", 4),
        (COMPARISON, "The sky, twice", 3),
        (TREE, "Name three animals that live in the sea.", 10),
    ]
    assert [(entry.id, entry.found) for entry in first.list("live there")] == [(TREE, "Why do they live there?")]
    assert [entry.id for entry in first.list("sky blue")] == [COMPARISON]


@pytest.mark.parametrize("number", NUMBERS)
def test_its_export_is_the_same_to_the_last_byte(first: Store, number: int) -> None:
    assert write(first.export(number), "json") == exported(number)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_export_of_the_first_edition_is_imported_whole(store: Store, number: int) -> None:
    text = exported(number)
    assert write(store.export(store.add(read(text, "export.json"))), "json") == text


def test_a_conversation_has_its_turns_and_knobs(first: Store) -> None:
    tree = first.load(TREE).conversation
    assert [(turn.parent, turn.edited, turn.ending) for turn in tree.turns] == [
        (None, False, None), (0, False, "length"), (0, False, "length"), (0, False, "length"), (0, True, "length"),
        (0, False, "length"), (None, True, None), (6, False, "length"), (7, False, None), (8, False, "interrupted"),
    ]  # fmt: skip
    turned, branched, continued = (tree.turns[index].record for index in (1, 3, 5))
    assert turned and [(change.index, change.knobs.temperature) for change in turned.knob_changes] == [(2, 2), (3, 2)]
    assert len(turned.traces) == len(turned.records) == len(turned.offsets) == 4
    assert branched and branched.inherited == 3
    assert continued and continued.first_index > 0
    thought = first.load(THOUGHT).conversation.path[-1].record
    assert thought and thought.thought and thought.thought.end and thought.thinking
    assert thought.thinking.temperature == 0.2 and thought.knobs.temperature == 0.3


def test_a_comparison_resumes_with_its_sides(first: Store) -> None:
    sides = first.load(COMPARISON).sides
    restored = [restore_setting(side) for side in sides]
    assert [chosen.preset.model for chosen in restored] == ["starter.gguf"] * 2
    assert [chosen.knobs.temperature for chosen in restored] == [1, 0.2]
    assert [side.tip for side in sides] == [1, 2]


@pytest.mark.model
def test_every_reply_replays(first: Store, starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("starter.gguf").symlink_to(starter)
    model = Llama("starter.gguf", Knobs(num_ctx=2048))
    writer = Writer(model)
    for number in NUMBERS:
        stored_conversation = first.load(number)
        for turn, identifier in zip(
            stored_conversation.conversation.turns, stored_conversation.position.turns, strict=True
        ):
            if turn.record is None or not turn.message.tokens:
                continue
            stored = first.reply(identifier)
            assert stored.source.model and check_model(stored.source.model)
            now = writer.again(stored)
            if now[0].p_raw != stored.record.traces[stored.record.inherited].p_raw:
                pytest.skip("another processor than the one it was written on: no token is promised")
            assert difference(stored, now) is None
    model.close()
