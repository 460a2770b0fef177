"""Contrastive search against a plain implementation of its definition, and on the real model without a cache."""

from itertools import takewhile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.dice import Dice, Table
from tests.engine.scripted import END
from tui.knobs.table import Knobs, turn


def plain(dice: Dice, prompt: list[int], knobs: Knobs) -> list[int]:
    """Su et al. 2022, equation 5, every hidden state worked out anew."""
    tokens: list[int] = []
    while len(tokens) < knobs.num_predict and END not in tokens:
        before = [*prompt, *tokens]
        states = np.stack([dice.state(before[: i + 1]) for i in range(len(before))])
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        log_p = dice.log_p(before)
        likeliest = sorted(log_p, key=lambda token: -log_p[token])[: knobs.contrastive_k]

        def score(
            token: int, before: list[int] = before, states: np.ndarray = states, log_p: dict[int, float] = log_p
        ) -> float:
            state = dice.state([*before, token])
            like = float((states @ (state / np.linalg.norm(state))).max())
            return (1 - knobs.penalty_alpha) * float(np.exp(log_p[token])) - knobs.penalty_alpha * like

        tokens.append(max(likeliest, key=score))
    return tokens


def search(table: Table, knobs: Knobs, reply_id: str = "a") -> list[int]:
    table.ask(table.reply(knobs, reply_id))
    table.run()
    return [token.trace.id for token in table.tokens()[reply_id]]


@given(st.integers(0, 10_000), st.integers(2, 8), st.sampled_from((0.0, 0.3, 0.6, 1.0)), st.integers(1, 12))
@settings(max_examples=depth(20, 100))
def test_it_finds_what_the_definition_finds(seed: int, count: int, alpha: float, most: int) -> None:
    knobs = turn(Knobs(), strategy="contrastive", contrastive_k=count, penalty_alpha=alpha, num_predict=most, seed=1)
    dice = Dice("abcde", seed)
    table = Table(dice)
    assert search(table, knobs) == plain(dice, table.prompt, knobs)


def test_without_a_penalty_it_is_greedy() -> None:
    knobs = turn(Knobs(), seed=1, num_predict=20, contrastive_k=3, penalty_alpha=0.0, strategy="contrastive")
    assert search(Table(Dice("abcde", 9)), knobs) == search(Table(Dice("abcde", 9)), turn(knobs, strategy="greedy"))


def test_again_evaluates_one_token_of_the_prompt() -> None:
    knobs = turn(Knobs(), seed=1, num_predict=10, strategy="contrastive")
    table = Table(Dice("abcde", 4))
    first = search(table, knobs)
    assert search(table, knobs, "b") == first
    stats = table.finished("b").stats
    assert stats.prompt_tokens - stats.reused_tokens == 1


def test_a_prompt_read_without_hidden_states_is_read_again() -> None:
    knobs = turn(Knobs(), seed=1, num_predict=10, strategy="contrastive")
    dice = Dice("abcde", 4)
    table = Table(dice)
    search(table, turn(knobs, strategy="sample"), "before")
    assert search(table, knobs) == plain(dice, table.prompt, knobs)
    assert table.finished("a").stats.reused_tokens == 0


def test_the_trace_says_who_was_weighed() -> None:
    table = Table(Dice("abcde", 4))
    search(table, turn(Knobs(), seed=1, num_predict=5, strategy="contrastive", contrastive_k=3))
    for token in table.tokens()["a"]:
        stage = token.trace.stages[-1]
        assert (stage.name, stage.survivors) == ("contrastive", 3)
        weighed = list(takewhile(lambda each: each.cut is None, token.trace.candidates))
        assert [each.id for each in weighed] == [each.id for each in token.trace.candidates[:3]]
        assert token.trace.id in {each.id for each in weighed}


@pytest.mark.parametrize("strategy", ["beam", "contrastive"])
def test_two_that_search_alike_are_decoded_once(strategy: str) -> None:
    knobs = turn(Knobs(), seed=1, num_predict=10, strategy=strategy)
    alone, both = Table(Dice("abcde", 4)), Table(Dice("abcde", 4))
    search(alone, knobs)
    both.ask(both.reply(knobs, "a"), both.reply(knobs, "b"))
    both.run()
    assert both.dice.decoded == alone.dice.decoded
    assert both.finished("a").text == both.finished("b").text == alone.finished("a").text
