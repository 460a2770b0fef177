"""The transcript in an app: what is on screen, where the view stays, and what is copied."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection

from tests.ui.host import WidgetHost
from tui.conversation.conversation import Conversation, answer, ask
from tui.ui.widgets.transcript.transcript import Transcript

HOSTILE = "\x1b[31mred\x1b]52;c;eA==\x07\x9b2J\u202eabc[/x][b]bold[/b][@click=app.quit]x[/]\ufdd0"


class Stage(WidgetHost):
    """An app with nothing but a transcript."""

    def compose(self) -> ComposeResult:
        yield Transcript()


@asynccontextmanager
async def stage(width: int = 60, height: int = 20) -> AsyncIterator[tuple[Transcript, Pilot[None]]]:
    app = Stage()
    async with app.run_test(size=(width, height)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        await pilot.pause()
        yield transcript, pilot


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await pilot.pause(0.005)
    raise AssertionError("it did not come about")


def screen(transcript: Transcript) -> list[str]:
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def follows(transcript: Transcript) -> bool:
    return transcript.viewport.following


def seen(transcript: Transcript) -> str:
    return "\n".join(screen(transcript))


def talk(count: int, text: str = "word " * 30) -> Conversation:
    conversation = Conversation()
    for number in range(count // 2):
        conversation = ask(conversation, f"question {number}")
        conversation = answer(conversation, f"answer {number}: {text}", "stop")
    return conversation


async def test_a_reply_is_written() -> None:
    async with stage() as (transcript, pilot):
        transcript.ask("**Why?**")
        transcript.reply.start("precise")
        transcript.reply.progress("reading the prompt 512 of 2048")
        assert "reading the prompt 512 of 2048" in seen(transcript)
        transcript.reply.append("Because **of")
        transcript.reply.append(" it**.")
        assert transcript.reply.text == "Because **of it**."
        await until(pilot, lambda: "Because of it." in seen(transcript))
        assert "reading" not in seen(transcript)
        transcript.reply.end("12 tokens")
        assert [line for line in screen(transcript) if line] == [
            "▌  **Why?**",
            "▏  precise",
            "▏  Because of it.",
            "▏",
            "▏  12 tokens",
        ]


async def test_nothing_beats_while_nothing_comes() -> None:
    async with stage() as (transcript, pilot):
        transcript.reply.start()
        transcript.reply.append("text")
        assert transcript.reply.clock.waiting
        await until(pilot, lambda: "text" in seen(transcript) and not transcript.reply.clock.waiting)
        transcript.reply.append(" more")
        await until(pilot, lambda: "text more" in seen(transcript))


async def test_only_the_rows_that_change_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as (transcript, pilot):
        transcript.ask("Why?")
        transcript.reply.start()
        transcript.reply.append("one paragraph of several lines " * 4)
        await until(pilot, lambda: seen(transcript).count("several") == 4)
        asked: list[tuple[Region, bool]] = []

        def refresh(*regions: Region, layout: bool = False, **options: bool) -> Transcript:
            asked.extend((region, layout) for region in regions or (transcript.size.region,))
            return Transcript.refresh(transcript, *regions, layout=layout, **options)

        monkeypatch.setattr(transcript, "refresh", refresh)
        last = max(y for y, line in enumerate(screen(transcript)) if "several" in line)
        transcript.reply.append("and")
        await until(pilot, lambda: "and" in screen(transcript)[last])
        assert {(region.y, region.height) for region, _ in asked} == {(last, 1)}
        transcript.reply.append(" a new line" * 5)
        await until(pilot, lambda: seen(transcript).count("new line") == 5)
        assert not any(layout for _, layout in asked)  # nothing else moves with a line that is added


async def test_marks_and_endings() -> None:
    async with stage() as (transcript, _):
        transcript.reply.start()
        transcript.reply.append("one two")
        transcript.reply.mark("temperature 0.8→1.4")
        transcript.reply.append(" three")
        transcript.reply.mark("differs", at=4, kind="fork")
        transcript.reply.end("out of memory", failed=True)
        transcript.notice("preset precise from here on")
        shown = seen(transcript).replace("\u00a0", " ")
        assert "one  ≠ differs two ◆ temperature 0.8→1.4  three" in shown
        assert "✗ out of memory" in shown
        assert "·  preset precise from here on" in shown
        assert transcript.reply.text == "one two three"


async def test_it_follows_only_a_reader_at_the_bottom() -> None:
    async with stage() as (transcript, pilot):
        transcript.show(talk(40))
        assert follows(transcript) and "answer 19" in seen(transcript)
        await pilot.press("up", "pageup")
        assert not follows(transcript)
        before = screen(transcript)
        transcript.reply.start()
        transcript.reply.append("more\n\n" * 30)
        transcript.reply.end()
        await pilot.pause()
        assert screen(transcript) == before
        await pilot.press("end")
        assert follows(transcript)
        transcript.notice("the very end")
        assert "the very end" in seen(transcript)


async def test_a_question_brings_the_reader_back() -> None:
    async with stage() as (transcript, pilot):
        transcript.show(talk(40))
        await pilot.press("home")
        assert not follows(transcript)
        transcript.ask("here I am")
        assert follows(transcript) and "here I am" in seen(transcript)


async def test_five_thousand_messages() -> None:
    async with stage() as (transcript, pilot):
        transcript.show(talk(5_000))
        laid_out = [entry for entry in transcript.stack.entries if entry.width]
        assert len(laid_out) < 30
        assert "answer 2499" in seen(transcript)
        await pilot.press("home")
        assert "question 0" in seen(transcript)


async def test_reading_upwards_meets_every_line_once() -> None:
    markdown = "# title\n\n" + "- item\n" * 5 + "\n```\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    async with stage() as (transcript, pilot):
        transcript.show(talk(30, markdown))
        while transcript.scroll_offset.y:
            before = screen(transcript)
            transcript.scroll_relative(y=-3, animate=False)
            if transcript.scroll_offset.y:
                assert screen(transcript)[3:] == before[:-3]
        assert "question 0" in seen(transcript)


async def test_a_narrower_window_folds_again() -> None:
    async with stage(80) as (transcript, pilot):
        transcript.show(talk(20))
        await pilot.press("pageup", "pageup")
        await pilot.resize_terminal(40, 20)
        await until(pilot, lambda: transcript.size.width == 40)
        await pilot.pause()
        assert all(cell_len(line) <= 39 for line in screen(transcript))
        await pilot.press("end")
        assert "word" in seen(transcript)


async def test_hostile_text_is_shown_and_nothing_else() -> None:
    async with stage() as (transcript, pilot):
        transcript.placeholder = HOSTILE
        await pilot.pause()
        shown = [seen(transcript)]
        transcript.ask(HOSTILE)
        transcript.reply.start(HOSTILE)
        transcript.reply.progress(HOSTILE)
        shown.append(seen(transcript))
        transcript.reply.append(HOSTILE)
        transcript.reply.mark(HOSTILE)
        transcript.reply.end(HOSTILE)
        transcript.notice(HOSTILE)
        await pilot.pause()
        shown.append(seen(transcript))
        for text in shown:
            assert not set(text) & set("\x1b\x07\x9b\u202e\ufdd0")
            assert "[/x]" in text


async def test_copying_takes_what_was_said() -> None:
    async with stage(40) as (transcript, _):
        transcript.ask("a question")
        transcript.reply.start("label")
        transcript.reply.append("some words that are long enough to be folded here\n\n```python\nx = 1\ny = 2\n```")
        transcript.reply.mark("top_k 4", at=5)
        transcript.reply.end()
        copied = transcript.get_selection(SELECT_ALL)
        assert copied is not None
        assert copied[0] == ("a question\n\nsome words that are long enough to be folded here\n\nx = 1\ny = 2")
        part = transcript.get_selection(Selection(Offset(5, 1), Offset(11, 1)))
        assert part is not None and part[0] == "questi"


async def test_the_mouse_selects() -> None:
    async with stage() as (transcript, pilot):
        transcript.ask("日本 wide and narrow")
        await pilot.pause()
        await pilot.mouse_down(transcript, offset=(8, 1))
        await pilot.hover(transcript, offset=(11, 1))
        await pilot.mouse_up(transcript, offset=(11, 1))
        assert transcript.screen.get_selected_text() == "wide"
        await pilot.click(transcript, offset=(8, 1), times=2)
        assert transcript.screen.get_selected_text() == "日本 wide and narrow"


async def test_an_empty_one_welcomes() -> None:
    async with stage() as (transcript, pilot):
        transcript.placeholder = "twiddle\n\nask something"
        await pilot.pause()
        lines = screen(transcript)
        assert "ask something" in lines[10]
        transcript.ask("hello")
        assert "ask something" not in seen(transcript)
        transcript.clear()
        assert "ask something" in seen(transcript)
        assert transcript.reply.text == ""


@pytest.mark.parametrize("theme", ["textual-light", "nord", "ansi-dark"])
async def test_a_theme_changes_colours_not_text(theme: str) -> None:
    async with stage() as (transcript, pilot):
        transcript.show(talk(4, "`code` **bold**\n\n```python\nx = 1\n```"))
        text, strips = screen(transcript), [transcript.render_line(y) for y in range(5)]
        pilot.app.theme = theme
        await pilot.pause()
        assert screen(transcript) == text
        assert strips != [transcript.render_line(y) for y in range(5)]


async def test_a_notice_comes_before_a_reply_that_has_not_begun_and_after_one_that_has() -> None:
    async with stage() as (transcript, pilot):
        transcript.ask("Why?")
        transcript.reply.start("precise")
        transcript.notice("No turns here.")
        transcript.reply.append("So.")
        await until(pilot, lambda: "So." in seen(transcript))
        transcript.notice("Meanwhile.")
        assert [line for line in screen(transcript) if line] == [
            "▌  Why?",
            "·  No turns here.",
            "▏  precise",
            "▏  So.",
            "·  Meanwhile.",
        ]
        transcript.reply.end("")
        transcript.notice("Then.")
        assert [line for line in screen(transcript) if line][-1] == "·  Then."
