"""What is kept of a position answers what-if within 0.001, whatever the logits and the knobs."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tui.engine.backend import Logits
from tui.engine.llama import make_stage
from tui.engine.sampling.chain import Chain
from tui.engine.sampling.distribution import Distribution
from tui.engine.sampling.logit_record import KEPT, LogitRecord
from tui.knobs.table import Knobs, turn

BOUND, NEAR = 0.001, 0.001


def shaped(shape: str, size: int, seed: int) -> Logits:
    """Scores as models give them, and as they do not."""
    random = np.random.default_rng(seed)
    match shape:
        case "sure":
            logits = np.append(random.normal(0, 2, size - 1), 18.0)
        case "flat":
            logits = random.normal(0, 0.1, size)
        case "even":
            logits = np.zeros(size)
        case "long":
            logits = -random.exponential(4, size)
        case "one above many":
            logits = np.append(np.full(size - 1, -9.0), 0.0)
        case "with outcasts":
            logits = np.append(random.normal(0, 2, size - 3), [-np.inf, -np.inf, 9.0])
        case _:
            logits = random.normal(0, 3, size)
    return logits.astype(np.float32)


SHAPES = st.sampled_from(("spread", "sure", "flat", "even", "long", "one above many", "with outcasts"))
TIED = ("even", "one above many")
"""Shapes of which no rule says which of many equals a cut keeps."""
KNOBS = st.builds(
    lambda **values: turn(Knobs(), **values),
    temperature=st.floats(0.1, 5).map(lambda value: round(value, 2)),
    top_k=st.sampled_from((0, 1, 40, 100)),
    top_p=st.floats(0.05, 1).map(lambda value: round(value, 2)),
    min_p=st.sampled_from((0.0, 0.001, 0.05, 0.3)),
    top_n_sigma=st.sampled_from((-1.0, 1.0, 2.5)),
    dynatemp_range=st.sampled_from((0.0, 0.5)),
)
OPEN = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "top_n_sigma": -1.0}


def odds(logits: Logits, knobs: Knobs) -> Distribution:
    return Chain(knobs, make_stage, []).run(logits, [])


def nudged(knobs: Knobs) -> Iterator[Knobs]:
    """The knobs, and those a hair's breadth away in what a cut goes by."""
    yield knobs
    for name in ("top_p", "min_p", "typical_p", "top_n_sigma"):
        for nudge in (-NEAR, -NEAR / 4, -NEAR / 16, NEAR / 16, NEAR / 4, NEAR):
            value = getattr(knobs, name) + nudge
            if 0 <= value <= 1 or (name == "top_n_sigma" and value > 0):
                yield turn(knobs, **{name: value})


@given(SHAPES, st.integers(200, 60_000), st.integers(0, 2**16), KNOBS)
@settings(max_examples=depth(60, 300))
def test_a_what_if_is_within_its_bound(shape: str, size: int, seed: int, knobs: Knobs) -> None:
    knobs = turn(knobs, **OPEN) if shape in TIED else knobs
    logits = shaped(shape, size, seed)
    token = odds(logits, knobs).draw(0.5)
    record = LogitRecord(odds(logits, Knobs()).choice(token, str).record)
    found = odds(record.logits(), knobs)
    truths = (odds(logits, each) for each in nudged(knobs))
    ids = [token, *record.ids[:: KEPT // 8].tolist()]
    assert any(all(abs(true.p_of(each) - found.p_of(each)) <= BOUND for each in ids) for true in truths)
    assert abs(odds(logits, knobs).raw(token) - found.raw(token)) <= BOUND


@given(SHAPES, st.integers(200, 60_000), st.integers(0, 2**16), st.floats(0.1, 3), st.sampled_from((0.2, 0.5, 0.9)))
@settings(max_examples=depth(12, 60), suppress_health_check=[HealthCheck.filter_too_much])
def test_so_it_is_for_typical_p(shape: str, size: int, seed: int, temperature: float, typical_p: float) -> None:
    knobs = turn(Knobs(), **(OPEN | {"temperature": temperature, "typical_p": typical_p}))
    logits = shaped(shape, size, seed)
    assume(shape not in TIED and not _close_call(logits, typical_p))
    token = odds(logits, knobs).draw(0.5)
    real, found = (
        odds(logits, knobs),
        odds(LogitRecord(odds(logits, Knobs()).choice(token, str).record).logits(), knobs),
    )
    assert abs(real.p_of(token) - found.p_of(token)) <= BOUND


def _close_call(logits: Logits, typical_p: float) -> bool:
    """Whether the last token that typical_p keeps is as typical as the first that it cuts, nearly."""
    p = np.exp(logits.astype(np.float64) - logits.max())
    p = np.sort(p[p > 1e-300] / p.sum())[::-1]
    distance = np.abs(-np.log(p) + (p * np.log(p)).sum())
    order = np.argsort(distance)
    kept = np.cumsum(p[order])
    last = min(int(np.searchsorted(kept, typical_p, side="right")), len(order) - 1)
    around = [each for each in range(max(0, last - 4), min(last + 5, len(order))) if each != last]
    edges = kept[max(0, last - 1) : last + 1]
    near = np.abs(distance[order[around]] - distance[order[last]]).min()
    return bool(near < 0.005 or np.abs(edges - typical_p).min() < NEAR)


@given(SHAPES, st.integers(2, KEPT))
def test_a_small_vocabulary_is_kept_whole(shape: str, size: int) -> None:
    logits = shaped(shape, max(size, 4), 3)[:size]
    record = LogitRecord(odds(logits, Knobs()).choice(0, str).record)
    assert record.vocabulary == size
    kept = record.logits()
    finite = np.isfinite(logits) & (logits > logits.max() - 100)
    assert np.allclose(kept[finite], logits[finite], atol=0.05)


def test_a_record_is_small() -> None:
    packed = odds(shaped("spread", 49_152, 1), Knobs()).choice(7, str).record
    assert len(packed) < 2500


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_the_short_way_leaves_out_only_what_does_not_count(temperature: float) -> None:
    logits = shaped("spread", 30_000, 5)
    knobs = turn(Knobs(), temperature=temperature, top_k=0, top_p=1.0, min_p=0.0)
    token = int(logits.argmax())
    real = odds(logits, knobs)
    record = LogitRecord(odds(logits, Knobs()).choice(token, str).record)
    passed = Chain(knobs, make_stage, []).apply(record.candidates(max(1.0, temperature)), [], 0.0, np.asarray([token]))
    weights = np.exp(passed.left["logit"] - passed.left["logit"].max())
    share = float(weights[passed.left["id"] == token].sum() / weights.sum())
    assert abs(share - real.p_of(token)) <= BOUND
