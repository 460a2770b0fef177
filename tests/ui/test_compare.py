"""Two sides on one screen, over a scripted engine."""

import os
import signal
from itertools import groupby

from textual.message import Message

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, GREEDY, UNSURE, Chat, OpenChat, Watched
from tui.engine.protocol import Finished, Generate, KnobsTurned, SetKnobs, Stop, Token
from tui.ui.screens.chat import ChatScreen
from tui.ui.widgets.knobs.knob_list import KnobList
from tui.ui.widgets.prompt.prompt import Prompt

SHORT = Script(replies=("one two three four five six seven eight",), sureness=1.5)


async def both_written(chat: Chat, text: str) -> None:
    """Ask, and wait for the end of both replies."""
    done = len(chat.engine.heard(Finished)) + 2
    await chat.ask(text)
    await chat.until(lambda: len(chat.engine.heard(Finished)) == done and chat.state == "ready")
    await chat.pilot.pause()


def tokens(chat: Chat) -> tuple[list[int], list[int]]:
    """Return the token ids that each side chose for the newest question."""
    left, right = (reply.id for reply in chat.engine.commands(Generate)[-1].replies)
    heard = chat.engine.heard(Token)
    return [t.trace.id for t in heard if t.id == left], [t.trace.id for t in heard if t.id == right]


async def test_f3_puts_a_second_side_beside_the_first_and_f7_keeps_the_active_one(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two"))) as chat:
        await chat.answered("first")
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2)
        await chat.pilot.pause()
        assert chat.screen.active == 1
        assert chat.said(1) == chat.said(0), "the new side stands where the first one does"
        await chat.press("tab", "right")
        await chat.turned("temperature", 0.05)
        await both_written(chat, "second")
        assert "two" in chat.said(0) and "two" in chat.said(1)
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1)
        assert chat.side.knobs.temperature == 0.05
        assert [message.content for message in chat.side.conversation.messages] == ["first", "one", "second", "two"]
        await chat.answered("third")
        assert len(chat.engine.commands(Generate)[-1].replies) == 1


async def test_f3_in_mid_reply_is_refused(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("f3")
        assert await chat.toast() == "A reply is being written; press Esc to stop it first."
        assert len(chat.panes) == 1


async def test_keeping_a_side_stops_the_other_one(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE, GREEDY, "temperature=1.5,seed=1") as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1 and chat.engine.commands(Stop))
        await chat.written(len(chat.panes[0].transcript.reply.text) + 5)
        assert chat.side.busy and chat.state == "writing"
        await chat.press("escape")
        await chat.ready()
        assert chat.side.conversation.path[-1].ending == "stopped"


async def test_a_written_command_compares_with_a_setting(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        await chat.ask("/compare precise,temperature=1.4")
        await chat.until(lambda: len(chat.panes) == 2)
        assert (chat.side.preset.name, chat.side.knobs.temperature) == ("precise", 1.4)
        await chat.until(lambda: "precise · temperature 1.4" in chat.view)
        assert "default · temperature 0" in chat.view
        for _ in range(2):
            await chat.ask("/compare wild")
        await chat.until(lambda: len(chat.panes) == 4)
        await chat.ask("/compare wild")
        assert await chat.toast() == "There are 4 sides already; F8 drops the active one."
        assert chat.prompt.text == "/compare wild"


async def test_equal_settings_never_part(open_chat: OpenChat) -> None:
    async with open_chat(SHORT, "temperature=1.5,num_predict=60", "temperature=1.5,num_predict=60") as chat:
        await both_written(chat, "Hi")
        left, right = tokens(chat)
        assert left == right and len(left) > 20
        replies = chat.engine.commands(Generate)[-1].replies
        assert replies[0].knobs.seed == replies[1].knobs.seed >= 0
        assert "parts here" not in chat.said(0) + chat.said(1)


async def test_different_settings_are_marked_where_they_part(open_chat: OpenChat) -> None:
    async with open_chat(SHORT, GREEDY, "temperature=1.5,seed=1,num_predict=60") as chat:
        await both_written(chat, "Hi")
        left, right = tokens(chat)
        index = next(place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
        for pane, ids in enumerate((left, right)):
            before, mark, after = chat.said(pane).partition("≠ parts here")
            assert mark and after
            # The script is ASCII, and so is what both sides had in common.
            assert before.removeprefix("Hi ").rstrip().startswith(bytes(ids[:index]).decode().rstrip())
        assert all("tokens · " in chat.said(pane) and "seed 1" in chat.said(pane) for pane in (0, 1))


async def test_a_seed_set_on_one_side_is_the_seed_of_both(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "default", "temperature=0,seed=7") as chat:
        await both_written(chat, "Hi")
        assert [reply.knobs.seed for reply in chat.engine.commands(Generate)[-1].replies] == [7, 7]


async def test_knobs_belong_to_the_active_side(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE, "temperature=0.3", "precise,temperature=0.6") as chat:
        await chat.ready()
        assert (chat.knobs.knobs.temperature, chat.status.preset) == (0.3, "default")
        assert "▸ default" in chat.view and "▸ precise" not in chat.view
        await chat.press("f6")
        await chat.until(lambda: "▸ precise" in chat.view)
        assert (chat.knobs.knobs.temperature, chat.status.preset) == (0.6, "precise")
        await chat.pilot.click(chat.panes[0].transcript)
        await chat.until(lambda: chat.screen.active == 0)
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("f6", "tab", "end")
        await chat.until(lambda: chat.engine.heard(KnobsTurned))
        right = chat.engine.commands(Generate)[-1].replies[1].id
        assert [command.id for command in chat.engine.commands(SetKnobs)] == [right]
        await chat.until(lambda: "temperature 0.6→2" in chat.said(1))
        assert "→" not in chat.said(0)
        assert "precise · temperature 2" in chat.view and "default · temperature 0.3" in chat.view


async def test_both_sides_survive_the_loss_of_the_engine(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, GREEDY, GREEDY, engine=Watched) as chat:
        await chat.ask("Hi")
        await chat.written(5, pane=1)
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        for pane in (0, 1):
            assert "on an" in chat.said(pane) and "it was killed" in chat.said(pane)
        await chat.ask("again")
        newest = [reply.id for reply in chat.engine.commands(Generate)[-1].replies]
        await chat.until(lambda: chat.engine.heard(Token)[-1].id in newest)
        assert chat.state == "writing"


async def test_ctrl_r_answers_on_both_sides(open_chat: OpenChat) -> None:
    async with open_chat(Script(), GREEDY, GREEDY) as chat:
        await both_written(chat, "Hi")
        await chat.press("ctrl+r")
        await chat.until(lambda: len(chat.engine.heard(Finished)) == 4)
        assert len(chat.engine.commands(Generate)[-1].replies) == 2


async def test_the_way_of_a_keystroke(open_chat: OpenChat) -> None:
    """Messages go up, commands go to the engine, events come back: in this order and no other."""
    messages: list[Message] = []

    def hook(message: Message) -> None:
        # It is called once for every widget that a message passes on its way up.
        if not any(message is each for each in messages):
            messages.append(message)

    async with open_chat(UNSURE, hook=hook) as chat:
        await chat.ready()
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("tab", "right")
        await chat.until(lambda: chat.engine.heard(KnobsTurned))
        await chat.written(len(chat.panes[0].transcript.reply.text) + 2)
        await chat.press("escape")
        await chat.ready()
        sent = [type(command) for command in chat.engine.sent if isinstance(command, Generate | SetKnobs | Stop)]
    said = (each.slot_event.event if isinstance(each, ChatScreen.EngineEvent) else each for each in messages)
    kinds = (Prompt.Submitted, KnobList.Turned, Token, KnobsTurned, Finished)
    trace = [type(each) for each in said if isinstance(each, kinds)]
    assert [kind for kind, _ in groupby(trace)] in (
        [Prompt.Submitted, Token, KnobList.Turned, Token, KnobsTurned, Token, Finished],
        [Prompt.Submitted, Token, KnobList.Turned, KnobsTurned, Token, Finished],
    )
    assert sent == [Generate, SetKnobs, Stop]
