"""What is kept comes back, and is found."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.store.pages import draft, keep, talk, texts, written
from tui.conversation.conversation import Conversation, Message, Turn, answer, ask, edit
from tui.conversation.reply_record import ReplyRecord
from tui.errors import StoreError
from tui.store.records import ModelFile, ReplySource, SavedPosition, Snapshot, title_of
from tui.store.store import Store


def without_traces(conversation: Conversation) -> Conversation:
    def bare(each: ReplyRecord | None) -> ReplyRecord | None:
        return replace(each, traces=(), records=()) if each else None

    turns = (replace(turn, record=bare(turn.record)) for turn in conversation.turns)
    return replace(conversation, turns=tuple(turns))


def test_a_conversation_comes_back_as_the_tree_it_was(store: Store) -> None:
    said = talk("Why is the sky blue?", "Rayleigh.", "And red?", "Dust.")
    branched = talk("And green?", "Never.", onto=replace(said, tip=1))
    store.save(SavedPosition("one"), Snapshot(branched, "precise,temperature=0.2"))
    kept = store.load(1)
    assert kept.conversation == branched
    assert (kept.title, kept.setting, kept.position.key) == ("Why is the sky blue?", "precise,temperature=0.2", "one")
    assert store.newest() == 1


def test_a_reply_comes_with_how_it_came_to_be(store: Store) -> None:
    model = ModelFile("/models/some.gguf", 1000, 17)
    said = talk("Hi", "Hello")
    source = ReplySource((Message("system", "Be brief."),), model, "0.3.36")
    page = store.save(SavedPosition("one"), Snapshot(said, source=source))
    found = store.reply(page.turns[1])
    assert (found.record, found.source, found.index) == (written(), source, 1)
    assert found.conversation.conversation.turns[1].message.tokens == (1, 2, 3)
    store.note_sha256(model, "abc")
    assert store.reply().source.model == replace(model, sha256="abc")


def test_a_conversation_opens_with_the_traces_of_its_newest_replies(store: Store) -> None:
    said = Conversation()
    for number in range(4):
        said = answer(ask(said, "again"), f"answer {number}", "stop", (1,), written(40, seed=number))
    page = store.save(SavedPosition("one"), Snapshot(said))
    with store._sound().reading() as connection:
        sizes = [size for (size,) in connection.execute("SELECT size FROM trace ORDER BY turn")]
    some = store.load(1, recent=sum(sizes[2:])).conversation
    assert [bool(turn.record and turn.record.traces) for turn in some.turns[1::2]] == [False, False, True, True]
    assert all(turn.record and turn.record.offsets for turn in some.turns[1::2]), "where tokens begin is always known"
    assert store.load(1).conversation == said and len(page.turns) == 8


def test_only_what_is_new_is_written(store: Store) -> None:
    page = keep(store, "Hi", "Hello")
    more = talk("More?", "Yes.", onto=store.load(1, recent=0).conversation)
    after = store.save(page, Snapshot(more))
    assert after.turns[:2] == page.turns and len(after.turns) == 4
    assert store.save(after, Snapshot(more)) == after
    assert store.reply(after.turns[1]).record.traces, "those of a conversation that was loaded stay as they were"


def test_d03_a_reply_being_written_counts_as_interrupted_until_it_is_done(path: Path, store: Store) -> None:
    asked = talk("Hi")
    page = store.save(SavedPosition("one"), Snapshot(asked))
    page = store.save(page, Snapshot(asked, draft=draft(asked, "Hel")))
    page = store.save(page, Snapshot(asked, draft=draft(asked, "Hello, I")))
    after_a_crash = Store(path).load(1).conversation
    assert [(turn.message.content, turn.ending) for turn in after_a_crash.path] == [
        ("Hi", None),
        ("Hello, I", "interrupted"),
    ]
    assert store.list("hello i"), "and it can be found"
    done = answer(asked, "Hello, I am.", "stop", (1, 2), written(2))
    page = store.save(page, Snapshot(done))
    assert [turn.message.content for turn in store.load(1).conversation.turns] == ["Hi", "Hello, I am."]
    assert len(store.reply(page.turns[1]).record.traces) == 2
    assert store.list("hello am")


def test_a_reply_given_up_without_a_word_leaves_nothing(store: Store) -> None:
    asked = talk("Hi")
    page = store.save(SavedPosition("one"), Snapshot(asked, draft=draft(asked, "")))
    page = store.save(page, Snapshot(asked))
    assert page.draft is None and len(store.load(1).conversation.turns) == 1


def test_the_oldest_traces_go_first_and_the_text_never(path: Path) -> None:
    store = Store(path, limit=3000)
    page = SavedPosition("one")
    said = Conversation()
    for number in range(8):
        said = ask(said, f"question {number}")
        said = answer(said, f"answer {number}", "stop", (1,), written(40, seed=number))
        page = store.save(page, Snapshot(said))
    traces = [bool(store.reply(turn).record.traces) for turn in page.turns[1::2]]
    assert traces == sorted(traces) and traces[-1] and not traces[0]
    assert store.load(1, recent=0).conversation == without_traces(said)
    assert store.reply(page.turns[1]).record.knobs.seed == 0
    store.close()


def test_conversations_are_listed_the_one_talked_in_last_first(store: Store) -> None:
    first = keep(store, "first", key="one")
    keep(store, "second", key="two")
    assert [entry.title for entry in store.list()] == ["second", "first"]
    store.save(first, Snapshot(talk("first", "again")))
    assert [(entry.title, entry.messages) for entry in store.list()] == [("first", 2), ("second", 1)]
    assert [entry.title for entry in store.list(limit=1, offset=1)] == ["second"]


def test_d19_order_is_that_of_the_words_and_not_of_the_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1000, 0, -1))
    monkeypatch.setattr("tui.store.rows.time.time", lambda: float(next(times)))
    keep(store, "first", "answer", key="one")
    keep(store, "second", key="two")
    assert [entry.title for entry in store.list()] == ["second", "first"]
    assert [turn.message.content for turn in store.load(1).conversation.path] == ["first", "answer"]


@pytest.mark.parametrize(
    ("message", "query", "found"),
    [
        ("100% sure", "100%", True),
        ("100 sure", "100%", False),
        ("snake_case", "e_c", True),
        ("snakeXcase", "e_c", False),
        ('she said "no"', '"no"', True),
        ("she said no", '"no"', False),
        ("a * b", "*", True),
        ("anything", "*", False),
        ("near", "NEAR(", False),
        ("NEAR(a b)", "near(", True),
        ("Robert'); DROP TABLE turn; --", "'); DROP", True),
        ("col:on and -minus", "col:on -minus", True),
        ("C++ and C#", "c++ c#", True),
        ("你好世界", "世界", True),
        ("你好世界", "好世界", True),
        ("Straße", "STRASSE", False),
        ("two words apart", "apart two", True),
        ("two words", "two missing", False),
        ("back\\slash", "\\", True),
        ("nothing", "^ OR AND NOT ( ) { } ~ \x00", False),
    ],
)
def test_d20_what_is_searched_for_is_what_was_typed(store: Store, message: str, query: str, found: bool) -> None:
    keep(store, "unrelated", key="other")
    keep(store, message, key="one")
    assert [entry.title for entry in store.list(query)] == ([title_of(message)] if found else [])


def test_a_match_shows_where_it_stands(store: Store) -> None:
    page = keep(store, "Hi", f"{'before ' * 20}the needle{' after' * 40}")
    (entry,) = store.list("needle")
    assert entry.turn == page.turns[1]
    assert "the needle after" in entry.found and entry.found.startswith("…") and entry.found.endswith("…")


def test_a_title_can_be_changed_and_searched_for(store: Store) -> None:
    keep(store, "Hi")
    store.rename(1, "About the sky")
    assert [entry.title for entry in store.list("the sky")] == ["About the sky"]
    with pytest.raises(StoreError, match="There is no conversation 9"):
        store.rename(9, "x")


def test_what_is_removed_is_gone_from_the_file(path: Path, store: Store) -> None:
    keep(store, "a secret word: xylophone-4711", "xylophone-4711 it is")
    keep(store, "kept", key="two")
    store.remove(1)
    assert store.list("xylophone") == () and [entry.title for entry in store.list()] == ["kept"]
    store.close()
    assert b"xylophone" not in path.read_bytes() and b"4711" not in path.read_bytes()
    with pytest.raises(StoreError, match="There is no conversation 1"):
        Store(path).load(1)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Why?", "Why?"),
        ("\n\n  first  line \nsecond", "first line"),
        ("", ""),
        ("word " * 30, "word " * 11 + "word…"),
        ("words " * 30, "words " * 8 + "words words…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_word(question: str, title: str) -> None:
    assert title_of(question) == title and len(title) <= 60


@pytest.mark.parametrize("text", ["nul \x00 here", "\x1b[31m", "e\u0301\u0301", "🎈" * 1000, "", "\u2028", "\ufffe"])
def test_d18_any_text_comes_back_exactly(store: Store, text: str) -> None:
    keep(store, "Hi", text)
    assert store.load(1).conversation.turns[1].message.content == text


def test_d18_what_no_file_can_hold_is_replaced_and_long_texts_are_kept_whole(store: Store) -> None:
    keep(store, "lone \udc80 surrogate", key="one")
    assert store.load(1).conversation.turns[0].message.content == "lone ? surrogate"
    long = "needle " + "x" * 50_000_000
    keep(store, long, key="two")
    assert store.load(2).conversation.turns[0].message.content == long
    assert [entry.id for entry in store.list("needle")] == [2]


def test_d17_what_is_said_of_a_conversation_anew_costs_none_of_its_messages(store: Store) -> None:
    page = keep(store, "Hi", "Hello")
    store.save(page, Snapshot(talk("Hi", "Hello"), "another,setting=1"))
    assert len(store.load(1).conversation.turns) == 2 and store.load(1).setting == "another,setting=1"


def test_d22_nobody_else_can_read_it(path: Path, store: Store) -> None:
    keep(store, "Hi")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_d23_no_other_thread_can_use_the_connection(store: Store) -> None:
    caught: list[BaseException] = []

    def use() -> None:
        try:
            store.list()
        except sqlite3.ProgrammingError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_every_commit_waits_for_the_disk(store: Store) -> None:
    with store._sound().reading() as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
        }
    wal = sqlite3.sqlite_version_info >= (3, 51, 3)
    assert settings == {"synchronous": 3, "journal_mode": "wal" if wal else "delete"}


def test_a_reply_that_cannot_be_named_is_an_error_with_what_to_do(store: Store) -> None:
    with pytest.raises(StoreError, match="No reply has been saved yet"):
        store.reply()
    page = keep(store, "Hi")
    with pytest.raises(StoreError, match="is not a reply"):
        store.reply(page.turns[0])
    with pytest.raises(StoreError, match="There is no message 99"):
        store.reply(99)
    store.save(SavedPosition("two"), Snapshot(answer(talk("Hi"), "edited", "stop")))
    with pytest.raises(StoreError, match="Nothing is known of how"):
        store.reply(store.load(2).position.turns[1])


def test_a_record_from_another_version_costs_the_record_and_not_the_text(path: Path, store: Store) -> None:
    keep(store, "Hi", "Hello")
    store.close()
    with sqlite3.connect(path) as raw:
        raw.execute("""UPDATE reply SET tokens = x'ff', written = '{"preset": 5}'""")
    raw.close()
    turn = Store(path).load(1).conversation.turns[1]
    assert turn == Turn(Message("assistant", "Hello"), 0, "stop")


def test_a_turn_that_was_written_ahead_and_never_asked_costs_no_reply(path: Path, store: Store) -> None:
    said = talk("Hi")
    page = store.save(SavedPosition("one"), Snapshot(said, draft=draft(said, "Hel")))
    page = store.save(page, Snapshot(edit(said, 0, "Ho"), draft=draft(said, "Hell")))  # then asking is refused
    page = store.save(page, Snapshot(talk("Hi", "Hello")))
    assert texts(path) == ["Hi", "Hello", "Ho"]
    assert store.load(1).position.turns[1] == page.turns[1]


def test_a_number_that_is_given_again_is_not_taken_for_the_turn_that_had_it(path: Path, store: Store) -> None:
    page = keep(store, "Hi", "Hello")
    store.save(SavedPosition("one", page.turns[:1]), Snapshot(talk("Hi", "Good day", "Bye")))
    with store._sound().writing() as connection:  # as after a mend that lost the reply
        connection.execute("DELETE FROM turn WHERE text = 'Hello'")
        connection.execute("UPDATE turn SET id = ? WHERE text = 'Bye'", (page.turns[1],))
    store.save(page, Snapshot(talk("Hi", "Hello", "And?")))
    assert set(texts(path)) == {"Hi", "Hello", "And?", "Good day", "Bye"}


def test_every_reply_of_a_sheet_keeps_its_own_source(store: Store) -> None:
    said = talk("Hi", "Hello", "And?", "So.")
    first, second = (ReplySource((Message("system", text),)) for text in ("Be brief.", "Be long."))
    store.save(SavedPosition("one"), Snapshot(said, source=second, sources={1: first, 3: second}))
    assert [store.reply(turn).source for turn in (2, 4)] == [first, second]
