"""Saving: what is on disk afterwards reads as the knobs that were turned, and nothing a person wrote is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.errors import PresetError
from tui.knobs.table import KNOBS, Knobs, turn
from tui.presets.library import find_preset
from tui.presets.preset import Preset, compose
from tui.presets.save import edit_knobs, save_preset, save_text

Write = Callable[[str, str], Path]

WRITTEN = """\
# Salty.
FROM ./sea.gguf

# warm, but not too warm
  parameter temperature 0.70
PARAMETER top_k 7
# said twice by mistake
PARAMETER top_k 8
SYSTEM \"\"\"Be a
pilot.\"\"\"
PARAMETER stop A
# the end
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setattr("tui.paths.config_dir", lambda: tmp_path / "config")

    def put(name: str, text: str) -> Path:
        path = tmp_path / "config" / "Modelfiles" / f"{name}.Modelfile"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
        return path

    return put


def test_a_new_preset_builds_on_the_one_it_was_turned_from(write: Write) -> None:
    base = find_preset("precise")
    path = save_preset("mine", turn(base.knobs, temperature=0.5, stop=("A", "B")), base, description="Warmer.")
    assert path.read_text() == (
        "# Warmer.\nFROM precise\nPARAMETER temperature 0.5\nPARAMETER stop A\nPARAMETER stop B\n"
    )
    mine = find_preset("mine")
    assert (mine.knobs.temperature, mine.knobs.top_k, mine.system) == (0.5, base.knobs.top_k, base.system)


def test_an_own_preset_of_a_shipped_name_builds_on_the_shipped(write: Write) -> None:
    base = find_preset("precise")
    save_preset("precise", turn(base.knobs, top_k=3), base)
    assert find_preset("precise").knobs == turn(base.knobs, top_k=3)
    again = find_preset("precise")
    path = save_preset("precise", turn(again.knobs, top_k=base.knobs.top_k), again)
    assert path.read_text() == "FROM precise\n"


def test_a_preset_from_elsewhere_is_named_by_its_path(tmp_path: Path, write: Write) -> None:
    (tmp_path / "Modelfile").write_text("FROM starter\nPARAMETER min_p 0.3\n")
    base = find_preset(str(tmp_path / "Modelfile"))
    path = save_preset("mine", turn(base.knobs, top_k=3), base)
    assert path.read_text() == f"FROM {tmp_path / 'Modelfile'}\nPARAMETER top_k 3\n"
    assert find_preset("mine").knobs == turn(base.knobs, top_k=3)
    odd = tmp_path / "odd"
    odd.write_text("FROM ./sea.gguf\nADAPTER a.gguf\nSYSTEM hi\n")
    base = find_preset(str(odd))
    text = save_preset("mine", turn(base.knobs, top_k=3), base, overwrite=True).read_text()
    assert text == f"FROM {tmp_path}/sea.gguf\nPARAMETER lora {tmp_path}/a.gguf\nPARAMETER top_k 3\nSYSTEM hi\n"


def test_a_model_is_a_base_too(tmp_path: Path, write: Write) -> None:
    (tmp_path / "sea.gguf").write_bytes(b"GGUF")
    base = Preset(name="sea", model=str(tmp_path / "sea.gguf"))
    path = save_preset("mine", turn(Knobs(), top_k=3), base)
    assert path.read_text() == f"FROM {tmp_path / 'sea.gguf'}\nPARAMETER top_k 3\n"


def test_a_preset_for_any_model_stays_one(write: Write) -> None:
    """Changed in place, built on, and copied where it cannot be built on; with a model in use or without."""
    write("mine", "SYSTEM Be brief.")
    for model in ("", "/models/sea.gguf"):
        mine = find_preset("mine", model)
        knobs = turn(Knobs(), top_k=3)
        assert save_preset("mine", knobs, mine).read_text() == "SYSTEM Be brief.\nPARAMETER top_k 3\n"
        assert save_preset("other", knobs, mine, overwrite=True).read_text() == "FROM mine\n"
        alone = replace(mine, path=None)
        text = save_preset("alone", knobs, alone, overwrite=True).read_text()
        assert text == "PARAMETER top_k 3\nSYSTEM Be brief.\n"
        assert all(find_preset(name).any_model for name in ("mine", "other", "alone"))
        write("mine", "SYSTEM Be brief.")


def test_the_model_is_saved_where_it_is_asked_for(write: Write) -> None:
    precise = find_preset("precise", "/models/sea.gguf")
    save_preset("mine", precise.knobs, replace(precise, any_model=False))
    kept = find_preset("mine", "starter")
    assert (kept.any_model, kept.model, kept.system) == (False, "/models/sea.gguf", precise.system)


def test_an_existing_file_keeps_its_comments_and_order(write: Write) -> None:
    write("sea", WRITTEN)
    base = find_preset("sea")
    path = save_preset("sea", turn(base.knobs, temperature=0.5, top_k=40, min_p=0.2, stop=("B", "C")), base)
    assert path.read_text() == (
        "# Salty.\nFROM ./sea.gguf\n\n# warm, but not too warm\n  PARAMETER temperature 0.5\n"
        '# said twice by mistake\nSYSTEM """Be a\npilot."""\nPARAMETER stop B\nPARAMETER stop C\n'
        "PARAMETER min_p 0.2\n# the end\n"
    )


def test_saving_what_is_there_changes_no_byte(write: Write) -> None:
    path = write("sea", WRITTEN.replace("\n", "\r\n"))
    before = path.read_bytes()
    base = find_preset("sea")
    save_preset("sea", base.knobs, base)
    assert path.read_bytes() == before
    save_preset("sea", turn(base.knobs, seed=3), base)
    assert path.read_bytes() == before.replace(b"PARAMETER stop A", b"PARAMETER stop A\r\nPARAMETER seed 3")


def test_what_the_base_says_is_not_repeated_and_what_it_says_otherwise_is(write: Write) -> None:
    write("tide", "FROM starter\nPARAMETER top_k 7\nPARAMETER stop A\n")
    path = write("sea", "FROM tide\nPARAMETER top_k 9")
    sea = find_preset("sea")
    save_preset("sea", turn(sea.knobs, top_k=7, stop=()), sea)
    assert path.read_text() == 'FROM tide\nPARAMETER stop ""\n'


def test_another_preset_is_not_overwritten_unasked(write: Write) -> None:
    path = write("sea", WRITTEN)
    base = find_preset("precise")
    with pytest.raises(PresetError, match="There is a preset 'sea' of yours already"):
        save_preset("sea", base.knobs, base)
    assert path.read_text() == WRITTEN
    save_preset("sea", base.knobs, base, overwrite=True)
    assert path.read_text() == "FROM precise\n"


@pytest.mark.parametrize("name", ["", "../sea", "a/b", "starter", ".hidden", "a,b", "a b", "x.gguf", "x" * 65, "a\0"])
def test_what_cannot_be_a_name(write: Write, name: str) -> None:
    with pytest.raises(PresetError, match="cannot name a preset"):
        save_preset(name, Knobs(), find_preset("default"))


def test_what_a_modelfile_cannot_say_is_not_written(tmp_path: Path, write: Write) -> None:
    base = find_preset("default")
    with pytest.raises(PresetError, match=r"stop 'a\\x07' cannot be written in a Modelfile: it drops .* U\+0007"):
        save_preset("mine", turn(base.knobs, stop=("a\x07",)), base)
    write("mine", "FROM starter\n")
    with pytest.raises(PresetError, match="goes in a circle"):
        tide = compose("FROM mine\n", write("tide", "FROM mine\n"))
        save_preset("mine", tide.knobs, tide, overwrite=True)
    assert find_preset("mine").model == "starter"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sea.Modelfile"
    save_text(path, "old")
    path.chmod(0o640)
    save_text(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PresetError, match="cannot be written: No space left on device"):
        save_text(path, "newer")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    save_text(tmp_path / "link", "new")
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "link").is_symlink()


lines = st.sampled_from([
    "# note", "", "  ", "PARAMETER top_k 7", "parameter\ttop_k 8 ", "PARAMETER stop A", 'PARAMETER stop "b\nc" ',
    "SYSTEM hi", 'MESSAGE user "a\nPARAMETER top_k 3"', "PARAMETER seed 3", "ADAPTER a.gguf", "PARAMETER lora b.gguf",
    "PARAMETER use_mlock t", "PARAMETER mirostat 2", "PARAMETER mirostat x", "FROM precise",
    "PARAMETER sampler_order top_k",
])  # fmt: skip
turned = st.fixed_dictionaries({}, optional={
    "top_k": st.integers(0, 50), "stop": st.lists(st.sampled_from(["A", "b\nc", ' "', "x "]), max_size=2).map(tuple),
    "seed": st.integers(-1, 5), "use_mlock": st.integers(0, 1), "mirostat": st.integers(0, 2), "min_p": st.floats(0, 1),
    "sampler_order": st.sampled_from([("top_k",), (), KNOBS["sampler_order"].default]), "lora": st.just(("/z.gguf",)),
})  # fmt: skip


@given(
    st.lists(lines, max_size=8).filter(lambda parts: sum("sampler_order" in part for part in parts) < 2),
    st.sampled_from(["\n", "\r\n", "\r"]),
    turned,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_file_reads_as_asked_and_keeps_every_comment(
    tmp_path: Path, parts: list[str], end: str, values: dict[str, object]
) -> None:
    text, path = end.join(["FROM starter", *parts]), tmp_path / "sea.Modelfile"
    before: Preset = compose(text, path)
    knobs = turn(before.knobs, **values)
    after = edit_knobs(text, path, knobs)
    found = compose(after, path)
    assert found.knobs == knobs
    assert (found.system, found.messages, found.model) == (before.system, before.messages, before.model)
    assert after.count("# note") == text.count("# note")
    assert edit_knobs(after, path, knobs) == after


def test_a_system_prompt_of_its_own_is_kept_beside_the_knobs(write: Write) -> None:
    base = find_preset("precise")
    path = save_preset("pirate", turn(base.knobs, top_k=3), replace(base, system="Talk like a pirate."))
    assert path.read_text() == "FROM precise\nPARAMETER top_k 3\nSYSTEM Talk like a pirate.\n"


def test_another_model_is_kept_with_all_that_the_preset_says(write: Write) -> None:
    base = find_preset("precise")
    save_preset("elsewhere", base.knobs, replace(base, model="ollama:sea", any_model=False))
    kept = find_preset("elsewhere")
    assert (kept.model, kept.system, kept.knobs) == ("ollama:sea", base.system, base.knobs)


def test_system_and_model_are_changed_where_they_stand(write: Write) -> None:
    path = write("sea", WRITTEN)
    sea = find_preset("sea")
    save_preset("sea", sea.knobs, replace(sea, system="Be brief.", model="./lake.gguf"))
    assert path.read_text() == WRITTEN.replace("./sea.gguf", "./lake.gguf").replace(
        'SYSTEM """Be a\npilot."""', "SYSTEM Be brief."
    )


def test_a_system_prompt_that_is_taken_away_stays_away(write: Write) -> None:
    base = find_preset("precise")
    save_preset("bare", base.knobs, replace(base, system=""))
    assert (find_preset("bare").system, bool(base.system)) == ("", True)


def test_a_model_whose_change_would_lose_what_the_base_says_is_not_saved(write: Write) -> None:
    write("talker", "FROM starter\nMESSAGE user Hi\n")
    path = write("mine", "FROM talker\n")
    mine = find_preset("mine")
    with pytest.raises(PresetError, match="would not keep messages"):
        save_preset("mine", mine.knobs, replace(mine, model="ollama:sea"))
    assert path.read_text() == "FROM talker\n"
