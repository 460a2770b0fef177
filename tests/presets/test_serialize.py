"""Serialized presets read back equal, whatever their texts."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.conversation.conversation import Message
from tui.errors import PresetError
from tui.knobs.knob import Knob, Value
from tui.knobs.table import KNOBS, STAGES
from tui.presets.modelfile import ROLES, ModelfileError, parse_modelfile
from tui.presets.preset import Preset, to_preset
from tui.presets.serialize import instruction, write_preset

CASES_FILE = Path(__file__).parents[2].parent / "shared" / "cases" / "modelfile.json"
CASES: list[dict[str, Any]] = json.loads(CASES_FILE.read_text()) if CASES_FILE.is_file() else []


def read(text: str | bytes) -> Preset:
    return to_preset(parse_modelfile(text), name="sea")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "SYSTEM plain"),
        ("", 'SYSTEM ""'),
        (' "in" and "out"', 'SYSTEM " "in" and "out""'),
        ('"Ahoy" she said', 'SYSTEM ""Ahoy" she said"'),
        ('"Ahoy"', 'SYSTEM ""Ahoy""'),
        ("\tedge ", 'SYSTEM "\tedge "'),
        ("one\ntwo", 'SYSTEM "one\ntwo"'),
        ('a "b"\nc', 'SYSTEM """a "b"\nc"""'),
        ('"', 'SYSTEM """""""'),
        ("a # b", "SYSTEM a # b"),
        ("x\r\ny", 'SYSTEM "x\r\ny"'),
    ],
)
def test_a_text_is_quoted_when_it_must_be(text: str, written: str) -> None:
    assert instruction("SYSTEM", text) == written
    assert read(f"FROM x\n{written}\n").system == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a"""\nb', 'no line of a longer text may end with """'),
        ("a\u0007b", "it drops control characters, such as U+0007"),
    ],
)
def test_what_a_modelfile_cannot_say_is_refused(text: str, said: str) -> None:
    with pytest.raises(PresetError) as caught:
        instruction("SYSTEM", text)
    assert str(caught.value).startswith("SYSTEM 'a") and said in str(caught.value)


def test_a_preset_is_written_in_order() -> None:
    preset = Preset(
        name="sea", model="./sea.gguf", description=("Salty. " * 20).strip(),
        system="Be a\npilot.", template="{{ .Prompt }}",
        messages=(Message("user", " Depth?"), Message("assistant", "Nine.")),
        turned=(("temperature", 1.0), ("stop", ("A", "B ")), ("use_mmap", 0), ("choices", ())),
    )  # fmt: skip
    text = write_preset(preset)
    assert text.count("\n# ") == 1
    assert text.split("\n", 2)[2] == (
        "FROM ./sea.gguf\nPARAMETER temperature 1\nPARAMETER stop A\nPARAMETER stop \"B \"\nPARAMETER use_mmap false\n"
        'PARAMETER choices ""\nSYSTEM "Be a\npilot."\nTEMPLATE {{ .Prompt }}\nMESSAGE user " Depth?"\n'
        "MESSAGE assistant Nine.\n"
    )  # fmt: skip
    assert replace(read(text), description=preset.description, notes=()) == preset


@pytest.mark.skipif(not CASES, reason="the shared cases are not here")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_whatever_ollama_reads_is_written_back(case: dict[str, Any]) -> None:
    source = base64.b64decode(case["bytes_b64"]) if "bytes_b64" in case else case["text"]
    try:
        preset = replace(read(source), notes=())
    except ModelfileError:
        return
    assert replace(read(write_preset(preset)), notes=()) == preset


texts = st.text(st.sampled_from('ab "#:{}\t\n\r🙂é\\') | st.characters(codec="utf-8", exclude_categories=["C", "Z"]))
descriptions = texts.map(lambda text: " ".join(text.split()).lstrip("# "))


@st.composite
def values(draw: st.DrawFn, row: Knob) -> Value:
    if row.name == "sampler_order":
        return tuple(draw(st.lists(st.sampled_from(STAGES), unique=True)))
    if row.kind is tuple:
        entries = st.from_regex(row.form, fullmatch=True) if row.form else texts
        return tuple(draw(st.lists(entries.filter(bool), max_size=3)))
    if row.kind is str:
        return draw(st.sampled_from(row.choices) if row.choices else texts)
    if row.kind is int:
        return draw(st.integers(int(row.low), int(row.high)))
    return draw(st.floats(row.low, row.high))


@st.composite
def presets(draw: st.DrawFn) -> Preset:
    turned = draw(st.lists(st.sampled_from(sorted(KNOBS)), unique=True, max_size=6))
    spoken = draw(st.lists(st.builds(Message, st.sampled_from(ROLES), texts.filter(bool)), max_size=4))
    return Preset(
        name="sea",
        description=draw(descriptions),
        model=draw(texts.filter(bool)),
        system=draw(texts),
        template=draw(st.none() | texts.filter(bool)),
        messages=tuple(spoken),
        turned=tuple((name, draw(values(KNOBS[name]))) for name in turned),
    )


@given(presets())
def test_writing_then_reading_is_the_identity(preset: Preset) -> None:
    try:
        text = write_preset(preset)
    except PresetError as error:
        assert "cannot be written in a Modelfile" in str(error)
        return
    found = replace(read(text), notes=())
    assert found == preset
    assert read(text.replace("\n", "\r\n") if "\r" not in text and '"' not in text else text).knobs == preset.knobs


@given(presets(), presets())
def test_upon_a_base_only_the_difference_is_written(preset: Preset, base: Preset) -> None:
    preset = replace(preset, model=base.model, turned=(*dict((*base.turned, *preset.turned)).items(),))
    try:
        text = write_preset(preset, replace(base, name="tide"))
    except PresetError:
        return
    found = to_preset(parse_modelfile(text), name="sea", base=base)
    assert dict(found.turned) == dict(preset.turned)
    assert replace(found, inherited=(), notes=(), turned=preset.turned) == preset


def test_nothing_is_said_twice() -> None:
    base = Preset(name="tide", system="Be brief.", turned=(("top_k", 7), ("stop", ("A",))))
    preset = replace(base, name="sea", turned=(("top_k", 9), ("stop", ())))
    assert write_preset(preset, base) == 'FROM tide\nPARAMETER top_k 9\nPARAMETER stop ""\n'
