"""What Ollama keeps with a model, as part of a preset."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.gguf import string, tiny
from tests.ollama_store import LIBRARY, blob, keep
from tui.conversation.conversation import Message
from tui.presets.library import find_preset, reload
from tui.presets.preset import Preset, stored_preset

TURNS = "{{ range .Messages }}<{{ .Role }}>{{ .Content }}</s>{{ end }}<assistant>"
WITH_TEMPLATE = tiny(("tokenizer.chat_template", string("{{ messages }}")))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


def stored(reference: str = "ollama:pirate") -> Preset:
    found = stored_preset(reference)
    assert found
    return found


def read(folder: Path, text: str) -> Preset:
    path = folder / "mine.Modelfile"
    path.write_text(text)
    return find_preset(str(path))


def test_everything_that_ollama_keeps_is_used(store: Path, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "Arr."}]
    parameters = {"temperature": 0.25, "stop": ["</s>", "###"], "num_ctx": 4096, "use_mmap": False}
    parts = {"system": "Talk like a pirate.", "template": TURNS, "params": parameters, "messages": messages}
    file = keep(store, parts=parts)
    preset = read(tmp_path, "FROM ollama:pirate\nPARAMETER top_k 5\nPARAMETER temperature 0.5\n")
    assert preset.find_model() == file
    assert (preset.system, preset.template) == ("Talk like a pirate.", TURNS)
    assert preset.messages == (Message("user", "Who are you?"), Message("assistant", "Arr."))
    assert preset.knobs.stop == ("</s>", "###")
    assert (preset.knobs.temperature, preset.knobs.top_k, preset.knobs.num_ctx, preset.knobs.use_mmap) == (
        0.5, 5, 4096, 0,
    )  # fmt: skip
    sources = {what: preset.source(what) for what in ("model", "system", "template", "messages", "stop", "temperature")}
    ours, theirs = "mine", "ollama:pirate"
    assert sources == {"model": ours, "system": theirs, "template": theirs, "messages": theirs, "stop": theirs,
                       "temperature": ours}  # fmt: skip
    assert preset.notes == ()


def test_the_persons_own_parts_win_and_empty_ones_clear(store: Path, tmp_path: Path) -> None:
    keep(store, parts={"system": "Old.", "template": TURNS, "params": {"stop": ["a"]}, "messages": []})
    preset = read(tmp_path, 'FROM ollama:pirate\nSYSTEM New.\nTEMPLATE ""\nPARAMETER stop b\n')
    assert (preset.system, preset.template, preset.knobs.stop) == ("New.", None, ("b",))
    assert preset.source("system") == "mine"


def test_a_preset_based_on_a_preset_on_ollamas_names_the_source(store: Path, tmp_path: Path) -> None:
    keep(store, parts={"system": "Arr."})
    (tmp_path / "base.Modelfile").write_text("FROM ollama:pirate\n")
    preset = read(tmp_path, "FROM ./base.Modelfile\n")
    assert (preset.system, preset.source("system"), preset.model) == ("Arr.", "ollama:pirate", "ollama:pirate")


def test_an_adapter_is_the_knob_lora(store: Path) -> None:
    keep(store, parts=[("adapter", b"GGUF-one")])
    assert stored().knobs.lora == (str(store / "blobs" / blob(store, b"GGUF-one").replace(":", "-")),)


@pytest.mark.parametrize(
    ("name", "value", "knob", "taken"),
    [
        ("num_ctx", 1.048576e06, "num_ctx", 1048576),
        ("num_predict", -2, "num_predict", -1),
        ("seed", 42, "seed", 42),
        ("temperature", 1, "temperature", 1.0),
        ("min_p", 0.05, "min_p", 0.05),
        ("repeat_penalty", 1.1, "repeat_penalty", 1.1),
        ("use_mmap", True, "use_mmap", 1),
        ("stop", ["\nUser:", "<|eot|>"], "stop", ("\nUser:", "<|eot|>")),
        ("stop", "one", "stop", ("one",)),
        ("mirostat", 2, "mirostat", 2),
    ],
)
def test_parameters_are_typed(store: Path, name: str, value: Any, knob: str, taken: Any) -> None:
    keep(store, parts={"params": {name: value}})
    assert getattr(stored().knobs, knob) == taken


@pytest.mark.parametrize(
    ("parts", "about", "said"),
    [
        ({"params": {"top_k": "many"}}, {}, "PARAMETER top_k many is not used: top_k takes a whole number"),
        ({"params": {"temperature": 9000}}, {}, "PARAMETER temperature 9000 is not used: temperature"),
        ({"params": {"temperature": None}}, {}, "PARAMETER temperature None is not used"),
        ({"params": {"top_p": {"a": 1}}}, {}, "is not used: top_p takes a number"),
        ({"params": {"num_gqa": 8}}, {}, "PARAMETER num_gqa is not used: there is no knob for it."),
        ({"params": {"draft_num_predict": 4}}, {}, "PARAMETER draft_num_predict is not used: there is no knob for it."),
        ({"params": "{"}, {}, "The params that Ollama keeps cannot be read: Input data was truncated."),
        ({"params": [1]}, {}, "The params that Ollama keeps cannot be read"),
        ({"messages": {"a": 1}}, {}, "The messages that Ollama keeps cannot be read"),
        ({"messages": [{"role": "tool", "content": "4"}]}, {}, "MESSAGE tool: only text of system, user, assistant"),
        ({"messages": [{"role": "user", "content": "?", "images": ["x"]}]}, {}, "MESSAGE user: only text"),
        ({"projector": b"GGUF"}, {}, "The projector, for pictures and sound, is not loaded: only text is sent."),
        ({"draft": b"GGUF"}, {}, "The draft model is not loaded."),
        ({"embed": b"x"}, {}, "The embeddings have no effect, nor have they in Ollama."),
        ({"novelty": b"x"}, {}, "The novelty that Ollama keeps is not used."),
        ({"license": "MIT License\n\nmore"}, {}, "LICENSE MIT License"),
        ({"template": "{{ if }}"}, {}, "TEMPLATE is not used: "),
        (
            {"template": "{{ .Prompt }}"},
            {},
            "TEMPLATE {{ .Prompt }} marks no turns; here the chat template in the file",
        ),
        ({"template": TURNS}, {"renderer": "qwen3-vl"}, "by its built-in renderer 'qwen3-vl'; here the chat template"),
        ({}, {"parser": "harmony"}, "Ollama reads the replies by its built-in parser 'harmony', which is not here."),
        ({}, {"requires": "0.14.0"}, "The model is said to need Ollama 0.14.0 or newer."),
    ],
)
def test_what_is_not_used_is_said(store: Path, tmp_path: Path, parts: Any, about: Any, said: str) -> None:
    keep(store, parts=parts, about=about, model=WITH_TEMPLATE)
    preset = read(tmp_path, "FROM ollama:pirate\n")
    assert len(preset.notes) == 1
    assert preset.notes[0].startswith("In ollama:pirate: ")
    assert said in preset.notes[0]
    assert preset.template is None
    preset.find_model()


def test_a_renderers_template_is_used_where_the_file_has_none(store: Path) -> None:
    keep(store, parts={"template": TURNS}, about={"renderer": "qwen3-vl"})
    assert stored().template == TURNS


def test_a_part_that_is_gone_costs_that_part(store: Path) -> None:
    keep(store, parts={"system": "Arr.", "params": {"top_k": 3}})
    (store / "blobs" / blob(store, "Arr.").replace(":", "-")).unlink()
    preset = stored()
    assert (preset.system, preset.knobs.top_k) == ("", 3)
    assert preset.notes[0].startswith("The system that Ollama keeps in ")


def test_a_model_that_is_not_there_is_said_where_it_is_looked_for(tmp_path: Path) -> None:
    preset = read(tmp_path, "FROM ollama:gone\nPARAMETER top_k 5\n")
    assert (preset.model, preset.knobs.top_k) == ("ollama:gone", 5)


def test_a_pull_in_ollama_changes_the_preset(store: Path, tmp_path: Path) -> None:
    keep(store, parts={"system": "Old."})
    preset = read(tmp_path, "FROM ollama:pirate\n")
    keep(store, parts={"system": "New, and longer.", "params": {"top_k": 3}})
    assert (reload(preset).system, reload(preset).knobs.top_k) == ("New, and longer.", 3)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
        st.lists,
    ),
    st.sampled_from(["temperature", "stop", "top_k", "num_ctx", "use_mmap", "mirostat", "lora", "x", "model", ""]),
)
@settings(max_examples=depth(50, 500), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_parameters_a_store_has_the_preset_is_read(store: Path, value: Any, name: str) -> None:
    keep(store, f"{LIBRARY}/odd/latest", parts={"params": json.dumps({name: value, "top_p": 0.5})})
    assert stored("ollama:odd").knobs.top_p == 0.5
