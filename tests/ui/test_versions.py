"""Messages said before: picked, worded anew, gone on with, read in other versions."""

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, GREEDY, Chat, OpenChat
from tui.conversation.conversation import Message
from tui.engine.protocol import Generate, Previewed
from tui.ui.widgets.transcript.message_list import MessageList

TWO = Script(replies=("First answer.", "Second answer."))


async def conversed(chat: Chat) -> None:
    """Two questions answered, and the cursor on the last reply."""
    await chat.ready()
    await chat.answered("one?")
    await chat.answered("two?")
    chat.panes[0].transcript.focus()
    await chat.press("up")


def said(chat: Chat) -> list[str]:
    return [turn.message.content for turn in chat.side.conversation.path]


async def settled(chat: Chat, replies: int = 3) -> None:
    """Wait until so many replies were asked for and the last is there."""
    await chat.until(lambda: len(chat.engine.commands(Generate)) == replies and not chat.side.busy)
    await chat.until(lambda: chat.state == "ready")
    await chat.pilot.pause()


async def test_the_arrows_pick_messages_and_the_mark_is_a_shape(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        transcript = chat.panes[0].transcript
        assert transcript.messages.picked == 3 and "▶  Second answer." in chat.view
        await chat.press("up")
        assert transcript.messages.picked == 2 and "▶  two?" in chat.view and "▏  Second answer." in chat.view
        await chat.press("up", "up", "up")
        assert transcript.messages.picked == 0
        await chat.press("down")
        assert transcript.messages.picked == 1
        await chat.pilot.click(transcript, offset=(5, 1))
        assert transcript.messages.picked == 0


async def test_an_edited_question_is_answered_anew_and_the_first_is_a_key_away(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        await chat.press("up", "e")
        assert chat.prompt.text == "two?" and chat.prompt.has_focus
        assert "your message, worded anew" in chat.view
        chat.prompt.insert(" Really")
        await chat.press("enter")
        await settled(chat)
        assert said(chat) == ["one?", "First answer.", "two? Really", "Second answer."]
        assert "‹ 2/2 ›" in chat.view and "worded anew" not in chat.view
        chat.panes[0].transcript.focus()
        await chat.press("left")
        await chat.until(lambda: said(chat)[2] == "two?")
        assert "‹ 1/2 ›" in chat.view
        await chat.press("right")
        await chat.until(lambda: said(chat)[2] == "two? Really")


async def test_escape_leaves_the_message_and_gives_the_draft_back(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        chat.prompt.insert("half a thought")
        await chat.press("e", "escape")
        assert chat.prompt.text == "half a thought" and chat.prompt.purpose == ""
        assert said(chat)[2:] == ["two?", "Second answer."]


async def test_an_edited_reply_stands_beside_and_is_gone_on_with(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        await chat.press("e")
        chat.prompt.text = "Second"
        await chat.press("enter")
        await chat.until(lambda: said(chat)[-1] == "Second")
        assert "edited" in chat.view
        chat.panes[0].transcript.focus()
        await chat.press("c")
        await settled(chat)
        assert chat.engine.commands(Generate)[-1].replies[0].messages[-1] == Message("assistant", "Second")
        assert said(chat)[-1] == "Second answer." and "‹ 3/3 ›" in chat.view
        assert "⑂" in chat.view, "it shows from where on the model wrote"


async def test_a_stopped_reply_goes_on(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ready()
        await chat.ask("go")
        await chat.written(10)
        await chat.press("escape")
        await settled(chat, 1)
        (_, cut) = said(chat)
        chat.panes[0].transcript.focus()
        await chat.press("c")
        await chat.until(lambda: chat.side.busy)
        assert cut in chat.said()
        await chat.written(len(cut) + 5)
        await chat.press("escape")
        await settled(chat, 2)
        turn = chat.side.conversation.path[-1]
        assert turn.message.content.startswith(cut) and len(turn.message.content) > len(cut)
        assert turn.record and turn.record.inherited > 0 and len(turn.record.offsets) == len(turn.record.traces)


async def test_any_reply_can_be_answered_anew_and_its_foot_stays_when_it_is_shown_again(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        foot = "seed 1"
        assert chat.said().count(foot) == 2
        await chat.press("up", "up", "r")
        await settled(chat)
        assert said(chat) == ["one?", "First answer."] and "‹ 2/2 ›" in chat.view
        chat.panes[0].transcript.focus()
        await chat.press("left")
        await chat.until(lambda: len(said(chat)) == 4)
        assert chat.said().count(foot) == 2, "nothing is lost on the way back"


async def test_nothing_is_changed_while_a_reply_is_written(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ready()
        await chat.ask("go")
        await chat.written(5)
        chat.panes[0].transcript.focus()
        await chat.press("up", "r")
        assert "press Esc to stop it first" in await chat.toast()
        assert chat.side.busy


async def test_the_chat_up_to_a_message_is_carried_over(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        await chat.press("up", "up", "b")
        await chat.until(lambda: len(chat.panes) == 2)
        await chat.pilot.pause()
        left, right = chat.screen._session.sides
        assert [turn.message.content for turn in right.conversation.path] == ["one?", "First answer."]
        assert len(left.conversation.path) == 4


async def test_a_version_is_wanted_by_a_click_on_its_arrow(open_chat: OpenChat) -> None:
    wanted: list[MessageList.ActionRequested] = []

    def hook(message: object) -> None:
        if isinstance(message, MessageList.ActionRequested):
            wanted.append(message)

    async with open_chat(TWO, hook=hook) as chat:
        await conversed(chat)
        await chat.press("r")
        await settled(chat)
        row = next(y for y, line in enumerate(chat.view.splitlines()) if "‹ 2/2 ›" in line)
        column = chat.view.splitlines()[row].index("‹")
        await chat.pilot.click(offset=(column, row))
        await chat.until(lambda: any(each.action == "go" for each in wanted))
        await chat.until(lambda: "‹ 1/2 ›" in chat.view)


async def test_the_tree_shows_every_version_and_leads_to_each(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        await chat.press("r")
        await settled(chat)
        await chat.press("f5")
        await chat.until(lambda: "├─" in chat.view)
        assert "5 messages" in chat.view and "└─" in chat.view
        await chat.press("up", "enter")
        await chat.until(lambda: chat.side.conversation.tip == 3)
        await chat.press("f5", *"first answ")
        await chat.until(lambda: "Second" not in chat.view.split("messages")[1])
        await chat.press("ctrl+b")
        await chat.until(lambda: len(chat.panes) == 2)
        await chat.until(
            lambda: [turn.message.content for turn in chat.side.conversation.path][1:] == ["First answer."]
        )


async def test_that_nothing_came_of_another_answer_is_said_once(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("ok",), delay=1.0)) as chat:
        await chat.ready()
        await chat.answered("Why?")
        await chat.ready()
        await chat.press("ctrl+r", "escape")
        await chat.until(lambda: "stopped before its first word" in chat.said())
        chat.screen.add_notice("something else")
        for temperature in (0.3, 0.4):
            looks = len(chat.engine.heard(Previewed))
            await chat.ask(f"/set parameter temperature {temperature}")
            await chat.until(lambda: len(chat.engine.heard(Previewed)) > looks)  # noqa: B023
        await chat.pilot.pause()
        assert chat.said().endswith("stopped before its first word something else")


async def test_a_message_that_is_gone_cannot_be_worded_anew(open_chat: OpenChat) -> None:
    async with open_chat(TWO) as chat:
        await conversed(chat)
        await chat.press("up", "e")
        await chat.press("ctrl+n")
        await chat.press("!", "enter")
        assert "is gone" in await chat.toast()
        assert chat.prompt.text == "two?!" and not chat.side.conversation.turns
        await chat.press("enter")
        await chat.until(lambda: len(chat.side.conversation.turns) == 2)
        assert said(chat)[0] == "two?!"


async def test_a_message_of_a_side_that_was_dropped_cannot_be_worded_anew(open_chat: OpenChat) -> None:
    async with open_chat(TWO, GREEDY, GREEDY) as chat:
        await chat.ready()
        await chat.answered("one?")
        await chat.until(lambda: not any(side.busy for side in chat.screen._session.sides))
        await chat.press("f6")
        chat.panes[1].transcript.focus()
        await chat.press("up", "up", "e", "f8")
        await chat.until(lambda: len(chat.panes) == 1)
        chat.prompt.focus()
        asked = len(chat.engine.commands(Generate))
        await chat.press("!", "enter")
        assert "is gone" in await chat.toast()
        assert len(chat.engine.commands(Generate)) == asked


async def test_rewording_waits_for_the_end_of_a_reply_and_keeps_nothing_of_it(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ready()
        await chat.ask("one?")
        await chat.written(5)
        chat.panes[0].transcript.focus()
        await chat.press("up", "up", "e", "!", "enter")
        assert "press Esc" in await chat.toast()
        assert chat.prompt.text == "one?!" and said(chat) == ["one?"]
