"""Knobs without effect: each rule by example, and against what the stage chain really leaves."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tui.engine.llama import make_stage
from tui.engine.sampling.chain import Chain, order
from tui.knobs.knob import Knob, Value
from tui.knobs.lint import conflict, idle, in_vain, inert
from tui.knobs.table import KNOBS, STAGES, Knobs, turn


def test_untouched_knobs_are_never_told() -> None:
    assert in_vain(Knobs()) == {}
    assert in_vain(turn(Knobs(), mirostat=2)) == {}
    assert in_vain(turn(Knobs(), strategy="greedy")) == {}


@pytest.mark.parametrize(
    ("turned", "found"),
    [
        ({"mirostat": 2, "top_p": 0.5, "temperature": 1.2, "mirostat_tau": 3.0}, {"top_p": "mirostat is on"}),
        ({"mirostat": 1, "sampler_order": ("top_k",)}, {"sampler_order": "mirostat is on"}),
        ({"mirostat": 2, "mirostat_tau": 3.0, "temperature": 0.0}, {"mirostat_tau": "temperature is 0"}),
        ({"mirostat_eta": 0.5}, {"mirostat_eta": "mirostat is off"}),
        ({"mirostat": 2, "logit_bias": ("a:1",)}, {}),
        ({"sampler_order": ("top_p",), "top_k": 7, "top_p": 0.3}, {"top_k": "top_k is not in sampler_order"}),
        ({"sampler_order": ("top_k",), "temperature": 0.0}, {"temperature": "temperature is not in sampler_order"}),
        ({"strategy": "greedy", "temperature": 0.3, "seed": 4},
         {"temperature": "strategy is greedy", "seed": "strategy is greedy"}),
        ({"strategy": "beam", "num_beams": 3, "top_k": 7, "contrastive_k": 6},
         {"top_k": "strategy is beam", "contrastive_k": "strategy is beam"}),
        ({"strategy": "contrastive", "penalty_alpha": 0.4, "early_stopping": "yes", "length_penalty": 2.0},
         {"early_stopping": "strategy is contrastive", "length_penalty": "strategy is contrastive"}),
        ({"strategy": "beam", "repeat_penalty": 1.2, "logit_bias": ("a:1",), "dry_multiplier": 0.8, "format": "json"},
         {}),
        ({"num_beams": 3}, {"num_beams": "strategy is sample"}),
        ({"temperature": 0.0, "top_k": 7, "seed": 4, "repeat_penalty": 1.2},
         {"top_k": "temperature is 0", "seed": "temperature is 0"}),
        ({"temperature": 0.0, "xtc_probability": 0.5, "seed": 4}, {}),
        ({"temperature": 0.0, "dynatemp_range": 0.5, "top_k": 7, "seed": 4}, {}),
        ({"temperature": 0.0, "sampler_order": ("temperature", "xtc"), "xtc_probability": 0.5, "seed": 4},
         {"xtc_probability": "temperature is 0", "seed": "temperature is 0"}),
        ({"temperature": 0.0, "xtc_probability": 0.5, "top_k": 1}, {}),
        ({"temperature": 0.0, "typical_p": 0.5, "top_k": 7, "min_p": 0.3}, {"min_p": "temperature is 0"}),
        ({"temperature": 0.0, "xtc_probability": 0.5, "xtc_threshold": 0.6, "seed": 4},
         {"seed": "temperature is 0", "xtc_probability": "xtc_threshold is above 0.5"}),
        ({"strategy": "contrastive", "penalty_alpha": 0.0, "contrastive_k": 6},
         {"contrastive_k": "penalty_alpha is 0"}),
        ({"num_gpu": 0, "main_gpu": 1}, {"main_gpu": "num_gpu is 0"}),
        ({"temperature": 0.0, "adaptive_target": 0.3}, {"adaptive_target": "temperature is 0"}),
        ({"repeat_last_n": 0, "presence_penalty": 1.0}, {"presence_penalty": "repeat_last_n is 0"}),
        ({"repeat_last_n": 9}, {"repeat_last_n": "the penalties are off"}),
        ({"dry_base": 2.0}, {"dry_base": "dry_multiplier is 0"}),
        ({"dry_multiplier": 0.8, "dry_penalty_last_n": 0}, {"dry_multiplier": "dry_penalty_last_n is 0"}),
        ({"xtc_threshold": 0.2}, {"xtc_threshold": "xtc_probability is 0"}),
        ({"xtc_threshold": 0.6, "xtc_probability": 0.5},
         {"xtc_probability": "xtc_threshold is above 0.5"}),
        ({"dynatemp_exponent": 2.0}, {"dynatemp_exponent": "dynatemp_range is 0"}),
        ({"adaptive_target": -0.5}, {"adaptive_target": "below 0 is off"}),
        ({"top_n_sigma": 0.0}, {"top_n_sigma": "0 and below is off"}),
        ({"adaptive_decay": 0.5}, {"adaptive_decay": "adaptive_target is off"}),
        ({"num_keep": 5}, {"num_keep": "context_full is stop"}),
        ({"num_keep": 5, "context_full": "shift"}, {}),
    ],
)  # fmt: skip
def test_what_is_turned_in_vain(turned: dict[str, Any], found: dict[str, str]) -> None:
    assert in_vain(turn(Knobs(), **turned)) == found


def test_one_constraint_at_a_time() -> None:
    assert conflict(Knobs()) == conflict(turn(Knobs(), format="json")) == ""
    assert conflict(turn(Knobs(), format="json", regex="a+", choices=("b",))).startswith(
        "format, regex and choices are"
    )


@pytest.mark.parametrize(
    ("turned", "named", "others"),
    [
        ({}, ("xtc_threshold", "mirostat_tau", "num_beams", "repeat_last_n", "dry_base", "num_keep"),
         ("xtc_probability", "mirostat", "temperature", "repeat_penalty", "dry_multiplier", "adaptive_target")),
        ({"mirostat": 2}, ("top_p", "top_k", "sampler_order", "dry_multiplier", "adaptive_target"),
         ("temperature", "dynatemp_range", "mirostat_tau", "seed", "logit_bias")),
        ({"strategy": "greedy"}, ("temperature", "seed", "mirostat", "xtc_probability"),
         ("repeat_penalty", "dry_multiplier", "sampler_order", "regex", "logit_bias")),
    ],
)  # fmt: skip
def test_what_does_nothing_is_named_turned_or_not(
    turned: dict[str, Any], named: tuple[str, ...], others: tuple[str, ...]
) -> None:
    found = inert(turn(Knobs(), **turned))
    assert set(named) <= found.keys()
    assert not set(others) & found.keys()


@st.composite
def turned_knobs(draw: st.DrawFn) -> Knobs:
    """Some of the knobs that the chain goes by, turned; often to where they switch something off."""
    values: dict[str, Any] = {}
    for row in KNOBS.values():
        if row.live and row.kind in (int, float) and draw(st.booleans()):
            low, high = row.slider
            ends = [low, high] if row.neutral is None else [low, high, row.neutral]
            value: Any = draw(st.sampled_from(ends) | st.integers(int(low) + 1, int(high) or 1))
            values[row.name] = row.kind(min(max(value, row.low), row.high))
    if draw(st.booleans()):
        values["sampler_order"] = tuple(draw(st.lists(st.sampled_from(STAGES), unique=True)))
    values["strategy"] = draw(st.sampled_from(KNOBS["strategy"].choices))
    return turn(Knobs(), **values)


@given(turned_knobs())
def test_what_the_chain_leaves_out_is_named(knobs: Knobs) -> None:
    acting, found = order(knobs), in_vain(knobs)
    for name, row in KNOBS.items():
        if row.stage and getattr(knobs, name) != row.default:
            without = order(turn(knobs, **{name: row.default}))
            if row.stage not in acting and row.stage not in without:
                assert name in found


STAGED = [
    name for name, row in KNOBS.items() if row.stage not in (None, "logit_bias") and name != "dry_sequence_breakers"
]
"""The knobs whose values act on scores alone, without a vocabulary."""


def values(row: Knob) -> st.SearchStrategy[Value]:
    """Values within a slider, those that switch a stage on or off more often."""
    low, high = row.slider
    switches = st.sampled_from([value for value in (row.neutral, row.default, low) if value is not None])
    between = st.integers(int(low), min(int(high), 40)) if row.kind is int else st.floats(low, high).map(hundredths)
    return switches | between


def hundredths(value: float) -> float:
    return round(value, 2)


chains = st.builds(
    lambda turned, stages, strategy: turn(Knobs(), sampler_order=stages, strategy=strategy, **turned),
    st.fixed_dictionaries(
        {"temperature": st.just(0.0) | values(KNOBS["temperature"])},
        optional={name: values(KNOBS[name]) for name in STAGED if name != "temperature"},
    ),
    st.just(STAGES) | st.lists(st.sampled_from(STAGES), unique=True).map(tuple),
    st.sampled_from(("sample", "sample", "greedy")),
)


@given(chains, st.data(), st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(max_examples=depth(80, 400))
def test_turning_a_knob_that_does_nothing_changes_no_token(
    knobs: Knobs, data: st.DataObject, seed: int, chance: float
) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, 258).astype(np.float32)
    history = random.integers(0, 20, 30).tolist()

    def left(knobs: Knobs) -> dict[int, float]:
        odds = Chain(knobs, make_stage, history).run(logits, history, chance)
        return {token: round(p, 5) for token, p in odds.best(len(logits))}

    before = left(knobs)
    for name, reason in inert(knobs).items():
        if name in STAGED:
            assert left(turn(knobs, **{name: data.draw(values(KNOBS[name]), name)})) == before, (name, reason)
    for name, reason in in_vain(knobs).items():
        if name in STAGED:
            assert left(turn(knobs, **{name: KNOBS[name].default})) == before, (name, reason)


@pytest.mark.parametrize(
    ("turned", "stage", "reason"),
    [
        ({}, "penalties", "the penalties are off"),
        ({}, "dry", "dry_multiplier is off"),
        ({"top_n_sigma": 0.0}, "top_n_sigma", "off"),
        ({"xtc_probability": 0.5, "xtc_threshold": 0.7}, "xtc", "xtc_threshold is above 0.5"),
        ({"temperature": 1.0}, "temperature", "temperature is 1"),
        ({"mirostat": 2}, "top_k", "mirostat is on"),
        ({"strategy": "beam"}, "temperature", "strategy is beam"),
    ],
)
def test_an_idle_stage_says_why(turned: dict[str, Any], stage: str, reason: str) -> None:
    assert idle(turn(Knobs(), **turned))[stage] == reason


@given(turned_knobs())
def test_the_stages_that_are_not_idle_are_those_that_run(knobs: Knobs) -> None:
    acting = {stage for stage in knobs.sampler_order if stage not in idle(knobs)}
    running = set(order(knobs)) & set(knobs.sampler_order)
    assert acting <= running
