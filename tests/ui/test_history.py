"""What is said is kept while it is said, and gone on with another day."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from tests.store.pages import keep, talk, texts
from tests.ui.driver import ENDLESS, GREEDY, Chat, OpenChat
from tui.engine.fake import Script
from tui.engine.protocol import Generate
from tui.store import diary as diaries
from tui.store.diary import Diary
from tui.store.page import Page, Sheet
from tui.store.store import Store
from tui.ui import keeper
from tui.ui.screens.history import HistoryPicker


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
async def diary(path: Path) -> AsyncIterator[Diary]:
    opened = Diary(path)
    yield opened
    await opened.close()


def stored(path: Path, number: int = 1) -> list[tuple[str, str | None]]:
    store = Store(path)
    turns = store.load(number).conversation.path
    store.close()
    return [(turn.message.content, turn.ending) for turn in turns]


async def saved(chat: Chat, diary: Diary) -> None:
    chat.screen.keeper.note()
    assert await diary.settled(10)


async def test_a_question_is_in_the_file_before_the_model_sees_it(
    open_chat: OpenChat, path: Path, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_chat(Script(), diary=diary) as chat:
        await chat.ready()
        send, seen = chat.engine.send, list[list[str]]()

        def look(command: object) -> None:
            if isinstance(command, Generate):
                seen.append(texts(path))
            send(command)  # type: ignore[arg-type]

        monkeypatch.setattr(chat.engine, "send", look)
        await chat.answered("Why?")
        await saved(chat, diary)
        assert seen == [["Why?"]]
        assert stored(path) == [("Why?", None), ("Hello from the script.", "stop")]
        store = Store(path)
        reply = store.reply()
        assert len(reply.written.traces) == 23 and reply.written.knobs.seed == 1
        assert [message.role for message in reply.source.opening] == ["system"]
        assert store.load(1).setting == "default,temperature=0,seed=1"


async def test_a_reply_being_written_is_kept_as_far_as_it_is(open_chat: OpenChat, path: Path, diary: Diary) -> None:
    async with open_chat(ENDLESS, diary=diary) as chat:
        await chat.ask("Hi")
        await chat.written(30)
        await chat.until(lambda: len(texts(path)) == 2)
        question, (text, ending) = stored(path)
        assert text.startswith("on and on") and ending == "interrupted"
        await chat.press("escape")
        await chat.ready()
        await saved(chat, diary)
        assert stored(path)[1][1] == "stopped" and len(texts(path)) == 2


async def test_a_conversation_is_gone_on_with(open_chat: OpenChat, path: Path, diary: Diary) -> None:
    store = Store(path)
    keep(store, "first", "one")
    kept = store.load(1)
    store.close()
    async with open_chat(Script(replies=("one", "two")), diary=diary, going_on=kept) as chat:
        await chat.ready()
        assert chat.said().startswith("first o")
        await chat.answered("second")
        asked = chat.engine.commands(Generate)[0].replies[0].messages
        assert [message.content for message in asked][1:] == ["first", "one", "second"]
        await saved(chat, diary)
    assert [text for text, _ in stored(path)] == ["first", "one", "second", "two"]


async def test_ctrl_o_finds_a_conversation_by_what_was_said(open_chat: OpenChat, path: Path, diary: Diary) -> None:
    store = Store(path)
    keep(store, "Name a fish.", "Carp, [TODO] \x1b[31m.", key="fish")
    keep(store, "Name a bird.", "Wren.", key="bird")
    store.close()
    async with open_chat(Script(), diary=diary) as chat:
        await chat.answered("Before")
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, HistoryPicker))
        found = chat.app.screen.query_one(OptionList)
        await chat.until(lambda: found.option_count == 3)
        assert "Name a bird." in chat.view and "Name a fish." in chat.view
        chat.app.screen.query_one(Input).value = "carp todo"
        await chat.until(lambda: found.option_count == 1)
        assert "Carp, [TODO] ␛[31m." in chat.view
        chat.app.screen.query_one(Input).value = "nowhere"
        await chat.until(lambda: "Nothing was said like that." in chat.view)
        chat.app.screen.query_one(Input).value = "carp"
        await chat.until(lambda: found.option_count == 1)
        await chat.press("enter")
        await chat.until(lambda: "▌  Name a fish." in chat.view)
        assert [turn.message.content for turn in chat.side.conversation.path][0] == "Name a fish."
        assert "Before" not in chat.said() and "Hello from the script." not in chat.said()


async def test_a_new_chat_and_another_side_are_conversations_of_their_own(
    open_chat: OpenChat, path: Path, diary: Diary
) -> None:
    async with open_chat(Script(replies=("one", "two")), diary=diary) as chat:
        await chat.answered("first")
        await saved(chat, diary)
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2)
        await saved(chat, diary)
        assert len(Store(path).list()) == 1, "a side on which nothing was said is nothing new"
        await chat.answered("both")
        await chat.until(lambda: not chat.screen._talk.busy)
        await saved(chat, diary)
        assert [entry.messages for entry in Store(path).list()] == [4, 4]
        await chat.press("f7")
        await chat.press("ctrl+n")
        await chat.answered("third")
        await saved(chat, diary)
        assert [entry.title for entry in Store(path).list()] == ["third", "first", "first"]


async def test_d06_a_locked_file_is_marked_and_the_mark_goes_when_it_is_saved(
    open_chat: OpenChat, path: Path, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diaries, "RETRY", 0.05)
    await diary.ask(Store.newest)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    async with open_chat(Script(), diary=diary) as chat:
        await chat.ready()
        await chat.answered("Why?")
        await chat.until(lambda: "⚠ not saved" in chat.view)
        assert "another program holds it locked" in await chat.toast()
        assert "Hello from the script." in chat.view, "the chat goes on"
        other.execute("COMMIT")
        other.close()
        await saved(chat, diary)
        await chat.until(lambda: "not saved" not in chat.status.render().plain)
    assert [text for text, _ in stored(path)] == ["Why?", "Hello from the script."]


async def test_d10_that_the_history_was_mended_is_told(open_chat: OpenChat, path: Path, diary: Diary) -> None:
    path.write_bytes(b"no database" * 1000)
    async with open_chat(Script(), diary=diary) as chat:
        await chat.answered("Why?")
        assert (await chat.toast()).startswith("The history was damaged.")


async def test_without_a_diary_nothing_is_kept(open_chat: OpenChat, path: Path) -> None:
    async with open_chat(Script()) as chat:
        await chat.answered("Why?")
        await chat.press("ctrl+o")
        await chat.until(lambda: "Nothing is kept yet." in chat.view)
    assert not path.exists()


async def test_versions_and_another_wording_are_kept(open_chat: OpenChat, path: Path, diary: Diary) -> None:
    async with open_chat(Script(replies=("one", "two")), diary=diary) as chat:
        await chat.answered("first")
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.side.conversation.turns) == 3)
        await saved(chat, diary)
    store = Store(path)
    conversation = store.load(1).conversation
    assert [turn.parent for turn in conversation.turns] == [None, 0, 0] and conversation.tip == 2
    later = store.keep(store.load(1).page, Sheet(talk("again?", onto=conversation)))
    assert isinstance(later, Page) and len(later.turns) == 4


async def test_two_sides_that_go_on_with_one_conversation_lose_nothing(
    open_chat: OpenChat, path: Path, diary: Diary
) -> None:
    store = Store(path)
    keep(store, "first", "one")
    kept = store.load(1)
    store.close()
    async with open_chat(Script(replies=("one", "two")), GREEDY, GREEDY, diary=diary) as chat:
        await chat.ready()
        for side in chat.screen._talk.sides:
            chat.screen.keeper.open(side, kept)
        await chat.press("f9")
        await chat.answered("second")
        await chat.press("f6")
        await chat.answered("third")
        await saved(chat, diary)
    store = Store(path)
    kept_ones = [store.load(entry.id).conversation.path for entry in store.list()]
    store.close()
    assert [[turn.message.content for turn in path] for path in kept_ones] == [
        ["first", "one", "third", "two"],
        ["first", "one", "second", "two"],
    ]


async def test_what_a_side_said_last_is_kept_when_it_is_dropped(
    open_chat: OpenChat, path: Path, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FLUSH", 999)
    async with open_chat(Script(), GREEDY, GREEDY, diary=diary) as chat:
        await chat.ready()
        await chat.answered("Hi")
        await chat.until(lambda: not chat.screen._talk.busy)
        await chat.press("f8")
        await chat.until(lambda: len(chat.panes) == 1)
        await saved(chat, diary)
        assert list(chat.screen.keeper._noted) == chat.screen._talk.sides, "and no more is remembered of it"
    store = Store(path)
    endings = [store.load(entry.id).conversation.path[-1].ending for entry in store.list()]
    store.close()
    assert endings == ["stop", "stop"]
