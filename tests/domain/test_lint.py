"""What is turned in vain: each rule by example, and against the stage chain itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.sampling import order
from tui.knobs import KNOBS, STAGES, Knobs, turn
from tui.lint import conflict, inert


def test_untouched_knobs_are_never_told() -> None:
    assert inert(Knobs()) == {}
    assert inert(turn(Knobs(), mirostat=2)) == {}
    assert inert(turn(Knobs(), strategy="greedy")) == {}


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
        ({"temperature": 0.0, "top_k": 7, "seed": 4, "typical_p": 0.5, "repeat_penalty": 1.2},
         {"top_k": "temperature is 0", "seed": "temperature is 0"}),
        ({"temperature": 0.0, "xtc_probability": 0.5, "seed": 4}, {}),
        ({"temperature": 0.0, "dynatemp_range": 0.5, "top_k": 7, "seed": 4}, {}),
        ({"temperature": 0.0, "sampler_order": ("temperature", "xtc"), "xtc_probability": 0.5, "seed": 4},
         {"xtc_probability": "temperature is 0", "seed": "temperature is 0"}),
        ({"temperature": 0.0, "adaptive_target": 0.3}, {"adaptive_target": "temperature is 0"}),
        ({"repeat_last_n": 0, "presence_penalty": 1.0}, {"presence_penalty": "repeat_last_n is 0"}),
        ({"repeat_last_n": 9}, {"repeat_last_n": "the penalties are off"}),
        ({"dry_base": 2.0}, {"dry_base": "dry_multiplier is 0"}),
        ({"dry_multiplier": 0.8, "dry_penalty_last_n": 0}, {"dry_multiplier": "dry_penalty_last_n is 0"}),
        ({"xtc_threshold": 0.2}, {"xtc_threshold": "xtc_probability is 0"}),
        ({"xtc_threshold": 0.6, "xtc_probability": 0.5},
         {"xtc_probability": "xtc_threshold is above 0.5"}),
        ({"dynatemp_exponent": 2.0}, {"dynatemp_exponent": "dynatemp_range is 0"}),
        ({"adaptive_target": -0.5}, {"adaptive_target": "adaptive_target is off"}),
        ({"top_n_sigma": 0.0}, {"top_n_sigma": "0 and below is off"}),
        ({"adaptive_decay": 0.5}, {"adaptive_decay": "adaptive_target is off"}),
        ({"num_keep": 5}, {"num_keep": "context_full is stop"}),
        ({"num_keep": 5, "context_full": "shift"}, {}),
    ],
)  # fmt: skip
def test_what_is_turned_in_vain(turned: dict[str, Any], found: dict[str, str]) -> None:
    assert inert(turn(Knobs(), **turned)) == found


def test_one_constraint_at_a_time() -> None:
    assert conflict(Knobs()) == conflict(turn(Knobs(), format="json")) == ""
    assert conflict(turn(Knobs(), format="json", regex="a+", choices=("b",))).startswith(
        "format, regex and choices are"
    )


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
def test_the_chain_agrees(knobs: Knobs) -> None:
    acting, found = order(knobs), inert(knobs)
    for name, row in KNOBS.items():
        if row.stage and getattr(knobs, name) != row.default:
            without = order(turn(knobs, **{name: row.default}))
            if row.stage not in acting and row.stage not in without:
                assert name in found
            # At temperature 0 stages run whose work is in vain.
            if name in found and knobs.temperature:
                assert acting == without, f"{name}: {found[name]}"
