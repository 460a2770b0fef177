"""Sides beside each other keep one conversation: what both have is one, and each comes back as it was left."""

from msgspec.structs import replace

from tests.store.pages import draft, talk, texts
from tui.conversation.conversation import Conversation, answer, ask, join, until
from tui.store.records import SavedPosition, SideRow, Snapshot
from tui.store.store import Store


def asked() -> Conversation:
    """As each side asks it for itself."""
    return ask(talk("Hi", "Hello"), "Why?")


def test_what_both_sides_say_is_kept_once_and_what_differs_as_versions(store: Store) -> None:
    common = talk("Hi", "Hello")
    left = right = store.save(SavedPosition("one"), Snapshot(common))
    left = store.save(left, Snapshot(asked(), "cold", side_count=2))
    right = store.save(right, Snapshot(asked(), "warm", side=1, side_count=2))
    assert left.turns == right.turns
    left = store.save(left, Snapshot(asked(), "cold", draft=draft(asked(), "So"), side_count=2))
    right = store.save(right, Snapshot(asked(), "warm", draft=draft(asked(), "Be"), side=1, side_count=2))
    store.save(left, Snapshot(answer(asked(), "So.", "stop"), "cold", side_count=2))
    store.save(right, Snapshot(answer(asked(), "Because.", "stop"), "warm", side=1, side_count=2))
    kept = store.load(1)
    assert [(turn.message.content, turn.parent) for turn in kept.conversation.turns] == [
        ("Hi", None), ("Hello", 0), ("Why?", 1), ("So.", 2), ("Because.", 2),
    ]  # fmt: skip
    assert kept.sides == (SideRow("cold", tip=3), SideRow("warm", tip=4)) and kept.conversation.tip == 3
    assert kept.setting == "cold | warm" and len(store.list()) == 1


def test_of_two_replies_that_only_say_the_same_both_are_kept(store: Store) -> None:
    said = talk("Hi", "Hello")
    other = replace(said.turns[1], record=replace(said.turns[1].record, preset="other"))  # type: ignore[type-var]
    store.save(SavedPosition("one"), Snapshot(said, side_count=2))
    store.save(SavedPosition("one"), Snapshot(replace(said, turns=(said.turns[0], other)), side=1, side_count=2))
    assert [turn.record and turn.record.preset for turn in store.load(1).conversation.turns] == [
        None, "precise", "other",
    ]  # fmt: skip


def test_a_side_that_is_left_goes_and_its_reply_stays(store: Store) -> None:
    left, right = answer(asked(), "So.", "stop"), answer(asked(), "Because.", "stop")
    page = store.save(SavedPosition("one"), Snapshot(left, "cold", side_count=2))
    store.save(SavedPosition("one"), Snapshot(right, "warm", side=1, side_count=2))
    alone = join(left, right)
    page = store.save(page, Snapshot(alone, "cold"))
    kept = store.load(1)
    assert kept.conversation == alone and kept.sides == (SideRow("cold", tip=3),) and kept.setting == "cold"
    assert store.save(page, Snapshot(alone, "cold")) == page


def test_what_another_side_is_still_writing_is_nobody_elses(store: Store) -> None:
    said = talk("Hi")
    store.save(SavedPosition("one"), Snapshot(said, draft=draft(said, "Hel"), side_count=2))
    other = store.save(SavedPosition("one"), Snapshot(said, draft=draft(said, "Hel"), side=1, side_count=2))
    store.save(other, Snapshot(said, side=1, side_count=2))
    assert [turn.message.content for turn in store.load(1).conversation.turns] == ["Hi", "Hel"]


def test_seats_are_recovered_from_a_damaged_file(store: Store) -> None:
    store.save(SavedPosition("one"), Snapshot(talk("Hi", "Hello"), "cold", system="Be brief.", model="starter"))
    path = store._path
    store.close()
    whole = path.read_bytes()
    path.write_bytes(bytes(100) + whole[100:])
    mended = Store(path)
    assert mended.load(1).sides == (SideRow("cold", "Be brief.", "starter", 1),)
    mended.close()
    assert texts(path) == ["Hi", "Hello"]


def test_a_conversation_goes_where_its_first_side_goes(store: Store) -> None:
    said = talk("Hi", "Hello", "And?", "So.")
    page = store.save(SavedPosition("one"), Snapshot(until(said, 1)))
    assert store.load(1).conversation.tip == 1
    store.save(page, Snapshot(until(said, 3), side=1, side_count=2))
    assert store.load(1).conversation.tip == 1
    store.save(page, Snapshot(until(said, 3)))
    assert store.load(1).conversation.tip == 3
