"""Presets read from Modelfiles: the knobs it turns, what is said before the chat, and what the person is told."""

import os
from pathlib import Path

import pytest

from tui.conversation.conversation import Message
from tui.errors import PresetError
from tui.knobs.knob import Value
from tui.knobs.table import Knobs, turn
from tui.presets.modelfile import ModelfileError, parse_modelfile
from tui.presets.preset import LARGEST, Preset, read_preset, to_preset


def preset(text: str) -> Preset:
    return to_preset(parse_modelfile(text, "sea"), name="sea")


def test_a_preset_says_only_what_its_file_says() -> None:
    plain = preset("FROM starter\n")
    assert plain == Preset(name="sea", model="starter")
    assert plain.knobs == Knobs()
    assert plain.opening == ()


def test_a_preset_turns_knobs_and_opens_the_chat() -> None:
    found = preset(
        "# Salty.\nFROM ./sea.gguf\nPARAMETER temperature 0.25\nPARAMETER stop A\nPARAMETER top_k 7\n"
        "PARAMETER stop B\nPARAMETER top_k 8\nMESSAGE user Depth?\nSYSTEM Be a pilot.\nMESSAGE assistant Nine.\n"
    )
    assert (found.description, found.model) == ("Salty.", "./sea.gguf")
    assert found.turned == (("temperature", 0.25), ("stop", ("A", "B")), ("top_k", 8))
    assert found.knobs == turn(Knobs(), temperature=0.25, stop=("A", "B"), top_k=8)
    assert found.opening == (
        Message("system", "Be a pilot."), Message("user", "Depth?"), Message("assistant", "Nine."),
    )  # fmt: skip
    assert found.notes == ()


def test_the_last_of_a_repeated_instruction_counts() -> None:
    found = preset("FROM a\nSYSTEM one\nTEMPLATE x\nFROM b\nSYSTEM\t\nTEMPLATE y\n")
    assert (found.model, found.system, found.template) == ("b", "", "y")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PARAMETER top_p 4.5", "top_p: 4.5 is out of range; it goes from 0 to 1."),
        ("PARAMETER temperature -3", "temperature: -3 is out of range; it goes from 0 to 5."),
        ("PARAMETER sampler_order top_k;top_k", "sampler_order: an entry is given twice; each may be given once."),
    ],
)
def test_out_of_range_names_file_line_and_range(line: str, said: str) -> None:
    with pytest.raises(ModelfileError) as caught:
        preset(f"FROM x\n\n{line}\nPARAMETER top_p 0.5\n")
    assert caught.value.kind == "out_of_range"
    assert str(caught.value) == f"sea, line 3, column 1: {said}"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("PARAMETER low_vram 2", "Line 2: low_vram is deprecated in Ollama and is skipped."),
        ("PARAMETER draft_num_predict 4", "Line 2: there is no knob for draft_num_predict yet; it has no effect here."),
        ("DRAFT ./small.gguf", "Line 2: DRAFT is not loaded yet."),
        ("REQUIRES 0.14.0", "Line 2: REQUIRES is about Ollama's version and has no effect here."),
    ],
)
def test_what_has_no_effect_is_told(line: str, note: str) -> None:
    found = preset(f"FROM x\n{line}\n")
    assert found.notes == (note,)
    assert found.knobs == Knobs()


def test_a_quote_that_swallows_an_instruction_is_told() -> None:
    found = preset('FROM x\nSYSTEM "Hi," he said.\nPARAMETER stop "END"\n')
    assert found.turned == ()
    assert "Line 2: the quoted text holds a line that looks like an instruction" in found.notes[0]


def test_a_preset_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "sea.Modelfile"
    path.write_text("FROM x")
    assert (read_preset(path).name, read_preset(path).path) == ("sea", path)
    path = path.rename(tmp_path / "Modelfile")
    assert read_preset(path).name == "Modelfile"


def test_a_gguf_is_no_preset_whatever_its_name(tmp_path: Path) -> None:
    blob, pointer = tmp_path / "sha256-1234", tmp_path / "sea.gguf"
    blob.write_bytes(b"GGUF" + b"\0" * LARGEST)
    pointer.write_text("version https://git-lfs.github.com/spec/v1")
    for path in (blob, pointer):
        with pytest.raises(PresetError, match="is a model and not a Modelfile; `--model` and `/model` take it."):
            read_preset(path)


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "large", "nul", "long"])
def test_what_is_no_preset_is_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("x\0" if kind == "nul" else "x" * 300 if kind == "long" else "x")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "large":
        path.write_bytes(b"#" * (LARGEST + 1))
    said = {
        "missing": "There is no file", "folder": "a folder", "fifo": "not a plain file",
        "large": "too large for a Modelfile", "nul": "is no file name", "long": "File name too long",
    }  # fmt: skip
    with pytest.raises(PresetError, match=said[kind]):
        read_preset(path)


def test_lists_are_parameters_too() -> None:
    text = "FROM starter\nPARAMETER sampler_order penalties;top_k\nPARAMETER sampler_order temperature\n"
    text += 'PARAMETER dry_sequence_breakers "\n"\nPARAMETER logit_bias #5:-100\n'
    knobs = to_preset(parse_modelfile(text), name="lists").knobs
    assert knobs.sampler_order == ("penalties", "top_k", "temperature")
    assert knobs.dry_sequence_breakers == ("\n",)
    assert knobs.logit_bias == ("#5:-100",)


@pytest.mark.parametrize(
    ("line", "turned", "note"),
    [
        ("mirostat 2", {"mirostat": 2}, ""),
        ("mirostat_tau 3.5", {"mirostat_tau": 3.5}, ""),
        ("mirostat many", {}, "Line 2: mirostat is skipped, as in Ollama, where it is deprecated: sea, line 2"),
        (
            "mirostat_tau 0",
            {},
            "Line 2: mirostat_tau is skipped, as in Ollama, where it is deprecated: mirostat_tau: 0 is",
        ),
        ("use_mmap false", {"use_mmap": 0}, ""),
        ("use_mlock TRUE", {"use_mlock": 1}, ""),
        ("use_mlock yes", {}, "Line 2: use_mlock is skipped"),
        ("num_predict -2", {"num_predict": -1}, "Line 2: num_predict -2 is read as no limit."),
        ("num_thread -1", {"num_thread": 0}, "Line 2: num_thread -1 is read as auto."),
        ("num_gpu 999999", {"num_gpu": 1000}, "Line 2: num_gpu 999999 is read as all."),
        ("top_k -1", {"top_k": 0}, "Line 2: top_k -1 is read as off."),
        ("strategy beam", {"strategy": "beam"}, ""),
        ("regex a|b", {"regex": "a|b"}, ""),
        ("choices yes or no", {"choices": ("yes or no",)}, ""),
        ('stop ""', {}, ""),
    ],
)
def test_a_value_means_what_ollama_makes_of_it_and_every_knob_is_a_parameter(
    line: str, turned: dict[str, Value], note: str
) -> None:
    found = preset(f"FROM x\nPARAMETER {line}\n")
    assert found.knobs == turn(Knobs(), **turned)
    assert len(found.notes) == bool(note)
    assert "".join(found.notes).startswith(note)


def test_a_list_of_empty_messages_is_no_list() -> None:
    assert preset('FROM x\nMESSAGE user ""\nMESSAGE assistant ""\n').messages == ()
    assert len(preset('FROM x\nMESSAGE user ""\nMESSAGE assistant hi\n').messages) == 2
