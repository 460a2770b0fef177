"""The thought of a reply on screen: seen while it is thought, then a line that opens."""

from textual.selection import SELECT_ALL

from tests.engine.scripted import Script
from tests.engine.test_thinking import THINKER
from tests.ui.driver import OpenChat
from tui.conversation.thinking import Thought
from tui.engine.protocol import SetKnobs
from tui.ui.markdown import Mark
from tui.ui.widgets.transcript.entry import ReplyEntry

MUSING = "Let me see. " * 12
SAID = f"<think>\n{MUSING}\nSo it is 42.\n</think>\n\nIt is **42**."
THINKS = Script(replies=(SAID, "No thought."), template=THINKER)


def folded(text: str) -> bool:
    return "▸ thought for" in text and "Let me see" not in text


async def test_a_thought_is_folded_to_a_line_with_its_length(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        said = chat.said()
        assert folded(said) and "<think>" not in said and "It is 42 ." in said
        tokens = SAID.index("</think>") - len("<think>") + len("</think>") - 1  # a letter a token, the tag's too
        assert f"▸ thought for {tokens} tokens · " in said


async def test_it_opens_and_folds_with_a_key(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        chat.panes[0].transcript.focus()
        await chat.press("o")
        opened = chat.said().replace("┊ ", "")
        assert "▾ thought for" in opened and "So it is 42." in opened
        await chat.press("o")
        assert folded(chat.said())


async def test_and_with_a_click_on_its_line(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        transcript = chat.panes[0].transcript
        (row,) = [y for y in range(transcript.size.height) if "▸ thought" in transcript.render_line(y).text]
        await chat.pilot.click(transcript, offset=(8, row))
        assert "So it is 42." in chat.said()
        await chat.pilot.click(transcript, offset=(8, row))
        assert folded(chat.said())


async def test_its_end_is_seen_while_it_is_being_thought(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=(SAID,), template=THINKER, delay=0.02)) as chat:
        await chat.ask("What is it?")
        await chat.until(lambda: "▾ thinking" in chat.said() and "Let me see" in chat.said())
        lines = [line for line in chat.view.splitlines() if "┊" in line]
        assert 1 <= len(lines) <= 2
        await chat.until(lambda: folded(chat.said()))


async def test_a_reply_without_a_thought_has_no_line_for_one(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        await chat.answered("And now?")
        assert chat.said().count("thought for") == 1 and "No thought." in chat.said()


async def test_a_thought_without_an_end_says_so(open_chat: OpenChat) -> None:
    async with open_chat(Script(replies=("<think>on and on",), template=THINKER)) as chat:
        await chat.answered("What is it?")
        assert "▸ thought for 9 tokens, and came to no end" in chat.said()


async def test_it_is_copied_only_while_it_is_open(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        transcript = chat.panes[0].transcript
        copied = transcript.get_selection(SELECT_ALL)
        assert copied and copied[0].startswith("What is it?\n\nIt is 42.")
        transcript.focus()
        await chat.press("o")
        copied = transcript.get_selection(SELECT_ALL)
        assert copied and "So it is 42." in copied[0] and "┊" not in copied[0] and "thought for" not in copied[0]


async def test_it_stays_folded_where_the_conversation_is_shown_again(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.answered("What is it?")
        chat.panes[0].transcript.clear()
        chat.panes[0].transcript.show(chat.side.conversation)
        await chat.pilot.pause()
        assert folded(chat.said())


async def test_knobs_for_the_thought_alone(open_chat: OpenChat) -> None:
    slow = Script(replies=(SAID,), template=THINKER, delay=0.02)
    async with open_chat(slow, "temperature=0,seed=1,think_top_k=5") as chat:
        await chat.ask("What is it?")
        await chat.until(lambda: "▾ thinking" in chat.said())
        await chat.ask("/set parameter think_top_k 9")
        await chat.until(lambda: chat.engine.commands(SetKnobs))
        (turned,) = chat.engine.commands(SetKnobs)
        assert turned.thinking and (turned.knobs.top_k, turned.thinking.top_k) == (40, 9)
        await chat.until(lambda: "top_k 9→40" in chat.said())
        assert "think_top_k 9" in chat.side.title


async def test_whether_to_think_is_said_where_the_model_cannot_be_told(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.ready()
        await chat.ask("/think off")
        assert "has no switch for thinking" in await chat.toast()
    asks = THINKER.replace("{% endif %}", "{{ enable_thinking }}{% endif %}")
    async with open_chat(Script(template=asks)) as chat:
        await chat.ready()
        await chat.ask("/think off")
        assert await chat.toast() == "thinking is off from the next reply on"
        await chat.turned("thinking", "off")


def test_a_reply_is_the_same_however_it_came() -> None:
    width = 40
    whole = ReplyEntry(SAID, ending="stop", thought=Thought(7, SAID.index("</think>"), SAID.index("</think>") + 8, 9))
    grown = ReplyEntry()
    grown.lay_out(width)
    for place, sign in enumerate(SAID):
        end = SAID.index("</think>")
        thought = Thought(7, end, end + 8, 9) if place >= end + 7 else Thought(7, tokens=9) if place >= 6 else None
        grown.append(sign if place >= 7 else "<think>" if place == 6 else "", thought)
    grown.mark(Mark(20, "top_k 5", "knob"))
    whole.mark(Mark(20, "top_k 5", "knob"))
    for reply in (whole, grown):
        reply.finish("", failed=False)
        reply.unfold()
        reply.lay_out(width)
    assert [grown.line(number).text for number in range(grown.height)] == [
        whole.line(number).text for number in range(whole.height)
    ]
    shown = "\n".join(grown.line(number).text for number in range(grown.height))
    assert "top_k" in shown and shown.count("Let me see") > 8


async def test_the_panel_shows_either_set(open_chat: OpenChat) -> None:
    async with open_chat(THINKS) as chat:
        await chat.ready()
        await chat.until(lambda: "▸ answer" in chat.view)
        await chat.press("f4", "f4", "t")
        await chat.until(lambda: "▸ thinking" in chat.view)
        await chat.press("right")
        await chat.until(lambda: chat.side.pair.thought == (("temperature", 0.05),))
        assert chat.side.knobs.temperature == 0 and "think_temperature 0.05" in chat.side.title
        assert chat.knobs.knobs.temperature == 0.05
        await chat.press("t")
        assert chat.knobs.knobs.temperature == 0
        await chat.press("u")
        await chat.until(lambda: not chat.side.pair.thought)
        assert "▸ thinking" in chat.view, "a step back shows what it was about"


async def test_a_model_that_does_not_think_has_one_set(open_chat: OpenChat) -> None:
    async with open_chat(Script()) as chat:
        await chat.ready()
        assert "▸ answer" not in chat.view
        await chat.press("f4", "f4", "t")
        await chat.until(lambda: "This model's template knows no" in chat.view)
