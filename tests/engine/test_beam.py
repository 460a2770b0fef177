"""Beam search against exhaustive search, and against a plain implementation of its definition."""

import itertools
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.dice import Dice, Table
from tests.engine.scripted import END
from tui.engine.protocol import Hypotheses, SetKnobs, Stop, Token
from tui.knobs.table import Knobs, turn

BEAM = turn(Knobs(), strategy="beam", seed=1)


class Found(NamedTuple):
    score: float
    tokens: tuple[int, ...]


def exhaustive(dice: Dice, prompt: list[int], alphabet: str, most: int, penalty: float) -> list[Found]:
    """Every reply there can be, the best first."""
    found = []
    for length in range(most + 1):
        for letters in itertools.product(alphabet.encode(), repeat=length):
            tokens = (*letters, END) if length < most else letters
            total = sum(dice.log_p([*prompt, *tokens[:i]])[token] for i, token in enumerate(tokens))
            found.append(Found(total / len(tokens) ** penalty, tokens))
    return sorted(found, reverse=True)


def plain(dice: Dice, prompt: list[int], knobs: Knobs) -> list[Found]:
    """Beam search as `BeamSearchScorer` of Hugging Face's transformers has it, without a cache."""
    beams, penalty, most = knobs.num_beams, knobs.length_penalty, knobs.num_predict
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    done: list[Found] = []
    for length in range(1, most + 1):
        steps = sorted(
            ((total + p, (*tokens, token)) for total, tokens in live
             for token, p in dice.log_p([*prompt, *tokens]).items()),
            reverse=True,
        )[: 2 * beams]  # fmt: skip
        live = []
        for rank, (total, tokens) in enumerate(steps):
            if tokens[-1] == END:
                if rank < beams:
                    done = sorted([*done, Found(total / length**penalty, tokens)], reverse=True)[:beams]
            else:
                live.append((total, tokens))
            if len(live) == beams:
                break
        if len(done) == beams:
            reach = most if knobs.early_stopping == "never" and penalty > 0 else length
            if knobs.early_stopping == "yes" or done[-1].score >= steps[0][0] / reach**penalty:
                return done
    rest = [Found(total / most**penalty, tokens) for total, tokens in live]
    return sorted([*done, *rest], reverse=True)[:beams]


def search(dice: Dice, knobs: Knobs) -> Table:
    table = Table(dice)
    table.ask(table.reply(knobs))
    table.run()
    return table


@given(st.integers(0, 10_000), st.sampled_from((0.0, 0.5, 1.0)))
@settings(max_examples=depth(12, 60))
def test_a_width_that_covers_the_tree_finds_the_very_best(seed: int, penalty: float) -> None:
    knobs = turn(BEAM, num_beams=8, num_predict=3, length_penalty=penalty, early_stopping="never")
    dice = Dice("ab", seed)
    table = search(dice, knobs)
    best = exhaustive(dice, table.prompt, "ab", 3, penalty)[0]
    assert [token.trace.id for token in table.tokens()["a"]] == list(best.tokens)
    assert table.finished("a").hypotheses[0].score == pytest.approx(best.score, abs=1e-4)


@given(
    st.integers(0, 10_000),
    st.integers(2, 8),
    st.sampled_from((-0.5, 0.0, 1.0, 2.0)),
    st.sampled_from(("no", "yes", "never")),
    st.integers(1, 12),
)
@settings(max_examples=depth(30, 150))
def test_it_finds_what_the_definition_finds(seed: int, beams: int, penalty: float, early: str, most: int) -> None:
    knobs = turn(BEAM, num_beams=beams, length_penalty=penalty, early_stopping=early, num_predict=most)
    dice = Dice("abcde", seed)
    table = search(dice, knobs)
    expected = plain(dice, table.prompt, knobs)
    done = table.finished("a")
    assert [token.trace.id for token in table.tokens()["a"]] == list(expected[0].tokens)
    assert [each.text for each in done.hypotheses] == [
        bytes(token for token in each.tokens if token != END).decode() for each in expected
    ]
    assert [each.score for each in done.hypotheses] == pytest.approx([each.score for each in expected], abs=1e-4)
    assert done.text == done.hypotheses[0].text
    assert done.ending == ("stop" if expected[0].tokens[-1] == END else "length")


def test_what_all_agree_on_is_written_and_the_rest_is_shown() -> None:
    table = search(Dice("abcde", 3), turn(BEAM, num_predict=12))
    shown = [event for event in table.events if isinstance(event, Hypotheses)]
    assert len(shown) > 3
    written = 0
    for event in table.events:
        if isinstance(event, Token):
            assert event.index == written
            written += 1
        elif isinstance(event, Hypotheses):
            assert event.index == written
            assert len({hypothesis.text for hypothesis in event.hypotheses}) == len(event.hypotheses) == 4
            assert sorted(each.score for each in event.hypotheses) == [each.score for each in event.hypotheses][::-1]


def test_all_beams_are_decoded_in_one_batch_over_one_prompt() -> None:
    dice = Dice("abcde", 5)
    table = Table(dice)
    table.ask(table.reply(turn(BEAM, num_predict=10)))
    table.run()
    assert dice.decoded <= len(table.prompt) + 4 * 10
    assert not table.scheduler.busy
    assert len(table.scheduler._tree.cache._sequences) == len(table.scheduler._tree.cache._idle)


def test_a_stop_takes_the_best_so_far() -> None:
    table = Table(Dice("abcde", 2))
    table.ask(table.reply(turn(BEAM, num_predict=40, early_stopping="never")))
    for _ in range(6):
        table.scheduler.step()
    table.scheduler.stop(Stop("a"))
    done = table.finished("a")
    assert done.ending == "stopped"
    assert done.text
    assert done.text == done.hypotheses[0].text
    assert not table.scheduler.busy


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.permutations(("sample", "greedy", "beam", "contrastive"), 2))
)
def test_the_strategy_itself_can_be_turned(first: str, second: str) -> None:
    knobs = turn(Knobs(), seed=4, num_predict=30, strategy=first, logit_bias=("#257:-100",))
    table = Table(Dice("abcdefgh", 11, spread=0.5))
    table.ask(table.reply(knobs))
    for _ in range(4):
        table.scheduler.step()
    table.scheduler.set_knobs(SetKnobs("a", turn(knobs, strategy=second)))
    table.run()
    done, tokens = table.finished("a"), table.tokens()["a"]
    assert "".join(token.text for token in tokens) + done.tail == done.text
    assert [token.index for token in tokens] == list(range(len(tokens)))
    assert done.knob_changes[-1].knobs.strategy == second
    assert len(table.scheduler._tree.cache._sequences) == len(table.scheduler._tree.cache._idle)


def test_a_stop_text_completes_a_hypothesis() -> None:
    table = search(Dice("ab", 8), turn(BEAM, num_predict=20, stop=("ab",), early_stopping="never"))
    done = table.finished("a")
    assert "ab" not in done.text
    assert all("ab" not in hypothesis.text for hypothesis in done.hypotheses)
    assert done.text == done.hypotheses[0].text
