"""Our chain, a stage at a time, against llama.cpp's own chain run whole: the same survivors, the same probabilities."""

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp as C
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tui.engine.backend import CANDIDATE, Candidates
from tui.engine.llama import make_stage
from tui.engine.sampling.chain import AdaptiveState, Chain, draw, order
from tui.engine.sampling.distribution import Distribution
from tui.knobs.table import STAGES, Knobs, turn

VOCABULARY = 258
BREAKERS = ()


def whole(logits: np.ndarray, knobs: Knobs, history: Sequence[int]) -> dict[int, float]:
    """What llama.cpp's chain leaves, id to probability."""
    chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    penalties = (knobs.repeat_penalty, knobs.frequency_penalty, knobs.presence_penalty)
    dry = (knobs.dry_multiplier, knobs.dry_base, knobs.dry_allowed_length, max(knobs.dry_penalty_last_n, 0))
    samplers = {
        "penalties": lambda: C.llama_sampler_init_penalties(VOCABULARY, max(knobs.repeat_last_n, 0), *penalties),
        "dry": lambda: C.llama_sampler_init_dry(None, *dry, None, 0),
        "top_n_sigma": lambda: C.llama_sampler_init_top_n_sigma(knobs.top_n_sigma),
        "top_k": lambda: C.llama_sampler_init_top_k(knobs.top_k),
        "typical_p": lambda: C.llama_sampler_init_typical(knobs.typical_p, 0),
        "top_p": lambda: C.llama_sampler_init_top_p(knobs.top_p, 0),
        "min_p": lambda: C.llama_sampler_init_min_p(knobs.min_p, 0),
        "xtc": lambda: C.llama_sampler_init_xtc(knobs.xtc_probability, knobs.xtc_threshold, 0, 1),
        "temperature": lambda: C.llama_sampler_init_temp_ext(
            knobs.temperature, knobs.dynatemp_range, knobs.dynatemp_exponent
        ),
    }
    for name in knobs.sampler_order:
        C.llama_sampler_chain_add(chain, samplers[name]())
    for token in history:
        C.llama_sampler_accept(chain, token)
    left = apply(chain, logits)
    C.llama_sampler_free(chain)
    left = left[np.isfinite(left["logit"])]
    weights = np.exp(left["logit"].astype(np.float64) - left["logit"].max())
    return dict(zip(left["id"].tolist(), (weights / weights.sum()).tolist(), strict=True))


def apply(sampler: Any, logits: np.ndarray) -> Candidates:
    candidates = np.empty(len(logits), CANDIDATE)
    candidates["id"], candidates["logit"] = np.arange(len(logits)), logits
    array: Any = C.llama_token_data_array()
    array.data = ctypes.cast(candidates.ctypes.data, C.llama_token_data_p)
    array.size, array.selected, array.sorted = len(candidates), -1, False
    C.llama_sampler_apply(sampler, ctypes.byref(array))
    raw = ctypes.string_at(ctypes.addressof(array.data.contents), array.size * CANDIDATE.itemsize)
    return np.frombuffer(raw, CANDIDATE)


def share(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda value: round(value, 2))


knobs_strategy = st.builds(
    Knobs,
    temperature=share(0, 3),
    dynatemp_range=st.sampled_from([0.0, 0.5, 1.5]),
    dynatemp_exponent=st.sampled_from([0.5, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 5, 40, 1000]),
    top_p=share(0, 1),
    min_p=share(0, 1),
    typical_p=share(0, 1),
    top_n_sigma=st.sampled_from([-1.0, 0.5, 1.0, 3.0]),
    xtc_probability=st.sampled_from([0.0, 1.0]),
    xtc_threshold=share(0, 0.7),
    repeat_penalty=share(0.5, 2),
    repeat_last_n=st.sampled_from([0, 3, 64]),
    presence_penalty=share(-2, 2),
    frequency_penalty=share(-2, 2),
    dry_multiplier=st.sampled_from([0.0, 0.8, 2.0]),
    dry_allowed_length=st.integers(0, 4),
    dry_penalty_last_n=st.sampled_from([0, 5, 64]),
    dry_sequence_breakers=st.just(BREAKERS),
    sampler_order=st.permutations(STAGES).flatmap(
        lambda names: st.integers(0, len(names)).map(lambda count: tuple(names[:count]))
    ),
)
histories = st.lists(st.integers(0, 30), max_size=40)


def scores(seed: int, size: int, spread: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.float32)


def llama_cpp_goes_wrong(knobs: Knobs) -> bool:
    """Where a stage that cuts by -inf runs before one that cannot take it: typical_p makes NaN of it, XTC counts it."""
    masked = False
    for name in order(knobs):
        if masked and name in ("typical_p", "xtc"):
            return True
        masked = (
            masked or name == "top_n_sigma" or (name == "temperature" and knobs.temperature <= knobs.dynatemp_range)
        )
    return False


@settings(max_examples=depth(80, 400))
@given(st.integers(0, 2**32), st.integers(31, VOCABULARY), st.sampled_from([0.3, 2.0, 6.0]), knobs_strategy, histories)
def test_stages_one_by_one_leave_what_the_whole_chain_leaves(
    seed: int, size: int, spread: float, knobs: Knobs, history: list[int]
) -> None:
    assume(not llama_cpp_goes_wrong(knobs))
    logits = scores(seed, size, spread)
    odds = Chain(knobs, make_stage, history).run(logits, history, chance=0.5)
    ours = dict(zip(odds.ids.tolist(), odds.p.tolist(), strict=True))
    theirs = whole(logits, knobs, history)
    assert ours.keys() == theirs.keys()
    assert all(abs(p - theirs[token]) < 1e-4 for token, p in ours.items())


@given(st.integers(0, 2**32), knobs_strategy, histories)
@settings(max_examples=depth(20, 100))
def test_the_trace_is_the_choice(seed: int, knobs: Knobs, history: list[int]) -> None:
    logits = scores(seed, 200, 3.0)
    odds = Chain(knobs, make_stage, history).run(logits, history, chance=0.5)
    token = odds.draw(draw(seed, 0))
    trace = odds.trace(token, str)
    (chosen,) = [each for each in trace.candidates if each.id == token]
    assert trace.p == chosen.p > 0 and chosen.cut is None
    assert sum(each.p for each in trace.candidates) <= 1 + 1e-9
    counts = [stage.survivors for stage in trace.stages]
    assert counts == sorted(counts, reverse=True)
    assert {each.cut for each in trace.candidates} - {None} <= {stage.name for stage in trace.stages}
    assert all((each.p == 0) == (each.cut is not None) for each in trace.candidates if each.p < 1e-30 or each.cut)
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    assert abs(trace.p_raw - weights[token] / weights.sum()) < 1e-5
    assert trace.rank == int((logits > logits[token]).sum())


def run(knobs: Knobs, seed: int, count: int) -> list[Distribution]:
    """A reply over random scores."""
    history: list[int] = []
    chain, seen = Chain(knobs, make_stage, history), []
    for index in range(count):
        odds = chain.run(scores(seed + index, VOCABULARY, 3.0), history, draw(seed, index, stream=1))
        token = odds.draw(draw(seed, index))
        chain.accept(token, odds.p_of(token), odds.untouched(token))
        history.append(token)
        seen.append(odds)
    return seen


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_cuts_as_llama_cpp_does_from_the_same_mu(version: int) -> None:
    """Both begin with mu at twice tau; from then on mu follows the token drawn."""
    knobs = turn(Knobs(), mirostat=version, mirostat_tau=3.0, temperature=1.0)
    logits = scores(5, VOCABULARY, 2.0)
    odds = Chain(knobs, make_stage, []).run(logits, [])
    if version == 1:
        left = apply(C.llama_sampler_init_mirostat(VOCABULARY, 1, 3.0, 0.1, 100), logits)
    else:
        left = apply(C.llama_sampler_init_mirostat_v2(1, 3.0, 0.1), logits)
    assert sorted(odds.ids.tolist()) == sorted(left["id"].tolist())


def test_mirostat_holds_the_surprise() -> None:
    for tau in (2.0, 4.0):
        seen = run(turn(Knobs(), mirostat=2, mirostat_tau=tau, temperature=1.0), 3, 400)
        entropies = [odds.entropy for odds in seen[100:]]
        assert abs(float(np.mean(entropies)) - tau) < 0.6


def test_feedback_follows_llama_cpps_adaptive_p() -> None:
    knobs = turn(Knobs(), adaptive_target=0.3, adaptive_decay=0.9)
    feedback = AdaptiveState.initial(knobs)
    assert abs(feedback.aim(knobs) - 0.3) < 1e-9
    low = feedback.updated(knobs, 0.1, 0.05)
    assert low.aim(knobs) > 0.3  # an unlikely token was chosen: aim higher
    logits = scores(9, 60, 1.0)
    only = turn(knobs, sampler_order=(), temperature=1.0)
    odds = Chain(only, make_stage, []).run(logits, [])
    theirs = apply(C.llama_sampler_init_adaptive_p(0.3, 0.9, 1), logits)
    weights = np.exp(theirs["logit"].astype(np.float64) - theirs["logit"].max())
    expected = dict(zip(theirs["id"].tolist(), (weights / weights.sum()).tolist(), strict=True))
    assert all(abs(p - expected[token]) < 1e-4 for token, p in zip(odds.ids.tolist(), odds.p.tolist(), strict=True))


def test_xtc_acts_as_often_as_its_probability_says() -> None:
    knobs = turn(Knobs(), xtc_probability=0.3, xtc_threshold=0.05, sampler_order=("xtc",))
    seen = run(knobs, 11, 1000)
    acted = sum(any(stage.name == "xtc" for stage in odds.trace(-1, str).stages) for odds in seen)
    assert 250 < acted < 350


def test_a_bias_bans_and_favours() -> None:
    logits = scores(2, VOCABULARY, 1.0)
    banned = Chain(turn(Knobs(), logit_bias=("#7:-100", "A:+50")), make_stage, []).run(logits, [])
    assert banned.p_of(7) == 0.0
    assert banned.p_of(ord("A")) > 0.99


def test_mirostat_takes_the_place_of_the_other_stages() -> None:
    assert order(turn(Knobs(), mirostat=2, logit_bias=("#1:1",))) == ("logit_bias", "temperature", "mirostat")
    assert order(turn(Knobs(), adaptive_target=0.5, sampler_order=("top_k",))) == ("top_k", "adaptive_p")
    assert order(turn(Knobs(), sampler_order=("temperature", "top_k"))) == ("temperature", "top_k")
    assert order(Knobs()) == ("top_k", "top_p", "min_p", "temperature")


def test_draws_depend_on_seed_index_and_stream_alone() -> None:
    shares = [draw(7, index) for index in range(1000)]
    assert shares == [draw(7, index) for index in range(1000)]
    assert len(set(shares)) == 1000 and 0 <= min(shares) < max(shares) < 1
    assert abs(float(np.mean(shares)) - 0.5) < 0.05
    assert draw(7, 0) != draw(8, 0) != draw(7, 1) != draw(7, 0, stream=1)
