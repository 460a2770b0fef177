import unicodedata

import pytest
from textual.app import ComposeResult

from tests.ui.host import WidgetHost
from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.ui.widgets.tokens.candidates import Candidates, percent, visible

HOSTILE = ["\x1b]52;c;aGk=\x07", "[/x]", "a\u202eb", "\x9b31m", "[@click=app.quit]x[/]", "\u200b", "\u0301", "🇫🇷👩‍👩‍👧"]


def trace(*texts: str, chosen: int = 0, cut: str | None = None) -> TokenTrace:
    candidates = tuple(Candidate(i, text, 0.5**i / 2, 0.5**i / 4, cut if i else None) for i, text in enumerate(texts))
    stages = (StageTrace("top_k", 40), StageTrace("top_p", 12), StageTrace("temperature", 12))
    text = texts[chosen] if chosen >= 0 else ""
    return TokenTrace(chosen, text, 0.5, 0.25, max(chosen, 0), 4.21, 1.37, stages, candidates)


class Host(WidgetHost):
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def on_candidates_chosen(self, event: Candidates.Chosen) -> None:
        self.chosen.append(event.candidate.text)

    def compose(self) -> ComposeResult:
        yield Candidates()


async def lines(
    shown: TokenTrace | None, *, width: int = 34, height: int = 12, heading: str | None = None
) -> list[str]:
    app = Host()
    async with app.run_test(size=(80, 40)) as pilot:
        view = app.query_one(Candidates)
        view.styles.width, view.styles.height = width, height
        view.trace = shown
        view.heading = heading or view.heading
        await pilot.pause()
        strips = [view.render_line(y) for y in range(view.content_size.height)]
        assert {strip.cell_length for strip in strips} == {view.content_size.width}
        return [strip.text for strip in strips]


async def test_it_shows_the_choice() -> None:
    seen = await lines(trace(" Paris", "\n", "the", chosen=1))
    assert seen[0].split() == ["newest", "token", "↵", "rank", "2"]
    assert seen[1].strip() == "entropy 4.21 → 1.37 bits"
    assert seen[3].startswith("  ␣Paris")
    assert seen[4].startswith("▶ ↵")
    assert seen[3].split()[1:] == ["50.0", "█████▌█████", "25.0"]


async def test_a_cut_token_names_the_stage() -> None:
    seen = await lines(trace("a", "b", cut="min_p"))
    assert seen[4].endswith(" cut by min_p")


async def test_a_stage_that_cut_nothing_has_no_number() -> None:
    seen = await lines(trace("a"), width=60, height=9)
    assert "top_k 40 → top_p 12 → temperature" in seen[-2] + seen[-1]
    assert "temperature 12" not in "".join(seen)


async def test_with_room_every_stage_has_a_row_with_what_it_left() -> None:
    seen = await lines(trace("a", "b"), height=12)
    assert [line.split()[:2] for line in seen[-3:]] == [["top_k", "40"], ["top_p", "12"], ["temperature", "12"]]
    assert "░" not in seen[-3] + seen[-1] and "░" in seen[-2], "what a stage cut is seen"
    lengths = [line.count("█") for line in seen[-3:]]
    assert lengths[0] > lengths[1] == lengths[2] > 0


async def test_with_less_room_only_the_stages_that_cut_have_one() -> None:
    seen = await lines(trace("a", "b"), height=11)
    assert [line.split()[0] for line in seen[-2:]] == ["left", "top_p"]


async def test_a_candidate_is_chosen_by_keys_or_by_two_clicks() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        view = app.query_one(Candidates)
        view.trace = trace(*"abcdefghijklmnop", chosen=0)
        view.focus()
        await pilot.pause()
        assert view.cursor == 1, "it begins at what was not chosen"
        await pilot.press("down", "enter")
        await pilot.press("end", "down", "enter")
        assert "› p" in "".join(view.render_line(y).text for y in range(view.content_size.height))
        await pilot.press("home", "up")
        await pilot.pause()
        await pilot.click(view, offset=(5, 4), times=2)
        await pilot.pause()
        assert app.chosen == ["c", "p", "b"]


async def test_before_the_choice_nothing_is_marked() -> None:
    seen = await lines(trace("a", "b", chosen=-1), heading="next token")
    assert seen[0].split() == ["next", "token"]
    assert "▶" not in "".join(seen)


async def test_the_chosen_token_is_shown_however_unlikely() -> None:
    seen = await lines(trace(*"abcdefghijklmnop", chosen=15), height=6)
    assert any(line.startswith("▶ p") for line in seen)


async def test_without_a_trace_it_says_what_will_be_here() -> None:
    assert "odds" in "".join(await lines(None))


@pytest.mark.parametrize("width", [1, 12])
async def test_with_next_to_no_room_it_only_stays_in_bounds(width: int) -> None:
    await lines(trace("a", "b", cut="top_k"), width=width, height=2)


@pytest.mark.parametrize("width", [28, 34, 47, 60])
@pytest.mark.parametrize("height", [6, 8, 9, 30])
async def test_it_fits_any_size(width: int, height: int) -> None:
    seen = await lines(trace(*[" 東京タワーの高さ"] * 20, chosen=3, cut="temperature"), width=width, height=height)
    assert "▶" in "".join(seen)
    assert "temperature" in "".join(seen)


async def test_hostile_tokens_come_out_harmless() -> None:
    for token in HOSTILE:
        seen = "".join(await lines(trace(token, "x", cut=token)))
        assert not {unicodedata.category(char) for char in seen} & {"Cc", "Cs"}
        assert not set(seen) & set("\u202e\u200b")
    assert any("[/x]" in line for line in await lines(trace("[/x]")))


async def test_a_new_trace_replaces_the_old_one() -> None:
    app = Host()
    async with app.run_test() as pilot:
        view = app.query_one(Candidates)
        for token in ("first", "second"):
            view.trace = trace(token)
            await pilot.pause()
            assert token in view.render_line(0).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" a b", "␣a␣b"), ("\n\t", "↵⇥"), ("", "∅"), ("\u0301", "◌\u0301"), ("\x1b[0m", "␛[0m"), ("\u3000", "␣")],
)
def test_blanks_and_controls_are_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("share", "words"),
    [(1, "100"), (0.9996, "100"), (0.381, "38.1"), (0.004, "0.4"), (0.0005, ".05"), (0.00001, "<.01"), (0, "0")],
)
def test_percentages_are_at_most_four_characters(share: float, words: str) -> None:
    assert percent(share) == words
