"""Models of random numbers, through llama.cpp."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.engine.bench import reply
from tui.bench.synthetic import BOS, EOS, SPREAD, TINY, Shape, write_model
from tui.engine.backend import Row
from tui.engine.llama import Llama
from tui.engine.protocol import Event, Finished, Generate
from tui.engine.scheduler import Scheduler
from tui.errors import ModelError
from tui.knobs import Knobs, turn


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Llama]:
    model = Llama(str(write_model(tmp_path / "tiny.gguf", TINY)), Knobs())
    yield model
    model.close()


def test_every_token_is_what_is_said_of_it(tiny: Llama) -> None:
    assert [tiny.label(token) for token in range(16)] == ["<s>", "</s>", "\n", " ", *"abcdefghijk", "aa"]
    assert (tiny.info.vocabulary, tiny.info.context) == (TINY.vocabulary, TINY.context)
    assert tiny.opening() == [BOS]
    assert [token for token in range(16) if tiny.is_end(token)] == [EOS]
    assert [token for token in range(16) if tiny.is_control(token)] == [BOS, EOS]
    assert tiny.tokenize("aaa", special=False) == [15, 4]
    assert tiny.tokenize("a<s>", special=True) == [4, BOS]


@given(st.text("abcdefghijk \n"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_reads_its_alphabet_and_says_it_again(tiny: Llama, text: str) -> None:
    assert b"".join(map(tiny.piece, tiny.tokenize(text, special=False))).decode() == text


def test_its_odds_are_far_from_flat_and_hang_on_what_was_said(tiny: Llama) -> None:
    tokens = [BOS, *np.random.default_rng(0).integers(2, 16, 99).tolist()]
    logits = np.stack(tiny.decode([Row(token, i, 0, True) for i, token in enumerate(tokens)]).logits)
    assert logits.std() == pytest.approx(SPREAD, rel=0.3)
    after = [logits[i] for i in range(100) if tokens[i] == 7]
    assert len(after) > 2
    assert all(np.abs(each - after[0]).max() > 0.1 for each in after[1:])


def test_it_writes_replies(tiny: Llama) -> None:
    events: list[Event] = []
    scheduler = Scheduler(tiny, events.append)
    scheduler.generate(Generate((reply("a", turn(Knobs(), seed=1, num_predict=20), "abc"),)))
    while scheduler.busy:
        scheduler.step()
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished.stats.prompt_tokens == len("<abc\n")
    assert b"".join(map(tiny.piece, finished.tokens)).decode() == finished.text != ""


def test_equal_shapes_make_equal_files_and_other_seeds_others(tmp_path: Path) -> None:
    first, again, other = (
        write_model(tmp_path / name, replace(TINY, seed=seed)).read_bytes()
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )
    assert first == again != other


def test_a_larger_one_has_a_token_for_every_byte_and_takes_quantized_weights(tmp_path: Path) -> None:
    shape = Shape(vocabulary=700, width=64, layers=1, heads=2, context=64, weights="q8_0")
    model = Llama(str(write_model(tmp_path / "larger.gguf", shape)), Knobs())
    text = "Żółw, 日本\x00\x7f and the\u00adrest: 100 %"
    assert b"".join(map(model.piece, model.tokenize(text, special=False))).decode() == text
    (logits,) = model.decode([Row(BOS, 0, 0, True)]).logits
    assert logits.std() == pytest.approx(SPREAD, rel=0.2)
    assert "Q8_0" in model.info.description
    model.close()


def test_without_gguf_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelError, match=r'package gguf; `pip install "twiddle\[bench\]"` brings it'):
        write_model(tmp_path / "none.gguf", TINY)
