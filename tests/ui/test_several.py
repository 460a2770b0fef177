"""Up to four sides: what is shown of their differences, whom one asks, and comparing blind."""

import os
import signal

import pytest

from tests.engine.scripted import Script
from tests.ui.driver import ENDLESS, GREEDY, UNSURE, Chat, OpenChat, Watched
from tests.ui.test_compare import SHORT, both_written
from tui.comparison.word_diff import differing
from tui.engine.protocol import Died, Finished, Generate, Load, Preview, SetKnobs, Stop, Token
from tui.errors import ModelError
from tui.ui.screens.vote import TallyScreen, VoteScreen
from tui.ui.widgets.pane import StatsLine

WARM = "temperature=1.5,seed=1,num_predict=60"
LONG = Script(replies=("\n\n".join(f"line {number}" for number in range(60)),))


async def all_written(chat: Chat, text: str, count: int) -> None:
    before = sum(len(engine.heard(Finished)) for engine in chat.engines)
    await chat.ask(text)
    await chat.until(
        lambda: sum(len(engine.heard(Finished)) for engine in chat.engines) == before + count and chat.state == "ready"
    )
    await chat.pilot.pause()


async def sides(chat: Chat, count: int) -> None:
    await chat.until(lambda: len(chat.panes) == count)


def marked(chat: Chat, pane: int) -> list[str]:
    """Return the text marked as differing."""
    transcript = chat.panes[pane].transcript
    lines = transcript.stack.between(0, transcript.stack.height, transcript.viewport.width)
    return [span.text for _, line in lines for span in line.spans if "differs" in span.style]


def titles(chat: Chat) -> list[str]:
    return [pane.title for pane in chat.panes]


# --- sides ----------------------------------------------------------------------------------------------------------


async def test_a_reproducible_side_waits_for_the_other_and_says_so(open_chat: OpenChat) -> None:
    alone = "reproducible=on,num_predict=20"
    async with open_chat(UNSURE, f"{GREEDY},{alone}", f"temperature=1.5,seed=1,{alone}") as chat:
        await chat.ask("Hi")
        await chat.written(3)
        assert "waits for its turn: reproducible is on" in chat.said(1)
        await chat.until(lambda: len(chat.engine.heard(Finished)) == 2)
        await chat.pilot.pause()
        assert "waits" not in chat.said(1)
        order = [event.id for event in chat.engine.heard(Token)]
        assert order == sorted(order), "one after the other"


async def test_sides_are_added_up_to_four_dropped_and_kept(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(200, 50)) as chat:
        await chat.ready()
        for count in (2, 3, 4):
            await chat.press("f3")
            await sides(chat, count)
        await chat.press("f3")
        assert await chat.toast() == "There are 4 sides already; F8 drops the active one."
        await all_written(chat, "Hi", 4)
        assert len(chat.engine.commands(Generate)) == 1 and len(chat.engines) == 1, "one model, one request"
        await chat.press("f6", "f8")
        await chat.until(lambda: len(chat.panes) == 3)
        assert chat.screen.active == 0
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1)
        assert not chat.panes[0].has_class("-titled")


async def test_where_there_is_no_room_it_says_what_a_further_side_needs(open_chat: OpenChat) -> None:
    async with open_chat(Script(), size=(80, 24)) as chat:
        await chat.ready()
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 2)
        assert chat.panes[0].region.y == chat.panes[1].region.y and chat.panes[0].region.width == 40
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 3)
        assert chat.panes[2].region.width == 80, "the third has the row below"
        await chat.press("f3")
        await chat.until(lambda: len(chat.panes) == 4)
        await chat.pilot.resize_terminal(60, 24)
        await chat.press("f8")
        await chat.until(lambda: len(chat.panes) == 3)
        await chat.press("f3")
        assert await chat.toast() == "4 sides need a terminal of 60 columns and 33 lines."


async def test_equal_settings_never_part_with_three_sides_either(open_chat: OpenChat) -> None:
    async with open_chat(SHORT, *["temperature=1.5,num_predict=60"] * 3, size=(200, 50)) as chat:
        await all_written(chat, "Hi", 3)
        heard = chat.engine.heard(Token)
        ids = [reply.id for reply in chat.engine.commands(Generate)[-1].replies]
        assert len({tuple(token.trace.id for token in heard if token.id == each) for each in ids}) == 1
        assert not any("parts here" in chat.said(pane) for pane in range(3))
        assert titles(chat) == ["default · temperature 1.5 · num_predict 60"] * 3


async def test_titles_say_only_what_differs_and_follow_the_knobs(open_chat: OpenChat) -> None:
    async with open_chat(Script(), "top_k=7,temperature=0.2", "top_k=7,temperature=1.4", size=(160, 40)) as chat:
        await chat.ready()
        assert titles(chat) == ["temperature 0.2", "temperature 1.4"]
        await chat.ask("/set parameter min_p 0.2")
        await chat.until(lambda: titles(chat) == ["temperature 0.2 · min_p 0.2", "temperature 1.4 · min_p 0.05"])
        assert "▸ temperature 0.2 · min_p 0.2" in chat.view


async def test_under_each_side_stand_its_figures(open_chat: OpenChat) -> None:
    async with open_chat(Script(), GREEDY, "temperature=0,seed=1,top_k=3", size=(200, 40)) as chat:
        await both_written(chat, "Hi")
        for line in chat.screen.query(StatsLine):
            figures = line.figures
            assert figures and figures.tokens == 23 and figures.p == 1 and figures.p_raw and figures.perplexity
            assert figures.rate and figures.ttft_ms
        assert chat.view.count("23 tokens · ") >= 2 and "p 100% · perplexity" in chat.view


async def test_a_question_to_one_side_alone(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two")), GREEDY, GREEDY) as chat:
        await both_written(chat, "first")
        assert "to both sides · F9" in chat.view
        await chat.press("f9")
        await chat.until(lambda: "to this side alone · F9" in chat.view)
        await chat.press("f6")
        await all_written(chat, "second", 1)
        (reply,) = chat.engine.commands(Generate)[-1].replies
        assert [message.content for message in reply.messages] == ["first", "one", "second"]
        assert "second" in chat.said(1) and "second" not in chat.said(0)
        await chat.press("f9")
        await both_written(chat, "third")


# --- reading --------------------------------------------------------------------------------------------------------


async def test_the_sides_scroll_together_until_told_otherwise(open_chat: OpenChat) -> None:
    async with open_chat(LONG, GREEDY, GREEDY) as chat:
        await both_written(chat, "Hi")
        left, right = (pane.transcript for pane in chat.panes)
        left.focus()
        left.scroll_to(y=10)
        await chat.until(lambda: right.scroll_offset.y == 10 and not right.viewport.following)
        left.scroll_end()
        await chat.until(lambda: right.viewport.following)
        await chat.press("l")
        left.scroll_to(y=5)
        await chat.pilot.pause()
        assert right.viewport.following


async def test_p_goes_to_where_the_replies_part(open_chat: OpenChat) -> None:
    script = Script(replies=("\n\n".join(f"line {number}" for number in range(40)),), sureness=3)
    async with open_chat(script, GREEDY, "temperature=1.5,min_p=0,seed=1,num_predict=300") as chat:
        await both_written(chat, "Hi")
        chat.panes[1].transcript.focus()
        await chat.press("home")
        assert "parts here" in chat.said(1)
        await chat.press("p")
        await chat.until(lambda: "parts here" in chat.view)


async def test_replies_that_part_after_a_side_was_dropped_are_marked(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE, GREEDY, GREEDY, GREEDY, size=(200, 50)) as chat:
        await chat.ask("Hi")
        await chat.written(5, pane=2)
        await chat.press("f6", "f6", "f8")
        await sides(chat, 2)
        assert not any("parts here" in chat.said(pane) for pane in range(2))
        await chat.ask("/set parameter temperature 2")
        await chat.until(lambda: all("parts here" in chat.said(pane) for pane in range(2)))


async def test_d_marks_the_words_that_differ(open_chat: OpenChat) -> None:
    async with open_chat(SHORT, GREEDY, WARM) as chat:
        await both_written(chat, "Hi")
        assert not marked(chat, 0)
        chat.panes[0].transcript.focus()
        await chat.press("d")
        left, right = (pane.transcript.reply.words for pane in chat.panes)
        assert marked(chat, 0) == [left[place] for place in sorted(differing(left, right).left)]
        assert marked(chat, 1)
        await both_written(chat, "again")
        assert marked(chat, 1), "the next replies are marked too"
        await chat.press("shift+tab", "d")
        await chat.until(lambda: not marked(chat, 0) and not marked(chat, 1))


# --- blind ----------------------------------------------------------------------------------------------------------


async def test_blind_hides_what_tells_the_sides_apart_until_the_vote(open_chat: OpenChat) -> None:
    async with open_chat(SHORT, GREEDY, "precise,temperature=1.5,seed=1,num_predict=60", size=(140, 44)) as chat:
        await both_written(chat, "first")
        settings = {side.title for side in chat.screen._session.sides}
        await chat.ask("/blind")
        await chat.until(lambda: titles(chat) == ["A", "B"])
        await chat.pilot.pause()
        assert "first" not in chat.said(0), "what was said before would tell"
        assert "blind: F7 votes" in chat.view
        await both_written(chat, "second")
        for telling in ("precise", "temperature", "tok/s", "seed", "tokens", "entropy"):
            assert telling not in chat.view.replace("^t Tokens", "")
        await chat.ask("/set parameter top_k 3")
        assert "That would tell" in await chat.toast()
        chat.prompt.clear()
        await chat.press("f7")
        await chat.until(lambda: isinstance(chat.app.screen, VoteScreen))
        await chat.press("a", "enter")
        assert isinstance(chat.app.screen, VoteScreen), "two questions are open"
        await chat.press("t", "x", "enter")
        await chat.until(lambda: isinstance(chat.app.screen, TallyScreen))
        first, second = (side.title for side in chat.screen._session.sides)
        assert {first, second} == settings
        assert f"A was {first}" in chat.view and f"B was {second}" in chat.view
        await chat.press("b")
        await chat.until(lambda: titles(chat) == ["A", "B"] and chat.screen.has_class("-blind"))
        await chat.ask("/blind")
        await chat.until(lambda: "A" not in titles(chat))
        assert {side.title for side in chat.screen._session.sides} == settings
        await chat.ask("/tally")
        await chat.until(lambda: isinstance(chat.app.screen, TallyScreen))
        assert "1-0-0" in chat.view and "0-0-1" in chat.view


async def test_what_was_said_in_blind_rounds_is_kept_in_the_tree(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("one", "two")), GREEDY, GREEDY) as chat:
        await chat.ask("/blind")
        await both_written(chat, "first")
        await chat.ask("/vote")
        await chat.until(lambda: isinstance(chat.app.screen, VoteScreen))
        await chat.pilot.click("VoteQuestion", offset=(18, 0))
        await chat.press("b", "a", "enter")
        await chat.until(lambda: isinstance(chat.app.screen, TallyScreen))
        await chat.press("b")
        await chat.until(lambda: chat.screen.has_class("-blind") and chat.app.screen is chat.screen)
        await both_written(chat, "second")
        asked = chat.engine.commands(Generate)[-1].replies[0].messages
        assert [message.content for message in asked] == ["second"], "each round stands for itself"
        assert "2/2" not in chat.view, "how many versions there are would tell"
        assert {turn.message.content for turn in chat.side.conversation.turns} >= {"first", "second"}


async def test_a_reply_looked_at_closely_does_not_give_its_side_away(open_chat: OpenChat) -> None:
    async with open_chat(SHORT) as chat:
        await chat.answered("first")
        await chat.press("ctrl+t")
        await chat.until(lambda: chat.panes[0].tokens)
        await chat.press("f3")
        await sides(chat, 2)
        await chat.ask("/set parameter temperature 1.4")
        await chat.turned("temperature", 1.4)
        await chat.ask("/blind")
        await chat.until(lambda: titles(chat) == ["A", "B"])
        assert not any(pane.tokens for pane in chat.panes) and "what if" not in chat.view


async def test_the_sides_are_not_shown_or_hidden_in_mid_reply(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, GREEDY, GREEDY) as chat:
        await chat.ask("/blind")
        await chat.until(lambda: titles(chat) == ["A", "B"])
        await chat.ask("first")
        await chat.written(10)
        await chat.ask("/blind")
        assert "press Esc" in await chat.toast()
        assert titles(chat) == ["A", "B"]
        chat.prompt.clear()
        await chat.ask("/tally")
        await chat.until(lambda: isinstance(chat.app.screen, TallyScreen))
        await chat.press("b", "escape")
        await chat.until(lambda: chat.app.screen is chat.screen)
        written = chat.panes[0].transcript.reply.text
        await chat.written(len(written) + 5)
        assert chat.panes[0].transcript.reply.text.startswith(written[:10])


# --- several models -------------------------------------------------------------------------------------------------


async def test_two_models_have_an_engine_each(open_chat: OpenChat, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("presets") / "other.Modelfile"
    other.write_text("FROM another-model\nPARAMETER temperature 0\nPARAMETER seed 1\n")
    scripts = {"another-model": Script(replies=("quite another",))}
    async with open_chat(Script(), GREEDY, str(other), others=scripts, size=(160, 40), engine=Watched) as chat:
        await all_written(chat, "Hi", 2)
        assert [len(engine.commands(Generate)) for engine in chat.engines] == [1, 1]
        assert "Hello from the script." in chat.said(0) and "quite another" in chat.said(1)
        assert "parts here" in chat.said(0) and "parts here" in chat.said(1)
        assert chat.status.model == "scripted | scripted"
        assert "starter" in titles(chat)[0] and "another-model" in titles(chat)[1]
        await chat.press("f6")
        await chat.until(lambda: chat.engines[1].commands(Preview))
        second = chat.engines[1].pid
        assert second
        os.kill(second, signal.SIGKILL)
        await chat.until(lambda: chat.engines[1].heard(Died) and chat.state == "lost")
        assert "it was killed" in chat.said(1) and "it was killed" not in chat.said(0)
        await all_written(chat, "again", 2)
        assert chat.engines[1].pid != second and len(chat.engines[0].commands(Load)) == 1


async def test_knobs_and_stops_go_to_the_engine_of_their_side(open_chat: OpenChat) -> None:
    async with open_chat(UNSURE, "temperature=0.3", "temperature=0.3,num_ctx=2048", size=(160, 40)) as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.written(5, pane=1)
        await chat.press("f6")
        await chat.ask("/set parameter temperature 1.5")
        await chat.until(lambda: chat.engines[1].commands(SetKnobs))
        assert not chat.engines[0].commands(SetKnobs)
        await chat.press("escape")
        await chat.ready()
        assert [len(engine.commands(Stop)) for engine in chat.engines] == [1, 1]


async def test_a_model_with_no_room_beside_the_other_is_refused_with_figures(open_chat: OpenChat) -> None:
    def refuse(wanted: object, beside: object) -> None:
        raise ModelError("Memory does not hold these models beside what is loaded: b needs 9 GB, 1 GB are free.")

    async with open_chat(Script(), refuse=refuse) as chat:
        await chat.answered("Hi")
        await chat.ask("/compare num_ctx=2048")
        assert "needs 9 GB, 1 GB are free" in await chat.toast()
        assert len(chat.panes) == 1 and len(chat.engines) == 1 and chat.prompt.text == "/compare num_ctx=2048"
        chat.prompt.clear()
        await chat.answered("still there?")


async def test_a_side_kept_ends_the_engine_of_the_other(open_chat: OpenChat) -> None:
    async with open_chat(ENDLESS, GREEDY, f"{GREEDY},num_ctx=2048") as chat:
        await chat.ask("Hi")
        await chat.written(5)
        await chat.press("f7")
        await chat.until(lambda: len(chat.panes) == 1 and not chat.engines[1].alive)
        await chat.written(len(chat.panes[0].transcript.reply.text) + 5)
        await chat.press("escape")
        await chat.ready()
