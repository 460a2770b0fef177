"""A reply token by token, on the whole screen."""

from textual.message import Message

from tests.ui.driver import Chat, OpenChat
from tui.engine.fake import Script
from tui.engine.protocol import Generate, Remember, WhatIf
from tui.ui.widgets.candidates import Candidates
from tui.ui.widgets.token_view import TokenView

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
        was = first.written
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
        assert branch.written and branch.parent == first.parent
        assert branch.written.given == place + 1
        assert branch.written.ids[:place] == was.ids[:place]
        assert branch.written.ids[place] != was.ids[place]
        assert branch.written.knobs.seed == was.knobs.seed
        (_, again) = chat.engine.commands(Generate)
        assert again.replies[0].messages[-1].tokens == branch.written.ids[: place + 1]
        await chat.until(lambda: branch.written and view(chat).count == len(branch.written.traces))
        assert "from here on anew" in chat.view
        await chat.press("ctrl+t")
        assert not chat.screen.query(TokenView)


async def test_a_knob_that_is_turned_recolours_what_was_written_and_writes_nothing(open_chat: OpenChat) -> None:
    async with open_chat(SCRIPT, WARM) as chat:
        tokens = await looked_at(chat)
        assert "as written" in chat.view and not chat.engine.commands(WhatIf)
        written = chat.side.conversation.turns[1].written
        assert written
        chat.screen.settle()
        await chat.press("home", "n")
        assert not chat.engine.commands(Remember), "nothing was turned yet"
        chat.screen._talk.turn(chat.side, "top_k", 1)
        chat.screen.settle()
        await chat.until(lambda: "what if" in chat.view)
        assert "top_k" in chat.view and "cut by top_k" in chat.view
        unlikely = [place for place, trace in enumerate(written.traces) if trace.rank]
        assert tokens.field.cut == set(unlikely)
        assert len(chat.engine.commands(Generate)) == 1 and len(chat.engine.commands(Remember)) == 1
        trace = chat.candidates.trace
        await chat.until(lambda: chat.candidates.trace and chat.candidates.trace.stages[0].name == "top_k")
        chat.screen._talk.turn(chat.side, "top_k", 0)
        chat.screen.settle()
        await chat.until(lambda: "as written" in chat.view)
        assert not tokens.field.cut and chat.candidates.trace != trace
