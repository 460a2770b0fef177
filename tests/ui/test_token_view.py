"""The token view by itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.color import Color
from textual.events import MouseMove
from textual.pilot import Pilot

from tests.ui.host import WidgetHost
from tests.ui.test_themes import contrast
from tui.conversation.reply_record import KnobChange, ReplyRecord
from tui.conversation.token_measures import LEVELS, MEASURES
from tui.conversation.trace import Candidate, TokenTrace
from tui.knobs.table import Knobs, turn
from tui.ui.themes import read_theme
from tui.ui.widgets.tokens.token_view import TokenView

THEMES = sorted((Path(__file__).parents[2] / "themes").glob("*.toml"))
TEXT = ("The", " capital", " of", " Poland", " is", " War", "saw", ".", "\n", "It", " is", " old", ".", "")
P = (0.95, 0.4, 0.99, 0.8, 0.9, 0.02, 1.0, 0.6, 0.3, 0.005, 0.9, 0.05, 0.99, 0.9)


def written(
    given: int = 0, lane: tuple[KnobChange, ...] = (), texts: Sequence[str] = TEXT, before: int = 0
) -> ReplyRecord:
    starts, traces, at = [], [], before
    for place, (text, p) in enumerate(zip(texts, P, strict=False)):
        starts.append(at)
        at += len(text)
        label = text or "<|im_end|>"
        candidates = (Candidate(place, label, p, p),)
        traces.append(TokenTrace(place, label, p, p, round(1 / p) - 1, 1 / p, 0.5, (), candidates))
    records = (b"",) * len(traces)
    return ReplyRecord("x", "starter", Knobs(), "", given, 0, lane, tuple(starts), tuple(traces), records)


class Host(WidgetHost):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield TokenView()

    def on_token_view_picked(self, event: TokenView.Picked) -> None:
        self.told.append(f"picked {event.place}")

    def on_token_view_entered(self, event: TokenView.Entered) -> None:
        self.told.append("entered")

    @property
    def view(self) -> TokenView:
        return self.query_one(TokenView)

    @property
    def lines(self) -> list[str]:
        """Return the text on the terminal."""
        return [strip.text.replace("\xa0", " ").rstrip() for strip in self.screen._compositor.render_strips()]


@asynccontextmanager
async def opened(
    shown: ReplyRecord | None = None, size: tuple[int, int] = (60, 12)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    host = Host()
    async with host.run_test(size=(78, 12)) as pilot:
        shown = shown or written()
        host.view.show("".join(TEXT), shown, ended=True)
        host.view.field.focus()
        await pilot.pause()
        yield host, pilot


async def test_it_says_how_likely_the_whole_is_and_what_one_token_is() -> None:
    async with opened() as (host, pilot):
        await pilot.press("home", "right")
        await pilot.pause()
        assert host.lines[0].startswith(" as written · perplexity 3.01")
        assert host.lines[1:3] == [" The capital of Poland is Warsaw.↵", " It is old.<|im_end|>"]
        assert host.lines[-2].split() == [
            "␣capital",
            "40.0",
            "→",
            "40.0",
            "%",
            "rank",
            "2",
            "2.50",
            "bits",
            "2",
            "of",
            "14",
        ]
        assert host.lines[-1].split()[:3] == ["probability", "90", "70"]
        assert host.told[-1] == "picked 1"


async def test_every_token_is_reached_by_keys() -> None:
    async with opened() as (host, pilot):
        places = []
        for key in ("home", "left", "down", "right", "up", "end", "right", "pageup", "enter"):
            await pilot.press(key)
            places.append(host.view.picked)
        assert places == [0, 0, 9, 10, 0, 13, 13, 1, 1]
        await pilot.pause()
        assert host.told[-1] == "entered"


async def test_the_mouse_picks() -> None:
    async with opened() as (host, pilot):
        await pilot.click(host.view.field, offset=(7, 0))
        assert host.view.picked == 1
        host.post_message(MouseMove(None, 2, 2, 1, 1, 0, False, False, False, 2, 2))
        await pilot.pause()
        assert host.view.picked == 9


async def test_n_goes_to_what_was_unlikely_and_the_threshold_can_be_moved() -> None:
    async with opened() as (host, pilot):
        places = []
        for key in ("home", "n", "n", "n", "n", "N", "less_than_sign", "n"):
            await pilot.press(key)
            places.append(host.view.picked)
        assert places == [0, 5, 9, 11, 5, 11, 11, 5]
        await pilot.press("greater_than_sign", "greater_than_sign", "greater_than_sign", "n")
        await pilot.pause()
        assert host.view.picked == 9 and "n: < 1 %" in host.lines[-1]


async def test_m_colours_by_another_measure() -> None:
    async with opened() as (host, pilot):
        names = []
        for _ in range(len(MEASURES) + 1):
            await pilot.pause()
            names.append(host.view.measure.name)
            assert host.lines[-1].startswith(f" {names[-1]} ")
            await pilot.press("m")
        assert names == [*(measure.name for measure in MEASURES), MEASURES[0].name]


async def test_what_would_be_cut_is_marked_and_undone() -> None:
    async with opened() as (host, pilot):
        host.view.show_what_if(4, (0.95, 0.0, 1.0), ("", "min_p", ""))
        host.view.show_likelihood("temperature 0.8→0.2")
        await pilot.press("home", *["right"] * 5)
        await pilot.pause()
        assert host.view.field.cut == {5}
        assert host.lines[0].startswith(" what if · perplexity") and "1 cut" in host.lines[0]
        assert "cut by min_p" in host.lines[-2] and "if so 0 %" in host.lines[-2]
        (strip,) = (host.view.field.render_line(0),)
        assert any(segment.style and segment.style.strike and "War" in segment.text for segment in strip)
        host.view.restore()
        await pilot.pause()
        assert host.lines[0].startswith(" as written") and not host.view.field.cut


async def test_turns_of_the_knobs_and_what_was_given_are_marked() -> None:
    lane = (KnobChange(9, turn(Knobs(), temperature=1.4)),)
    async with opened(written(3, lane)) as (host, _):
        assert "⑂" in host.lines[1] and "of" in host.lines[1].split("⑂")[0]
        assert any("temperature 0.8→1.4" in line for line in host.lines)
        italic = [segment.text for segment in host.view.field.render_line(0) if segment.style and segment.style.italic]
        assert italic == ["The", " ", "capital", " ", "of"]


async def test_a_running_reply_grows_and_the_cursor_stays_on_its_newest_token_until_it_is_moved() -> None:
    async with opened() as (host, pilot):
        for count in (3, 6):
            part = written(texts=TEXT[:count])
            show = host.view.extend if count > 3 else host.view.show
            show("".join(TEXT[:count]), part, ended=False)
            await pilot.pause()
            assert host.view.picked == count - 1
        await pilot.press("home")
        host.view.extend("".join(TEXT), written(), ended=True)
        await pilot.pause()
        assert host.view.picked == 0 and host.view.count == 14
        assert host.lines[1] == " The capital of Poland is Warsaw.↵"


async def test_what_a_person_wrote_is_there_and_cannot_be_picked() -> None:
    async with opened() as (host, pilot):
        host.view.show("Well: " + "".join(TEXT), written(before=6), ended=True)
        await pilot.click(host.view.field, offset=(2, 0))
        await pilot.pause()
        assert host.lines[1].startswith(" Well: The capital") and host.view.picked == 0


async def test_another_width_folds_anew_and_keeps_the_cursor() -> None:
    async with opened() as (host, pilot):
        await pilot.press("home", "n")
        await pilot.resize_terminal(24, 12)
        await pilot.pause()
        assert host.view.picked == 5
        assert host.lines[1:3] == [" The capital of Poland", "  is Warsaw.↵"]


@pytest.mark.parametrize("path", THEMES, ids=lambda path: path.stem)
async def test_every_level_can_be_read_in_every_theme(path: Path) -> None:
    async with opened() as (host, pilot):
        theme = read_theme(path)
        host.register_theme(theme)
        host.theme = theme.name
        await pilot.pause()
        seen = []
        for name in (*map(str, range(LEVELS)), "cut", "cursor", "mark", "person"):
            style = host.view.field.colour_of(name)
            assert style.color and style.bgcolor
            if not theme.ansi:
                text, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
                assert contrast(text, back) >= (7.0 if theme.name == "high-contrast" else 4.5), name
            seen.append((style.color, style.bgcolor, style.bold, style.underline, style.strike))
        assert len(set(seen[1:LEVELS])) >= (5 if theme.ansi else LEVELS - 1) - 2, "levels can be told apart"
        steps = [host.view.field.colour_of(str(level)) for level in range(LEVELS)]
        assert [(step.bold, step.underline) for step in steps] == [
            *[(None, None)] * 4,
            *[(None, True)] * 2,
            *[(True, True)] * 2,
        ], "also without colours"
