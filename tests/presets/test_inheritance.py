"""Presets that are based on each other, and presets whose files change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.conversation.conversation import Message
from tui.errors import PresetError
from tui.knobs.table import Knobs, turn
from tui.presets.library import find_preset, list_presets, reload
from tui.presets.modelfile import ModelfileError
from tui.presets.preset import DEEPEST, read_preset

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Put a preset into the person's own folder."""
    monkeypatch.setattr("tui.paths.config_dir", lambda: tmp_path / "config")
    folder = tmp_path / "config" / "Modelfiles"
    folder.mkdir(parents=True)

    def put(name: str, text: str) -> Path:
        path = folder / f"{name}.Modelfile"
        path.write_text(text)
        return path

    return put


BASE = """FROM ./sea.gguf
PARAMETER temperature 0.25
PARAMETER stop A
PARAMETER stop B
PARAMETER top_k 7
SYSTEM Be a pilot.
TEMPLATE {{ .Prompt }}
MESSAGE user Depth?
MESSAGE assistant Nine.
"""


def test_a_preset_inherits_what_it_does_not_say(write: Write) -> None:
    folder = write("tide", BASE).parent
    write("sea", "# Calm.\nFROM tide\nPARAMETER top_k 9\nSYSTEM Be brief.\n")
    sea = find_preset("sea")
    assert (sea.name, sea.description, sea.system, sea.template) == ("sea", "Calm.", "Be brief.", "{{ .Prompt }}")
    assert sea.model == str(folder / "sea.gguf")
    assert sea.messages == (Message("user", "Depth?"), Message("assistant", "Nine."))
    assert sea.knobs == turn(Knobs(), temperature=0.25, stop=("A", "B"), top_k=9)
    sources = {what: sea.source(what) for what in ("model", "temperature", "top_k", "system", "messages", "min_p")}
    assert sources == {
        "model": "tide", "temperature": "tide", "top_k": "sea", "system": "sea", "messages": "tide", "min_p": "",
    }  # fmt: skip


def test_a_source_is_the_base_that_said_it(write: Write) -> None:
    write("tide", BASE)
    write("bay", "FROM tide\nPARAMETER top_k 8\n")
    write("sea", "FROM bay\nPARAMETER min_p 0.2\n")
    sea = find_preset("sea")
    assert [sea.source(knob) for knob in ("temperature", "top_k", "min_p", "seed")] == ["tide", "bay", "sea", ""]


def test_a_list_replaces_and_an_empty_one_clears(write: Write) -> None:
    write("tide", BASE)
    write("sea", 'FROM tide\nPARAMETER stop C\nMESSAGE user "How far?"\n')
    assert find_preset("sea").knobs.stop == ("C",)
    assert find_preset("sea").messages == (Message("user", "How far?"),)
    write("sea", 'FROM tide\nSYSTEM ""\nTEMPLATE ""\nMESSAGE user ""\nPARAMETER stop ""\n')
    sea = find_preset("sea")
    assert (sea.system, sea.template, sea.messages, sea.knobs.stop) == ("", None, (), ())
    assert [sea.source(what) for what in ("system", "template", "messages", "stop")] == ["", "", "", "sea"]
    assert sea.knobs.top_k == 7


def test_a_preset_may_build_on_the_next_of_its_own_name(write: Write) -> None:
    write("precise", "FROM precise\nPARAMETER temperature 0.3\n")
    found = find_preset("precise")
    assert found.knobs.temperature == 0.3
    assert found.knobs.top_p == 0.9
    assert found.system.startswith("You are a careful assistant")
    assert found.any_model


def test_bases_are_found_beside_the_file_and_by_path(tmp_path: Path, write: Write) -> None:
    write("tide", BASE)
    (tmp_path / "tide.Modelfile").write_text("FROM starter\nPARAMETER seed 3\n")
    (tmp_path / "Modelfile").write_text("FROM tide\n")
    assert read_preset(tmp_path / "Modelfile").turned == (("seed", 3),)
    (tmp_path / "Modelfile").write_text("FROM ./config/Modelfiles/tide.Modelfile\n")
    assert read_preset(tmp_path / "Modelfile").knobs.top_k == 7
    (tmp_path / "tide").write_bytes(b"GGUF")  # a file of that name is the model, as Ollama has it
    (tmp_path / "Modelfile").write_text("FROM tide\n")
    assert read_preset(tmp_path / "Modelfile").model == "tide"


@pytest.mark.parametrize(
    "name", ["harbor", "crew/harbor:7b", "hf.co/crew/harbor-GGUF:Q4_K_M", "a.gguf", "~nobody/x", ""]
)
def test_what_is_no_preset_is_a_model(write: Write, name: str) -> None:
    write("sea", f"FROM {name}\n")
    assert (find_preset("sea").model, find_preset("sea").inherited) == (name, ())


@pytest.mark.parametrize(
    ("bases", "shown"),
    [
        ({"sea": "sea"}, "sea → sea"),
        ({"sea": "tide", "tide": "sea"}, "sea → tide → sea"),
        ({"sea": "tide", "tide": "bay", "bay": "tide"}, "sea → tide → bay → tide"),
    ],
)
def test_f18_a_circle_is_told_with_the_chain(write: Write, bases: dict[str, str], shown: str) -> None:
    for name, base in bases.items():
        write(name, f"FROM {base}\n")
    with pytest.raises(ModelfileError) as caught:
        find_preset("sea")
    assert caught.value.kind == "loop"
    assert f"FROM goes in a circle: {shown}; let one of them name a model" in str(caught.value)
    assert len(list_presets()) > len(bases)


def test_a_tower_of_presets_has_an_end(write: Write) -> None:
    for floor in range(DEEPEST):
        write(f"p{floor}", f"FROM {f'p{floor - 1}' if floor else 'starter'}\n")
    assert find_preset(f"p{DEEPEST - 1}").model == "starter"
    write(f"p{DEEPEST}", f"FROM p{DEEPEST - 1}\n")
    with pytest.raises(ModelfileError, match=f"more than {DEEPEST} presets are based on each other: p16 → p15"):
        find_preset(f"p{DEEPEST}")


def test_an_adapter_starts_at_the_folder_of_the_file_that_names_it(tmp_path: Path, write: Write) -> None:
    folder = write("tide", "FROM x\nADAPTER old.gguf\nPARAMETER lora ./b.gguf\nADAPTER a.gguf:0.5\n").parent
    (tmp_path / "Modelfile").write_text("FROM ./config/Modelfiles/tide.Modelfile\n")
    expected = (str(folder / "b.gguf"), f"{folder / 'a.gguf'}:0.5")
    assert find_preset("tide").knobs.lora == expected
    assert read_preset(tmp_path / "Modelfile").knobs.lora == expected
    (tmp_path / "Modelfile").write_text("FROM ./config/Modelfiles/tide.Modelfile\nADAPTER c.gguf\n")
    assert read_preset(tmp_path / "Modelfile").knobs.lora == (str(tmp_path / "c.gguf"),)


def touch(path: Path, text: str) -> None:
    """Write a file again, later than it was: some file systems count in hundredths of a second."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_file_that_changes_is_read_again(write: Write) -> None:
    base, path = write("tide", BASE), write("sea", "FROM tide\n")
    sea = find_preset("sea")
    assert reload(sea) is sea
    touch(path, "FROM tide\nPARAMETER top_k 9\n")
    changed = reload(sea)
    assert changed.knobs.top_k == 9
    touch(base, BASE.replace("0.25", "0.75"))
    assert reload(changed).knobs.temperature == 0.75


def test_a_broken_file_keeps_the_last_good_values(write: Write) -> None:
    path = write("sea", BASE)
    sea = find_preset("sea")
    touch(path, "FROM x\nPARAMETER top_k many\n")
    kept = reload(sea)
    assert (kept.knobs, kept.system) == (sea.knobs, sea.system)
    assert kept.notes[0].startswith(
        "sea was changed and cannot be read, so its last good values are kept: sea.Modelfile, line 2"
    )
    assert reload(kept) is kept
    touch(path, BASE)
    assert reload(kept).notes == sea.notes
    path.unlink()
    assert "There is no file" in reload(sea).notes[0]
    assert reload(sea).knobs == sea.knobs


def test_a_base_that_is_gone_is_kept_until_nothing_names_it(write: Write) -> None:
    base, path = write("tide", BASE), write("sea", "FROM tide\n")
    sea = find_preset("sea")
    base.unlink()
    kept = reload(sea)
    assert kept.knobs == sea.knobs
    assert kept.notes[0].endswith("its last good values are kept: tide.Modelfile is gone.")
    touch(path, "FROM starter\n")
    assert reload(kept).knobs == Knobs()


def test_a_base_that_is_broken_names_its_own_line(write: Write) -> None:
    write("tide", "FROM x\nBOGUS\n")
    write("sea", "FROM tide\n")
    with pytest.raises(PresetError, match="tide.Modelfile, line 2"):
        find_preset("sea")


def test_the_notes_of_a_base_say_whose_they_are(write: Write) -> None:
    write("tide", "FROM x\nDRAFT y\n")
    write("sea", "FROM tide\n")
    assert find_preset("sea").notes == ("In tide: Line 2: DRAFT is not loaded yet.",)
