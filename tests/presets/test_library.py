"""Preset library: lookup, precedence, and resolved settings."""

from pathlib import Path

import pytest

from tui.errors import KnobError, PresetError
from tui.knobs.setting import Setting, parse_setting
from tui.knobs.table import Knobs, turn
from tui.paths import shipped
from tui.presets.library import BrokenPreset, find_preset, list_presets, resolve
from tui.presets.preset import Preset

SHIPPED = sorted(path.name.removesuffix(".Modelfile") for path in shipped("Modelfiles").glob("*.Modelfile"))


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder of presets, empty."""
    monkeypatch.setattr("tui.paths.config_dir", lambda: tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config" / "Modelfiles"
    folder.mkdir(parents=True)
    return folder


def test_every_shipped_preset_is_whole() -> None:
    presets = list_presets()
    assert [preset.name for preset in presets] == SHIPPED
    assert len(presets) >= 9
    for preset in presets:
        assert isinstance(preset, Preset), preset
        assert preset.description
        assert (preset.any_model, preset.model) == (True, "")
        assert preset.notes == ()


def test_the_default_preset_turns_nothing() -> None:
    assert find_preset("default").knobs == Knobs()


def test_the_persons_own_stand_before_the_shipped(own: Path) -> None:
    (own / "precise.Modelfile").write_text("FROM x\nPARAMETER top_k 3\n")
    (own / "odd.Modelfile").write_text("FORM x\n")
    presets = {preset.name: preset for preset in list_presets()}
    assert sorted(presets) == sorted([*SHIPPED, "odd"])
    assert isinstance(presets["precise"], Preset)
    assert presets["precise"].turned == (("top_k", 3),)
    broken = presets["odd"]
    assert isinstance(broken, BrokenPreset)
    assert "Did you mean FROM?" in broken.reason
    with pytest.raises(PresetError, match="odd.Modelfile, line 1, column 1"):
        find_preset("odd")


def test_a_path_names_a_modelfile_or_a_model(tmp_path: Path) -> None:
    (tmp_path / "Modelfile").write_text("FROM x\nSYSTEM hi\n")
    for reference in ("Modelfile", "./Modelfile", str(tmp_path / "Modelfile")):
        assert find_preset(reference).system == "hi"


def test_a_name_in_the_library_is_not_taken_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "precise").mkdir()
    assert find_preset("precise").path == shipped("Modelfiles") / "precise.Modelfile"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("precice", "There is no preset and no model 'precice'. Did you mean precise? `twiddle presets list`"),
        ("no-such-thing-at-all", "`twiddle presets list`"),
        ("x" * 300, "There is no preset and no model"),
        ("", "is a folder"),
        ("./precise", "There is no file"),
        ("nope.gguf", "There is no file"),
        ("~nobody-of-that-name/x", "somebody unknown"),
    ],
)
def test_what_is_unknown_is_said(reference: str, said: str) -> None:
    with pytest.raises(PresetError) as caught:
        find_preset(reference)
    assert said in str(caught.value)


def test_a_setting_puts_its_overrides_on_top() -> None:
    setting = parse_setting("precise,temperature=1.5,stop=###")
    chosen = resolve(setting)
    assert chosen.setting is setting
    assert chosen.preset == find_preset("precise", "starter")
    assert chosen.knobs == turn(chosen.preset.knobs, temperature=1.5, stop=("###",))


def test_no_preset_is_the_default_one() -> None:
    assert resolve(Setting()).preset.name == "default"


def test_an_override_out_of_range_is_refused() -> None:
    with pytest.raises(KnobError, match="top_p: 7"):
        resolve(Setting("default", (("top_p", 7.0),)))
