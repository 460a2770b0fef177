"""Findings of `twiddle presets check`, and the export for Ollama."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tui.knobs.table import KNOBS
from tui.paths import shipped
from tui.presets.checks import PresetFinding, check
from tui.presets.library import list_presets
from tui.presets.modelfile import parse_modelfile
from tui.presets.ollama import for_ollama
from tui.presets.parameters import OLLAMAS, parameters
from tui.presets.preset import Preset, compose, to_preset

HERE = Path("sea.Modelfile")


def findings(text: str, level: str) -> list[tuple[int | None, str]]:
    return [(found.line, found.text) for found in check(text, HERE) if found.level == level]


@pytest.mark.parametrize("path", sorted(shipped("Modelfiles").glob("*")), ids=lambda path: path.stem)
def test_a_shipped_preset_has_nothing_to_complain_about(path: Path) -> None:
    assert [found for found in check(path.read_bytes(), path) if found.level != "note"] == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("BOGUS x\n", 1, "'BOGUS' is not an instruction"),
        ("FROM starter\nPARAMETER topk 5\n", 2, "Did you mean top_k?"),
        ("FROM starter\nPARAMETER top_p 5\n", 2, "top_p: 5 is out of range; it goes from 0 to 1."),
        ("FROM starter\nPARAMETER regex a\nPARAMETER format json\n", None, "format and regex are set"),
    ],
)
def test_an_error_stands_at_its_line(text: str, line: int | None, said: str) -> None:
    ((found, words),) = findings(text, "error")
    assert found == line
    assert said in words


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ("PARAMETER mirostat 2\nPARAMETER top_p 0.5", 3, "top_p 0.5 does nothing: mirostat is on."),
        ("PARAMETER top_k 5\nPARAMETER top_k 6", 2, "top_k is set again on line 3; that one counts."),
        ("SYSTEM a\nSYSTEM b", 2, "SYSTEM is set again on line 3"),
        ("SYSTEM 'Be brief.'", 2, "' is no quote here but part of the text"),
        ("MESSAGE user “Hi”", 2, "“ is no quote here"),
        ('SYSTEM Be brief."', 2, "ends in a quote that nothing opens"),
        ('SYSTEM "Hi," he said.\nand so on"', 2, "Quotes close only at the end of a line"),
        ("PARAMETER stop END # the end", 2, "The text after # is part of the value"),
        ("PARAMETER stop \\n\\n", 2, "\\n is two characters here"),
        ("SYSTEM a\u0007b", 2, "Control characters are dropped, such as U+0007"),
    ],
)
def test_a_trap_is_a_warning(lines: str, line: int, said: str) -> None:
    ((found, words),) = findings(f"FROM starter\n{lines}\n", "warning")
    assert found == line
    assert said in words


def test_what_is_well_written_is_not_warned_of() -> None:
    text = 'FROM starter\nSYSTEM """Say "yes" or\n"no".\n"""\nPARAMETER stop "\n"\nMESSAGE user It\'s "that" one\n'
    assert findings(text, "warning") == []
    assert findings('FROM starter\nSYSTEM "a" and "b"\nPARAMETER stop A\nPARAMETER stop B\n', "warning") == []


def test_a_missing_model_and_what_ollama_refuses_are_told() -> None:
    assert "neither starter nor a file" in findings("FROM nowhere\n", "warning")[0][1]
    ((line, said),) = findings("FROM starter\nPARAMETER xtc_probability 0.5\nPARAMETER top_k 3\n", "note")
    assert line is None
    assert said.startswith("`ollama create` would refuse FROM starter, PARAMETER xtc_probability; `twiddle presets")
    assert findings("FROM starter\nPARAMETER mirostat 1\n", "note")[-1] == (
        2, "mirostat is deprecated: Ollama skips it, twiddle does not.",
    )  # fmt: skip


def test_an_inherited_value_without_effect_names_its_base(tmp_path: Path) -> None:
    (tmp_path / "tide.Modelfile").write_text("FROM starter\nPARAMETER top_p 0.5\n")
    found = check("FROM tide\nPARAMETER mirostat 2\n", tmp_path / "sea.Modelfile")
    assert PresetFinding("warning", "top_p 0.5, set by tide, does nothing: mirostat is on.") in found


def test_ollama_is_told_everything_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "sea.gguf").write_bytes(b"GGUF")
    (tmp_path / "tide.Modelfile").write_text("FROM ollama:harbor:7b\nADAPTER a.gguf\nPARAMETER stop A\nSYSTEM hi\n")
    text = '# Salty.\nFROM tide\nPARAMETER min_p 0.2\nPARAMETER xtc_probability 0.5\nPARAMETER choices "a\nb"\n'
    text += 'PARAMETER use_mmap false\nPARAMETER mirostat 2\nPARAMETER num_ctx 0\nMESSAGE user Depth?\nSYSTEM ""\n'
    exported = for_ollama(compose(text, tmp_path / "sea.Modelfile"))
    assert exported.text == (
        f"# Salty.\nFROM harbor:7b\nADAPTER {tmp_path / 'a.gguf'}\nPARAMETER stop A\nPARAMETER min_p 0.2\n"
        '# PARAMETER xtc_probability 0.5\n# PARAMETER choices "a\n# b"\nPARAMETER use_mmap false\n'
        "# PARAMETER mirostat 2\nPARAMETER top_p 0.95\nMESSAGE user Depth?\n"
    )
    assert exported.left_out == (
        "xtc_probability 0.5: it is twiddle's own.", r"choices 'a\nb': it is twiddle's own.",
        "mirostat 2: Ollama no longer has it.",
    )  # fmt: skip


def test_what_cannot_be_found_is_left_as_it_stands() -> None:
    exported = for_ollama(Preset(name="sea", model="nowhere", turned=(("lora", ("/a.gguf:0.5",)), ("num_keep", -1))))
    assert "FROM nowhere\n# PARAMETER lora /a.gguf:0.5\n# PARAMETER num_keep -1\n" in exported.text
    assert exported.left_out[0].startswith("FROM is left unchanged: There is no model 'nowhere'")
    assert for_ollama(Preset(name="sea", model="hf.co/crew/harbor:Q4_0")).text.startswith(
        "FROM hf.co/crew/harbor:Q4_0\n"
    )


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_shipped_preset_can_be_taken_to_ollama(preset: Preset) -> None:
    modelfile = parse_modelfile(for_ollama(preset).text)
    assert set(parameters(modelfile)) <= OLLAMAS
    again = to_preset(modelfile, name=preset.name)
    assert (again.system, again.messages, again.description) == (preset.system, preset.messages, preset.description)
    told = set(parameters(modelfile))
    assert all(getattr(again.knobs, name) == getattr(preset.knobs, name) for name in told & KNOBS.keys())


@given(st.text(), st.text())
@settings(max_examples=depth(40, 200))
def test_checking_survives_anything(first: str, second: str) -> None:
    assert isinstance(check(f"FROM starter\n{first}\nSYSTEM {second}", HERE), tuple)
