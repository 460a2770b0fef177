"""Preset library: lookup, precedence, and resolved settings."""

from pathlib import Path

import pytest

from tui.errors import KnobError, PresetError
from tui.knobs.setting import Setting, parse_setting
from tui.knobs.table import Knobs, turn
from tui.paths import shipped
from tui.presets.library import BrokenPreset, find_preset, list_presets, read_setting, reload, resolve
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


# --- the model of a setting -----------------------------------------------------------------------------------------


def model(path: Path) -> Path:
    path.write_bytes(b"GGUF\3\0\0\0")
    return path


@pytest.mark.parametrize("preset", SHIPPED)
def test_a_shipped_preset_is_for_whichever_model_is_in_use(preset: str, tmp_path: Path) -> None:
    mine = str(model(tmp_path / "my model,v=1.GGUF"))
    assert resolve(Setting(preset)).preset.model == "starter"
    for chosen in (
        resolve(Setting(preset), mine), resolve(Setting(preset, model=mine)), resolve(read_setting(f"{mine}+{preset}"))
    ):  # fmt: skip
        assert chosen.preset == find_preset(preset, mine)
        assert (chosen.preset.any_model, chosen.preset.model) == (True, mine)


def test_the_default_preset_has_no_system_prompt() -> None:
    assert find_preset("default").opening == ()


def test_a_preset_that_names_its_model_keeps_it(own: Path, tmp_path: Path) -> None:
    (own / "mine.Modelfile").write_text("FROM ollama:sea\nPARAMETER top_k 3\n")
    chosen = resolve(Setting("mine"), "other.gguf")
    assert (chosen.preset.model, chosen.preset.any_model, chosen.preset.notes) == ("ollama:sea", False, ())
    asked = resolve(Setting("mine", model=str(model(tmp_path / "a.gguf")))).preset
    assert (asked.model, asked.knobs.top_k) == (str(tmp_path / "a.gguf"), 3)
    assert asked.notes == (f"FROM ollama:sea is not used: the model is {tmp_path / 'a.gguf'}.",)


@pytest.mark.parametrize(
    ("word", "used"),
    [
        ("hf.co/U/R:Q8_0", "hf.co/U/R:Q8_0"),
        ("https://huggingface.co/U/R/blob/main/F-Q8_0.gguf", "hf.co/U/R:F-Q8_0.gguf"),
        ("https://huggingface.co/U/R/resolve/main/F.gguf?download=true", "hf.co/U/R:F.gguf"),
        ("https://huggingface.co/U/R/tree/main", "hf.co/U/R"),
        ("https://huggingface.co/U/R/", "hf.co/U/R"),
        ("U/R", "hf.co/U/R"),
        ("U/R:Q8_0", "hf.co/U/R:Q8_0"),
        ("U/R:latest", "hf.co/U/R"),
        ("ollama:llama3.2", "ollama:llama3.2"),
        ("https://ollama.com/library/llama3.2:3b", "ollama:llama3.2:3b"),
        ("starter", "starter"),
        ("starter:latest", "starter"),
        ("nowhere.gguf", "nowhere.gguf"),
    ],
)
def test_a_word_that_is_no_preset_is_a_model(word: str, used: str) -> None:
    chosen = resolve(read_setting(f"{word},seed=1"))
    assert (chosen.preset.name, chosen.preset.model, chosen.knobs.seed) == ("default", used, 1)
    assert resolve(read_setting(f"{word}+precise")).preset == find_preset("precise", used)


def test_a_file_is_a_model_by_any_way_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = model(tmp_path / "my model+v=1.gguf")
    for word in (
        "my model+v=1.gguf",
        f"./{path.name}",
        f"~/{path.name}",
        str(path),
        f"file://{tmp_path}/my%20model+v=1.gguf",
    ):
        assert resolve(read_setting(word)).preset == find_preset("default", str(path)), word


def test_a_preset_of_a_model_is_refused_in_the_place_of_the_preset(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="is a model and not a Modelfile"):
        resolve(Setting(str(model(tmp_path / "b.gguf")), model="a.gguf"))


def test_a_preset_read_again_keeps_the_model_in_use(own: Path) -> None:
    path = own / "mine.Modelfile"
    path.write_text("PARAMETER top_k 3\n")
    mine = find_preset("mine", "/models/sea.gguf")
    path.write_text("PARAMETER top_k 30\n")
    assert (reload(mine).model, reload(mine).knobs.top_k) == ("/models/sea.gguf", 30)
