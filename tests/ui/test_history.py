"""History: conversations are saved while they grow, and opened again later."""

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from tests.engine.scripted import Script
from tests.store.pages import keep, talk, texts, written
from tests.ui.driver import ENDLESS, GREEDY, UNSURE, Chat, OpenChat
from tui.conversation.conversation import answer, until, versions
from tui.engine.protocol import Generate
from tui.paths import sent_file
from tui.session.side import restore_setting
from tui.store import async_store
from tui.store.async_store import AsyncStore
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.history import HistoryPicker
from tui.ui.widgets.tokens.token_view import TokenView


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
async def diary(path: Path) -> AsyncIterator[AsyncStore]:
    opened = AsyncStore(path)
    yield opened
    await opened.close()


def stored(path: Path, number: int = 1) -> list[tuple[str, str | None]]:
    store = Store(path)
    turns = store.load(number).conversation.path
    store.close()
    return [(turn.message.content, turn.ending) for turn in turns]


async def saved(chat: Chat, diary: AsyncStore) -> None:
    chat.screen.autosave.save()
    assert await diary.wait_saved(10)


async def test_a_question_is_in_the_file_before_the_model_sees_it(
    open_chat: OpenChat, path: Path, diary: AsyncStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_chat(Script(), diary=diary) as chat:
        await chat.ready()
        await chat.ask("/set system Be brief.")
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
        assert len(reply.record.traces) == 23 and reply.record.knobs.seed == 1
        assert [(each.role, each.content) for each in reply.source.opening] == [("system", "Be brief.")]
        assert store.load(1).setting == "default,temperature=0,seed=1"


async def test_a_reply_being_written_is_kept_as_far_as_it_is(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
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


async def test_a_conversation_is_gone_on_with(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
    store = Store(path)
    keep(store, "first", "one")
    kept = store.load(1)
    store.close()
    async with open_chat(Script(replies=("one", "two")), diary=diary, going_on=kept) as chat:
        await chat.ready()
        assert chat.said().startswith("first o")
        await chat.answered("second")
        asked = chat.engine.commands(Generate)[0].replies[0].messages
        assert [message.content for message in asked] == ["first", "one", "second"]
        await saved(chat, diary)
    assert [text for text, _ in stored(path)] == ["first", "one", "second", "two"]


async def test_ctrl_o_finds_a_conversation_by_what_was_said(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
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
        await chat.until(lambda: "No conversation contains these words." in chat.view)
        chat.app.screen.query_one(Input).value = "carp"
        await chat.until(lambda: found.option_count == 1)
        await chat.press("enter")
        await chat.until(lambda: "▌  Name a fish." in chat.view)
        assert [turn.message.content for turn in chat.side.conversation.path][0] == "Name a fish."
        assert "Before" not in chat.said() and "Hello from the script." not in chat.said()


async def test_a_reply_keeps_the_record_of_what_it_was_asked_with(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
    async with open_chat(ENDLESS, diary=diary) as chat:
        asked = chat.side.preset.opening
        await chat.ask("Hi")
        await chat.written(30)
        await chat.ask("/set system Be brief.")
        await chat.until(lambda: chat.side.preset.opening != asked)
        await saved(chat, diary)
        assert Store(path).reply().source.opening == asked, "while it is written"
        await chat.press("escape")
        await chat.ready()
        await chat.ask("And?")  # at once: the end of the first has not been noted yet
        await chat.written(60)
        await saved(chat, diary)
        store = Store(path)
        first, second = (store.reply(turn).source.opening for turn in (2, 4))
        assert first == asked and second == chat.side.preset.opening


async def test_a_comparison_is_one_conversation_and_a_new_chat_another(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
    async with open_chat(Script(replies=("one", "two"), sureness=1.5), diary=diary) as chat:
        await chat.answered("first")
        await saved(chat, diary)
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2)
        await saved(chat, diary)
        assert [entry.messages for entry in Store(path).list()] == [2], "a side on which nothing was said"
        chat.screen._session.turn(chat.side, "temperature", 1.5)
        await chat.answered("both")
        await chat.until(lambda: not chat.screen._session.busy)
        await saved(chat, diary)
        (entry,) = Store(path).list()
        assert entry.messages == 5 and entry.setting == (
            "default,temperature=0,seed=1 | default,temperature=1.5,seed=1"
        )
        kept = Store(path).load(1)
        assert [kept.conversation.turns[seat.tip or 0].parent for seat in kept.sides] == [2, 2], "one question"
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1)
        await saved(chat, diary)
        assert len(Store(path).load(1).sides) == 1 and len(Store(path).load(1).conversation.turns) == 5
        await chat.press("ctrl+n")
        await chat.answered("third")
        await saved(chat, diary)
        assert [entry.title for entry in Store(path).list()] == ["third", "first"]


async def test_the_side_that_is_kept_has_the_others_reply_as_a_version(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
    async with open_chat(UNSURE, GREEDY, "temperature=1.5,seed=1", diary=diary) as chat:
        await chat.ask("Hi")
        await chat.written(20, pane=1)
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1)
        await chat.press("escape")
        await chat.ready()
        question, other, mine = chat.side.conversation.turns
        assert (other.parent, other.ending, mine.parent) == (0, "stopped", 0)
        assert other.record and other.record.knobs.temperature == 1.5 and other.record.traces
        assert versions(chat.side.conversation, 2) == (1, 2) and chat.side.conversation.tip == 2
        await saved(chat, diary)
        assert len(texts(path)) == 3, "and each is kept once"


async def test_a_comparison_is_opened_as_one(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
    said = talk("Why?", "left.", onto=None)
    both = answer(until(said, 0), "right.", "stop", (1, 2, 3))
    store = Store(path)
    first = Snapshot(until(both, 1), "default,temperature=0", system="Be left.", side_count=2)
    page = store.save(SavedPosition("one"), first)
    store.save(page, Snapshot(until(both, 2), "default,temperature=1.5", system="Be right.", side=1, side_count=2))
    keep(store, "Another", key="another")
    store.close()
    async with open_chat(Script(), diary=diary) as chat:
        await chat.ready()
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, HistoryPicker))
        await chat.until(lambda: chat.app.screen.query_one(OptionList).option_count == 2)
        await chat.press("down")
        await chat.until(lambda: "default,temperature=0 | default,temperature=1.5" in chat.view)
        await chat.press("enter")
        await chat.until(lambda: len(chat.panes) == 2)
        await chat.until(lambda: "right." in chat.said(1))
        assert "eft." in chat.said(0) and "right." not in chat.said(0)
        left, right = chat.screen._session.sides
        assert (left.knobs.temperature, right.knobs.temperature) == (0, 1.5)
        assert (left.preset.system, right.preset.system) == ("Be left.", "Be right.")
        await chat.answered("And?")
        await chat.until(lambda: not chat.screen._session.busy)
        await saved(chat, diary)
    kept = Store(path).load(1)
    assert [until(kept.conversation, seat.tip).path[1].message.content for seat in kept.sides] == ["left.", "right."]
    assert [turn.message.content for turn in kept.conversation.turns].count("And?") == 2, "each under its own reply"


@pytest.mark.parametrize("end", ["ctrl+n", "quit"])
async def test_what_is_being_written_is_kept_with_how_its_tokens_were_chosen(
    open_chat: OpenChat, path: Path, diary: AsyncStore, end: str
) -> None:
    async with open_chat(ENDLESS, diary=diary) as chat:
        await chat.ask("Hi")
        await chat.written(30)
        if end == "quit":
            chat.screen.autosave.close()  # as `tui.ui.start` does at the end
        else:
            await chat.press("ctrl+n")
            await chat.until(lambda: not chat.side.conversation.turns)
        assert await diary.wait_saved(10)
    store = Store(path)
    reply = store.load(1).conversation.turns[1]
    assert reply.ending == "stopped" and reply.record and len(texts(path)) == 2
    assert reply.message.tokens == reply.record.ids and len(reply.record.traces) >= 30


async def test_the_tokens_of_an_older_reply_are_fetched_when_they_are_looked_at(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
    store = Store(path)
    keep(store, "first", "one", "second", "two")
    kept = store.load(1, recent=0)
    store.close()
    async with open_chat(Script(), diary=diary, going_on=kept) as chat:
        await chat.ready()
        await chat.press("ctrl+t")
        await chat.until(lambda: chat.screen.query(TokenView))
        await chat.until(lambda: chat.screen.query_one(TokenView).count == 3)
        assert chat.side.conversation.turns[3].record == written()
        await chat.press("ctrl+t")
        chat.panes[0].transcript.focus()
        assert not kept.conversation.turns[1].record or not kept.conversation.turns[1].record.traces


async def test_that_traces_were_dropped_is_said(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
    store = Store(path, limit=0)
    keep(store, "first", "one")
    kept = store.load(1)
    store.close()
    async with open_chat(Script(), diary=diary, going_on=kept) as chat:
        await chat.ready()
        await chat.press("ctrl+t")
        assert (await chat.toast()).startswith("How these tokens were chosen is no longer kept")


async def test_what_a_side_is_set_to_is_kept_though_nothing_more_is_said(
    open_chat: OpenChat, path: Path, diary: AsyncStore
) -> None:
    async with open_chat(Script(), diary=diary) as chat:
        await chat.answered("Why?")
        await chat.ask("/set system Be brief.")
        await chat.until(lambda: chat.side.preset.system == "Be brief.")
        await saved(chat, diary)
        (seat,) = Store(path).load(1).sides
        assert (seat.setting, seat.system) == ("default,temperature=0,seed=1", "Be brief.")
        assert restore_setting(seat).preset.system == "Be brief."


async def test_of_a_side_that_was_dropped_no_more_is_remembered(open_chat: OpenChat, diary: AsyncStore) -> None:
    async with open_chat(Script(), GREEDY, GREEDY, diary=diary) as chat:
        await chat.ready()
        await chat.answered("Hi")
        await chat.until(lambda: not chat.screen._session.busy)
        await saved(chat, diary)
        assert len(chat.screen.autosave._saved) == 2
        await chat.press("f8")
        await chat.until(lambda: len(chat.panes) == 1)
        await saved(chat, diary)
        assert [noted.side for noted in chat.screen.autosave._saved.values()] == chat.screen._session.sides


async def test_d06_a_locked_file_is_marked_and_the_mark_goes_when_it_is_saved(
    open_chat: OpenChat, path: Path, diary: AsyncStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_store, "RETRY", 0.05)
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


async def test_d10_that_the_history_was_mended_is_told(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
    path.write_bytes(b"no database" * 1000)
    async with open_chat(Script(), diary=diary) as chat:
        await chat.answered("Why?")
        assert (await chat.toast()).startswith("The history was damaged.")


async def test_without_a_diary_nothing_is_kept(open_chat: OpenChat, path: Path) -> None:
    """Nor are prompts, and nobody can have them kept."""
    async with open_chat(Script()) as chat:
        await chat.answered("Why?")
        await chat.ask("/set history")
        assert (await chat.toast()).startswith("Nothing of this chat is saved")
        await chat.until(lambda: not any(worker.group == "kept" for worker in chat.app.workers))
        assert not sent_file().exists()
        await chat.press("ctrl+o")
        await chat.until(lambda: "No conversation is saved yet." in chat.view)
    assert not path.exists()


async def test_the_history_has_its_keys_below_and_f1_explains_them(open_chat: OpenChat, diary: AsyncStore) -> None:
    async with open_chat(Script(), diary=diary, size=(80, 24)) as chat:
        await chat.ready()
        await chat.press("ctrl+o")
        await chat.until(lambda: isinstance(chat.app.screen, HistoryPicker))
        await chat.until(lambda: "⏎ Open  esc Back  f1 Help" in chat.view)
        await chat.press("f1")
        await chat.until(lambda: isinstance(chat.app.screen, HelpScreen))
        assert re.search(r"⏎ +Open", chat.view)
        await chat.press("escape", "escape")
        await chat.until(lambda: chat.app.screen is chat.screen)


async def test_versions_and_another_wording_are_kept(open_chat: OpenChat, path: Path, diary: AsyncStore) -> None:
    async with open_chat(Script(replies=("one", "two")), diary=diary) as chat:
        await chat.answered("first")
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.side.conversation.turns) == 3)
        await saved(chat, diary)
    store = Store(path)
    conversation = store.load(1).conversation
    assert [turn.parent for turn in conversation.turns] == [None, 0, 0] and conversation.tip == 2
    later = store.save(store.load(1).position, Snapshot(talk("again?", onto=conversation)))
    assert isinstance(later, SavedPosition) and len(later.turns) == 4
