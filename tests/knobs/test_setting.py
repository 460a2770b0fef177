"""A setting in one line of text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import KnobError, SettingError
from tui.knobs.setting import Setting, is_override, parse_setting


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("precise", Setting("precise")),
        ("precise,temperature=0.2", Setting("precise", (("temperature", 0.2),))),
        ("top-k=3, seed = 7", Setting(None, (("top_k", 3), ("seed", 7)))),
        ("./a b.gguf,top_p=1", Setting("./a b.gguf", (("top_p", 1.0),))),
        ("stop=a=b", Setting(None, (("stop", ("a=b",)),))),
        ("seed=random", Setting(None, (("seed", -1),))),
    ],
)
def test_read(text: str, setting: Setting) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize("text", ["", ",", "precise,", "precise,wild", "temperature=1,wild", "precise,,seed=1"])
def test_what_is_no_setting(text: str) -> None:
    with pytest.raises(SettingError, match="is not knob=value, such as temperature=0.2."):
        parse_setting(text)


@pytest.mark.parametrize("text", ["tempo=1", "precise,top_p=2", "top_k=x", "seed="])
def test_a_knob_that_is_none_or_cannot_take_the_value(text: str) -> None:
    with pytest.raises(KnobError):
        parse_setting(text)


def test_printed_as_it_is_typed() -> None:
    assert str(Setting()) == "default"
    assert str(parse_setting("temperature=0.20,top-k=5")) == "temperature=0.2,top_k=5"
    assert str(parse_setting("precise , stop=###")) == "precise,stop=###"


@given(st.none() | st.sampled_from(["precise", "a.gguf"]), st.integers(0, 200), st.integers(0, 10**6))
def test_what_is_printed_reads_back(preset: str | None, hundredths: int, seed: int) -> None:
    setting = Setting(preset, (("temperature", hundredths / 100), ("seed", seed)))
    assert parse_setting(str(setting)) == setting


@pytest.mark.parametrize(("text", "yes"), [("top_k=1", True), (" x-y =", True), ("precise", False), ("=1", False)])
def test_what_reads_as_an_override(text: str, yes: bool) -> None:
    assert is_override(text) is yes


def test_a_list_is_written_entry_by_entry() -> None:
    setting = parse_setting("stop=A,stop=B, b,temperature=1,choices=x")
    assert setting.overrides == (("stop", ("A", "B, b")), ("temperature", 1.0), ("choices", ("x",)))
    assert parse_setting(str(setting)) == setting
    order = parse_setting("sampler_order=top_k;min_p")
    assert parse_setting(str(order)) == order


def test_a_text_may_hold_commas() -> None:
    (override,) = parse_setting('schema={"a":1,"b":2}').overrides
    assert override == ("schema", '{"a":1,"b":2}')


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(
    [
        "starter",
        "hf.co/U/R:Q8_0",
        "ollama:hf.co/u/r:Q4",
        "/m/my model,v=1+2.gguf",
        'say "hi".gguf',
        "a=b",
        " x ",
        '"',
        "+",
    ]
)


@given(st.none() | NAMES, st.just("") | NAMES, st.lists(st.sampled_from(["A", "+", 'x"y'])), st.integers(0, 9))
def test_any_model_and_any_preset_read_back(preset: str | None, model: str, stops: list[str], seed: int) -> None:
    overrides = (("seed", seed), *((("stop", tuple(stops)),) if stops else ()))
    for setting in (Setting(preset, overrides, model), Setting(preset or "precise", (), model)):
        assert parse_setting(str(setting), lambda reference: False) == setting


@pytest.mark.parametrize(
    ("text", "model", "preset"),
    [
        ("my.gguf+precise", "my.gguf", "precise"),
        ("hf.co/U/R:Q8_0 + precise , seed=1", "hf.co/U/R:Q8_0", "precise"),
        ("llama3.2:latest+precise", "llama3.2:latest", "precise"),
        ("my.gguf+", "my.gguf", None),
        ("my.gguf+,seed=1", "my.gguf", None),
        ("+precise", "", "precise"),
        ('"a+b,c=1.gguf"+"x,y"', "a+b,c=1.gguf", "x,y"),
        ('"say ""hi"".gguf"+wild', 'say "hi".gguf', "wild"),
        (
            "https://huggingface.co/U/R/blob/main/F.gguf+precise",
            "https://huggingface.co/U/R/blob/main/F.gguf",
            "precise",
        ),
    ],
)
def test_a_setting_names_a_model_and_a_preset(text: str, model: str, preset: str | None) -> None:
    setting = parse_setting(text)
    assert (setting.model, setting.preset) == (model, preset)


@pytest.mark.parametrize("name", ["my model,v=1.gguf", "a+b.gguf", "x=1.gguf", "a,temperature=2.gguf", 'say "hi".gguf'])
def test_a_path_that_exists_needs_no_quotes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    for path in (name, f"./{name}", str(tmp_path / name)):
        assert parse_setting(path) == Setting(path)
        assert parse_setting(f"{path},seed=1") == Setting(path, (("seed", 1),))
        assert parse_setting(f"{path}+precise,stop=a+b") == Setting("precise", (("stop", ("a+b",)),), path)
        assert parse_setting(str(Setting("precise", (), path))) == Setting("precise", (), path)


def test_two_presets_are_no_setting() -> None:
    with pytest.raises(SettingError, match=r"'\+wild' is not knob=value"):
        parse_setting("my.gguf+precise+wild")
