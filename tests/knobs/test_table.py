"""The table of knobs, and the arithmetic of turning one."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import KnobError
from tui.knobs.knob import Knob
from tui.knobs.table import KNOBS, STAGES, Knobs, knob, turn, with_seed
from tui.presets.preset import compose

NUMBERS = [row for row in KNOBS.values() if row.kind in (int, float)]
by_name = pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
any_knob = st.sampled_from(NUMBERS)


def test_the_defaults_are_llama_cpps() -> None:
    knobs = Knobs()
    assert (knobs.temperature, knobs.top_k, knobs.top_p, knobs.min_p) == (0.8, 40, 0.95, 0.05)
    assert (knobs.repeat_penalty, knobs.repeat_last_n) == (1.0, 64)
    assert (knobs.presence_penalty, knobs.frequency_penalty) == (0.0, 0.0)


def test_every_field_has_a_row() -> None:
    assert sorted(KNOBS) == sorted(Knobs.__struct_fields__)
    for name, row in KNOBS.items():
        assert row.name == name
        assert row.default == getattr(Knobs(), name)
        assert row.help.endswith(".")
        assert row.stage is None or row.stage in (*STAGES, "logit_bias", "mirostat", "adaptive_p")


@by_name
def test_a_row_is_consistent(row: Knob) -> None:
    low, high = row.slider
    assert row.low <= low < high <= row.high
    assert row.check(row.default) == row.default
    assert row.neutral is None or row.check(row.neutral) == row.neutral
    for value, word in row.words.items():
        assert row.parse(word) == row.check(value) == value
        assert row.show(value) == word


@by_name
def test_c10_g46_its_ends_are_in_and_what_lies_past_them_is_out(row: Knob) -> None:
    assert row.check(row.kind(row.low)) == row.low
    assert row.check(row.kind(row.high)) == row.high
    for outside in (row.kind(row.low) - 1, row.kind(row.high) + 1):
        with pytest.raises(KnobError, match=f"{row.name}: .* is out of range; it goes from"):
            row.check(outside)


@pytest.mark.parametrize(("name", "text"), [("temperature", "nan"), ("temperature", "inf"), ("top_p", "1.01")])
def test_c10_no_number_without_an_end_or_out_of_range(name: str, text: str) -> None:
    with pytest.raises(KnobError, match="out of range"):
        knob(name).parse(text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temperature", "hot", "temperature: 'hot' is not a number; it goes from 0 to 5."),
        ("top_k", "4.5", "top_k: '4.5' is not a whole number; it goes from 0 to 500000."),
        ("top_k", "", "top_k: '' is not a whole number"),
        ("seed", "4294967296", "seed: 4294967296 is out of range; it goes from -1 to 4294967295."),
        ("stop", "", "stop: an empty text is no entry; leave it out."),
    ],
)
def test_c10_what_cannot_be_read_is_said(name: str, text: str, said: str) -> None:
    with pytest.raises(KnobError) as caught:
        knob(name).parse(text)
    assert said in str(caught.value)


def test_values_are_read_in_the_knobs_own_type() -> None:
    assert knob("temperature").parse(" 1 ") == 1.0
    assert isinstance(knob("temperature").parse("1"), float)
    assert knob("top_k").parse("OFF") == 0
    assert knob("seed").parse("random") == -1
    assert knob("stop").parse("###") == ("###",)


def test_an_unknown_knob_is_named_with_the_nearest() -> None:
    with pytest.raises(KnobError, match="There is no knob 'temprature'. Did you mean temperature?"):
        turn(Knobs(), temprature=1)


def test_knobs_cannot_be_made_out_of_range() -> None:
    with pytest.raises(KnobError):
        Knobs(top_p=2)
    with pytest.raises(KnobError):
        turn(Knobs(), min_p=-0.1)


def test_differing_names_the_turned_knobs_in_table_order() -> None:
    assert turn(Knobs(), seed=5, temperature=0.1).differing(Knobs()) == ("temperature", "seed")
    assert Knobs().differing(Knobs()) == ()


def test_c11_a_seed_is_drawn_only_where_none_is_set() -> None:
    assert with_seed(Knobs()).seed >= 0
    assert with_seed(Knobs(seed=7)).seed == 7


@given(any_knob, st.data())
def test_a_step_stays_in_range_and_goes_the_right_way(row: Knob, data: st.DataObject) -> None:
    value = row.at(data.draw(st.floats(0, 1)))
    steps = data.draw(st.integers(-50, 50))
    assert isinstance(value, int | float)
    moved = row.move(value, steps, coarse=data.draw(st.booleans()))
    assert isinstance(moved, int | float)
    assert type(moved) is row.kind
    assert row.check(moved) == moved
    assert steps == 0 or moved == value or (moved > value) == (steps > 0)
    assert steps == 0 or moved != value or value in (row.low, row.high)


@given(any_knob, st.floats(-0.5, 1.5))
def test_a_place_on_the_slider_is_a_value_that_stands_there(row: Knob, share: float) -> None:
    value = row.at(share)
    assert isinstance(value, int | float)
    assert row.check(value) == value
    low, high = row.slider
    assert low <= value <= high
    assert row.at(row.share(value)) == value


@by_name
def test_the_ends_of_the_slider(row: Knob) -> None:
    low, high = row.slider
    assert (row.share(low), row.share(high)) == (0, 1)
    assert (row.share(low - 1), row.share(high + 1)) == (0, 1)
    assert (row.at(0), row.at(1)) == (low, high)
    assert math.isfinite(row.share(row.kind(row.default)))


def test_a_list_of_words_is_typed_with_semicolons_and_checked() -> None:
    order = KNOBS["sampler_order"]
    assert order.parse("top_k; temperature") == ("top_k", "temperature")
    assert order.show(("top_k", "temperature")) == "top_k;temperature"
    with pytest.raises(KnobError, match=r"there is no 'topk'. Did you mean top_k\?"):
        order.parse("topk")
    with pytest.raises(KnobError, match="given twice"):
        order.parse("top_k;top_k")
    with pytest.raises(KnobError, match="is not written like"):
        KNOBS["logit_bias"].parse("Paris")
    assert KNOBS["logit_bias"].parse(" Paris:-100") == (" Paris:-100",)


def test_the_documentation_says_how_an_order_is_separated() -> None:
    order = KNOBS["sampler_order"]
    assert order.parse("top_k;top_p") == ("top_k", "top_p")
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith("| `sampler_order` |"))
    assert "separated by semicolons" in row and "repeat the line" not in row
    preset = compose("FROM starter\nPARAMETER sampler_order top_k;top_p\n", Path("x.Modelfile"))
    assert preset.knobs.sampler_order == ("top_k", "top_p")
