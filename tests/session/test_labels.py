"""Labels of sides, and statistics of their replies."""

import pytest
from msgspec.structs import replace

from tests.session.test_side import put_question, side, token
from tui.conversation.reply_record import Stats
from tui.engine.protocol import Finished
from tui.session.labels import names, titles
from tui.session.reply_stats import ReplyStats, RunningStats


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("temperature=0.2", "temperature=1.4"), ["temperature 0.2", "temperature 1.4"]),
        (("top_k=7", "top_k=7"), ["default · top_k 7"] * 2),
        (
            ("default", "precise,temperature=0.2"),
            [
                "default · temperature 0.8 · top_k 40 · top_p 0.95 · min_p 0.05",
                "precise · temperature 0.2 · top_k 20 · top_p 0.9 · min_p 0.1",
            ],
        ),
        (
            ("top_k=3", "default", "top_k=0,min_p=0"),
            ["top_k 3 · min_p 0.05", "top_k 40 · min_p 0.05", "top_k off · min_p 0"],
        ),
        (("seed=3", "default"), ["default · seed 3", "default"]),
        (("seed=3", "seed=4"), ["seed 3", "seed 4"]),
    ],
)  # fmt: skip
def test_titles_say_what_differs(settings: tuple[str, ...], said: list[str]) -> None:
    assert titles([side(each) for each in settings]) == said


def test_a_system_prompt_worded_anew_is_told_in_a_few_characters() -> None:
    one, other = side(), side()
    other.preset = replace(other.preset, system="Answer in verse,\nand in verse alone, whatever is asked.")
    assert titles([one, other]) == ["system none", "system Answer in verse, and in…"]


def test_the_figures_grow_with_the_reply_and_stay_when_it_is_over() -> None:
    one, tape = side(), RunningStats()
    assert tape.update(one) is None
    put_question(one, "Hi")
    one.start_reply("1", 7)
    for index in range(3):
        one.on_token(token(index, "x"))
        figures = tape.update(one)
        assert figures and (figures.tokens, figures.p, figures.p_raw) == (index + 1, 1.0, 0.5)
        assert figures.perplexity == pytest.approx(2)
    one.on_finished(Finished("1", "xxx", "stop", 7, (1, 1), Stats(10, 0, 2, 5.0, 100.0)))
    over = tape.update(one)
    assert over and (over.tokens, over.rate, over.ttft_ms) == (2, 100.0, 5.0)
    one.reply = None
    assert RunningStats().update(one) == over, "the same from what is kept of it"
    assert tape.update(side()) is None
    assert ReplyStats(0).p is None


def test_sides_that_only_their_system_prompts_tell_apart_are_called_by_these() -> None:
    one, other, third = side(), side(), side("top_k=7")
    assert names([one, third]) == ["default", "default · top_k 7"]
    other.preset = replace(other.preset, system="Answer in verse.")
    assert names([one, other, third])[1:] == ["default · system Answer in verse.", "default · top_k 7"]
    assert names([one, other])[0] == "default · system none"
    third.preset = replace(third.preset, model="/models/other.gguf")
    assert names([one, third])[1] == "other+default · top_k 7"
