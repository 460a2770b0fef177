"""The engine is killed, hangs, or dies each time: what a person sees then, and can do."""

import os
import signal
from functools import partial

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, Chat, OpenChat, Watched
from tui.engine.process import client
from tui.engine.protocol import Died, Generate
from tui.ui.screens.engine import EngineScreen


async def test_p01_what_was_written_stays_and_is_not_asked_for_again(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, engine=Watched) as chat:
        await chat.ready()
        await chat.ask("Go on")
        await chat.until(lambda: "on and on" in chat.said())
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        assert "on and on" in chat.said() and "SIGKILL" in chat.said() and "Your next prompt starts" in chat.said()
        await chat.ask("/engine")
        await chat.until(lambda: isinstance(chat.app.screen, EngineScreen))
        await chat.press("r")
        await chat.ready()
        assert len(chat.engine.commands(Generate)) == 1
        await chat.ask("And now?")
        await chat.until(lambda: chat.state == "writing")
        assert len(chat.engine.commands(Generate)) == 2


def lost(chat: Chat, times: int) -> bool:
    return len(chat.engine.heard(Died)) == times and chat.state == "lost"


async def test_p04_an_engine_that_keeps_dying_is_left_alone_until_it_is_asked_for(open_chat: OpenChat) -> None:
    async with open_chat(Script(die_at=3, replies=("deadly",)), engine=Watched) as chat:
        await chat.ready()
        for deaths in range(1, 4):
            await chat.ask("Hi")
            await chat.until(partial(lost, chat, deaths))
        assert "lost too often to be started by a prompt; F12" in chat.said()
        chat.prompt.clear()
        await chat.ask("Once more")
        assert "3 times within a minute" in await chat.toast()
        assert chat.prompt.text == "Once more", "nothing typed is lost"
        assert len(chat.engine.commands(Generate)) == 3
        await chat.press("f12")
        await chat.until(lambda: isinstance(chat.app.screen, EngineScreen))
        assert "✗ lost" in chat.view and "SIGABRT" in chat.view and "Restart" in chat.view
        await chat.press("r")
        await chat.ready()
        assert len(chat.engine.commands(Generate)) == 3, "what killed it is not sent by itself"


async def test_p05_a_hung_engine_is_said_keys_work_and_it_can_be_ended(
    open_chat: OpenChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_chat(ENDLESS, engine=Watched) as chat:
        await chat.ready()
        monkeypatch.setattr(client, "BEAT", 0.3)
        await chat.ask("Go on")
        await chat.until(lambda: "on and on" in chat.said())
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGSTOP)
        await chat.until(lambda: chat.state == "silent")
        assert "F12 ends the engine" in chat.said() and "✗ no answer" in chat.view
        chat.prompt.focus()
        await chat.press(*"still typing")
        assert chat.prompt.text == "still typing"
        os.kill(chat.engine.pid, signal.SIGCONT)
        await chat.until(lambda: chat.state == "writing")
        os.kill(chat.engine.pid, signal.SIGSTOP)
        await chat.until(lambda: chat.state == "silent")
        hung = chat.engine.pid
        await chat.press("f12")
        await chat.until(lambda: "✗ does not answer" in chat.view)
        await chat.press("r")
        await chat.ready()
        assert chat.engine.pid != hung
        assert "on and on" in chat.said() and "The engine was ended, as you asked." in chat.said()
        assert chat.prompt.text == "still typing"


async def test_the_log_of_a_loaded_engine_can_be_read(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(80, 24), engine=Watched) as chat:
        await chat.ready()
        await chat.press("f12")
        await chat.until(lambda: "● ready" in chat.view and "Log" in chat.view)
        await chat.press("escape")
        await chat.until(lambda: not isinstance(chat.app.screen, EngineScreen))


async def test_what_an_engine_died_over_can_be_picked_and_gone_on_with(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, engine=Watched) as chat:
        await chat.ready()
        await chat.ask("Go on")
        await chat.until(lambda: "on and on" in chat.said())
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        transcript = chat.panes[0].transcript
        transcript.focus()
        await chat.press("up")
        assert transcript.messages.picked == 1 and "Continue" in chat.view
        await chat.press("c")
        await chat.until(lambda: len(chat.engine.commands(Generate)) == 2 and chat.state == "writing")


async def test_an_answer_is_there_again_when_the_engine_dies_over_another(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("An answer.",)), engine=Watched) as chat:
        await chat.ready()
        await chat.answered("Why?")
        await chat.ready()
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGSTOP)
        await chat.press("ctrl+r")
        await chat.until(lambda: chat.side.busy)
        assert "An answer." not in chat.said()
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        assert len(chat.side.conversation.turns) == 2
        assert "An answer." in chat.said() and chat.said().count("SIGKILL") == 1
        chat.panes[0].transcript.focus()
        await chat.press("up")
        assert chat.panes[0].transcript.messages.picked == 1
