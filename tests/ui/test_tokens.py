"""A reply token by token, on the whole screen."""

import os
import signal

from textual.message import Message

from tests.engine.scripted import END, Script
from tests.ui.driver import ENDLESS, GREEDY, Chat, OpenChat, Watched
from tui.conversation.trace import Candidate
from tui.engine.protocol import Generate, Remember, WhatIf
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.tokens.token_view import TokenView

SCRIPT = Script(replies=("Warsaw lies on the Vistula.",), sureness=2.0)
WARM = "temperature=1,top_k=0,top_p=1,min_p=0,num_predict=30,seed=5"


def view(chat: Chat) -> TokenView:
    (found,) = chat.screen.query(TokenView)
    return found


async def looked_at(chat: Chat) -> TokenView:
    """Ask, wait for the answer, and look at its tokens."""
    await chat.ready()
    await chat.answered("Where is Warsaw?")
    await chat.ready()
    await chat.press("ctrl+t")
    await chat.until(lambda: chat.screen.query(TokenView) and view(chat).count)
    return view(chat)


async def test_ask_look_jump_choose_and_it_branches_with_the_same_draws(open_chat: OpenChat) -> None:
    told: list[str] = []

    def hook(message: Message) -> None:
        name = type(message).__qualname__
        if isinstance(message, TokenView.Entered | Candidates.Chosen) and name not in told[-1:]:  # it passes many
            told.append(name)

    async with open_chat(SCRIPT, WARM, hook=hook) as chat:
        tokens = await looked_at(chat)
        first = chat.side.conversation.turns[1]
        was = first.record
        assert was
        await chat.press("home", "n")
        place = tokens.picked
        assert place > 0 and was.traces[place].p < 0.1
        await chat.press("enter")
        await chat.until(lambda: chat.candidates.has_focus)
        assert chat.candidates.trace == was.traces[place]
        await chat.press("down", "enter")
        await chat.until(lambda: len(chat.side.conversation.turns) > 2 and not chat.side.busy)
        assert told == ["TokenView.Entered", "Candidates.Chosen"]
        branch = chat.side.conversation.path[-1]
        assert branch.record and branch.parent == first.parent
        assert branch.record.inherited == place + 1
        assert branch.record.ids[:place] == was.ids[:place]
        assert branch.record.ids[place] != was.ids[place]
        assert branch.record.knobs.seed == was.knobs.seed
        (_, again) = chat.engine.commands(Generate)
        assert again.replies[0].messages[-1].tokens == branch.record.ids[: place + 1]
        await chat.until(lambda: branch.record and view(chat).count == len(branch.record.traces))
        assert "from here on anew" in chat.view
        await chat.press("ctrl+t")
        assert not chat.screen.query(TokenView)


async def test_a_knob_that_is_turned_recolours_what_was_written_and_writes_nothing(open_chat: OpenChat) -> None:
    async with open_chat(SCRIPT, WARM) as chat:
        tokens = await looked_at(chat)
        assert "as written" in chat.view and not chat.engine.commands(WhatIf)
        written = chat.side.conversation.turns[1].record
        assert written
        chat.screen.apply_settings()
        await chat.press("home", "n")
        assert not chat.engine.commands(Remember), "nothing was turned yet"
        chat.screen._session.turn(chat.side, "top_k", 1)
        chat.screen.apply_settings()
        await chat.until(lambda: "what if" in chat.view)
        assert "top_k" in chat.view and "cut by top_k" in chat.view
        unlikely = [place for place, trace in enumerate(written.traces) if trace.rank]
        assert tokens.field.cut == set(unlikely)
        assert len(chat.engine.commands(Generate)) == 1 and len(chat.engine.commands(Remember)) == 1
        trace = chat.candidates.trace
        await chat.until(lambda: chat.candidates.trace and chat.candidates.trace.stages[0].name == "top_k")
        await chat.press("right")
        await chat.until(lambda: chat.engine.commands(WhatIf)[-1].looked == tokens.picked)
        assert chat.engine.commands(WhatIf)[-1].alone, "of the others it is known"
        await chat.until(lambda: chat.candidates.trace and chat.candidates.trace.id == written.ids[tokens.picked])
        assert tokens.field.cut == set(unlikely) and "what if" in chat.view
        chat.screen._session.turn(chat.side, "top_k", 0)
        chat.screen.apply_settings()
        await chat.until(lambda: "as written" in chat.view)
        assert not tokens.field.cut and chat.candidates.trace != trace


async def test_after_a_reply_another_token_goes_on_with_it_and_the_one_that_ends_it_ends_it(
    open_chat: OpenChat,
) -> None:
    async with open_chat(SCRIPT, "temperature=0,num_predict=40,seed=1") as chat:
        await chat.ready()
        await chat.answered("Where is Warsaw?")
        await chat.until(lambda: chat.candidates.heading == "next token")
        chat.candidates.focus()
        await chat.press("home", "down", "enter")
        await chat.until(lambda: len(chat.side.conversation.turns) > 2 and not chat.side.busy)
        whole, longer = (chat.side.conversation.turns[index].message.content for index in (1, 2))
        assert longer.startswith(whole) and len(longer) > len(whole)
        await chat.press("ctrl+t", "home", *["right"] * 4, "enter")
        await chat.until(lambda: chat.candidates.has_focus)
        assert chat.candidates.trace
        chat.candidates.post_message(Candidates.Chosen(Candidate(END, "<|im_end|>", 0.0, 0.0)))
        await chat.until(lambda: len(chat.side.conversation.turns) > 3 and not chat.side.busy)
        turn = chat.side.conversation.path[-1]
        assert (turn.message.content, turn.ending) == (longer[:4], "stop")
        assert END not in turn.message.tokens


async def test_a_cut_reply_shows_what_would_come_next_and_goes_on_with_what_is_picked(open_chat: OpenChat) -> None:
    async with open_chat(SCRIPT, "temperature=0,num_predict=6,seed=1") as chat:
        await chat.ready()
        await chat.answered("Where is Warsaw?")
        cut = chat.side.conversation.path[-1]
        assert (cut.message.content, cut.ending) == ("Warsaw", "length")
        await chat.until(lambda: chat.candidates.heading == "next token")
        assert chat.candidates.trace and chat.candidates.trace.candidates[0].text == " "
        chat.candidates.focus()
        await chat.press("home", "down")
        picked = chat.candidates.trace.candidates[1]
        await chat.press("enter")
        await chat.until(lambda: len(chat.side.conversation.turns) > 2 and not chat.side.busy)
        longer = chat.side.conversation.path[-1]
        assert longer.record and longer.message.tokens[:7] == (*cut.message.tokens, picked.id)
        assert longer.record.inherited == 7 and longer.record.traces[6].id == picked.id
        assert all(longer.record.records), "what if can be asked of it"


async def test_a_new_chat_and_a_screen_without_a_reply_have_no_tokens(open_chat: OpenChat) -> None:
    async with open_chat(SCRIPT, WARM) as chat:
        await chat.ready()
        await chat.press("ctrl+t")
        assert not chat.screen.query(TokenView) and "Tokens" not in chat.view, "it is not offered either"
        await looked_at(chat)
        await chat.press("ctrl+n")
        await chat.until(lambda: not chat.screen.query(TokenView))
        assert chat.panes[0].transcript.display


async def test_an_engine_that_dies_leaves_the_tokens_to_look_at(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one two three",), delay=0.02, die_at=9), GREEDY, engine=Watched) as chat:
        await chat.ready()
        await chat.ask("Go")
        await chat.written(3)
        await chat.press("ctrl+t")
        await chat.until(lambda: chat.state == "lost" and "as written" in chat.view)
        assert view(chat).count == 9


async def test_a_running_reply_grows_token_by_token(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, GREEDY) as chat:
        await chat.ready()
        await chat.ask("Go")
        await chat.written(5)
        await chat.press("ctrl+t")
        await chat.until(lambda: chat.screen.query(TokenView) and view(chat).count > 8)
        assert "being written" in chat.view
        tokens = view(chat)
        await chat.press("escape")
        await chat.until(lambda: not chat.side.busy and "as written" in chat.view)
        written = chat.side.conversation.path[-1].record
        assert written and tokens.count == len(written.traces) and view(chat) is tokens


async def test_when_nothing_comes_of_another_answer_the_tokens_of_the_first_are_there_again(
    open_chat: OpenChat,
) -> None:
    async with open_chat(Script(replies=("ab",), delay=1.0), GREEDY, engine=Watched) as chat:
        tokens = await looked_at(chat)
        count = tokens.count
        await chat.press("ctrl+r")
        chat.screen.apply_settings()  # draws
        assert chat.side.busy and not tokens.count
        await chat.press("escape")
        await chat.until(lambda: not chat.side.busy)
        assert chat.side.discarded
        await chat.until(lambda: "as written" in chat.view)
        assert view(chat) is tokens and tokens.count == count


async def test_sides_that_share_a_reply_see_each_what_its_own_knobs_would_make_of_it(open_chat: OpenChat) -> None:
    async with open_chat(SCRIPT, WARM, size=(160, 40)) as chat:
        await looked_at(chat)
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2)
        await chat.press("ctrl+t")
        await chat.until(lambda: len(chat.screen.query(TokenView)) == 2)
        first, second = chat.screen.query(TokenView)
        one, other = chat.screen._session.sides
        chat.screen._session.turn(one, "top_k", 1)
        chat.screen._session.turn(other, "temperature", 0.5)
        chat.screen.apply_settings()
        await chat.until(lambda: chat.view.count("what if") == 2)
        await chat.until(lambda: not chat.screen._session.what_if._running)
        assert first.field.cut and not second.field.cut
        await chat.press("f8")
        await chat.until(lambda: list(chat.screen._inspector._inspected) == [first])


async def test_the_candidates_of_another_side_are_not_shown_as_this_ones(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, GREEDY, GREEDY, engine=Watched) as chat:
        await chat.ask("Hi")
        await chat.written(5, pane=1)
        await chat.until(lambda: chat.candidates.trace)
        assert chat.engine.pid
        os.kill(chat.engine.pid, signal.SIGKILL)
        await chat.until(lambda: chat.state == "lost")
        assert chat.candidates.trace, "what was shown last stays"
        await chat.press("f6")
        await chat.until(lambda: chat.screen.active == 1)
        assert chat.candidates.trace is None
