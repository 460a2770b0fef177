from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import KnobError, ModelError
from tui.knobs.lora import STRONGEST, Adapter, beside, parse_adapter
from tui.knobs.table import Knobs, turn
from tui.presets.preset import read_preset


@pytest.mark.parametrize(
    ("entry", "path", "scale"),
    [
        ("/a/style.gguf", "/a/style.gguf", 1),
        ("/a/style.gguf:0.8", "/a/style.gguf", 0.8),
        ("/a/style.gguf:-2", "/a/style.gguf", -2),
        ("/a/style.gguf:+0", "/a/style.gguf", 0),
        ("/a/10:30.gguf", "/a/10:30.gguf", 1),
        ("/a/10:30.gguf:0.5", "/a/10:30.gguf", 0.5),
        ("/a/style.gguf:", "/a/style.gguf:", 1),
    ],
)
def test_an_entry_is_a_path_and_maybe_a_scale(entry: str, path: str, scale: float) -> None:
    assert parse_adapter(entry) == Adapter(Path(path), scale)


@given(scale=st.decimals(-STRONGEST, STRONGEST, places=3))
def test_every_scale_in_range_is_read(scale: float) -> None:
    assert parse_adapter(f"/a.gguf:{scale}").scale == float(scale)


@pytest.mark.parametrize("scale", ["100.1", "-101", "9" * 400])
def test_a_scale_out_of_range_is_refused(scale: str) -> None:
    with pytest.raises(KnobError, match=r"^lora: the scale .* is out of range; it goes from -100 to 100\.$"):
        parse_adapter(f"/a.gguf:{scale}")


def test_a_path_starts_where_the_person_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    assert parse_adapter("style.gguf:2").path == tmp_path / "style.gguf"
    assert parse_adapter("~/style.gguf").path == Path("/home/someone/style.gguf")
    with pytest.raises(ModelError, match="home folder of somebody unknown"):
        parse_adapter("~nobody-of-that-name/style.gguf")


def test_a_path_in_a_modelfile_starts_at_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "styled.Modelfile"
    path.write_text('FROM starter\nPARAMETER lora "style.gguf:0.5"\nPARAMETER lora /elsewhere/b.gguf\n')
    assert read_preset(path).knobs.lora == (f"{tmp_path}/style.gguf:0.5", "/elsewhere/b.gguf")


def test_only_relative_paths_are_moved() -> None:
    knobs = turn(Knobs(), lora=("a.gguf", "../b.gguf:2", "/c.gguf", "~/d.gguf"), temperature=0.5)
    moved = beside(knobs, Path("/presets"))
    assert moved.lora == ("/presets/a.gguf", "/presets/../b.gguf:2", "/c.gguf", "~/d.gguf")
    assert moved.temperature == 0.5
