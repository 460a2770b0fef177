"""`twiddle presets` as a person and as a program see it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tui.cli.presets import app
from tui.errors import PresetError
from tui.knobs import KNOBS


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tui.paths.config_dir", lambda: tmp_path)
    folder = tmp_path / "Modelfiles"
    folder.mkdir()
    return folder


def output(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    assert "\x1b" not in result.output
    return result.output


def test_list_names_every_preset_with_what_it_turns(own: Path) -> None:
    (own / "hot.Modelfile").write_text("# Warm.\nFROM x\nPARAMETER temperature 1.5\nPARAMETER top_k 0\n")
    (own / "odd.Modelfile").write_text("FORM x\n")
    (own / "evil.Modelfile").write_text("# [/red]\n# \x1b[31m\u202e[@click=app.quit]x[/]\nFROM x\n")
    lines = output("list").splitlines()
    assert "hot\tWarm.\ttemperature 1.5, top_k off" in lines
    assert any(line.startswith("odd\tbroken: odd.Modelfile, line 1, column 1: 'FORM' is not") for line in lines)
    assert "evil\t[/red] [31m[@click=app.quit]x[/]\t" in lines
    assert any(line.startswith("default\t") for line in lines)


def test_the_table_on_a_terminal_takes_any_text(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "evil.Modelfile").write_text("# [/red] [bold]loud\nFROM x\n")
    monkeypatch.setattr("tui.cli.presets._for_people", lambda: True)
    assert (
        "[/red] [bold]loud" in CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"}, catch_exceptions=False).output
    )


def test_show_says_where_each_value_comes_from(own: Path) -> None:
    (own / "sea.Modelfile").write_text(
        '# Salty.\nFROM ./sea.gguf\nPARAMETER top_k 7\nPARAMETER draft_num_predict 4\nSYSTEM """Be a\n\x1b[31mpilot."""\n'
        "MESSAGE user Depth?\nTEMPLATE {{ .Prompt }}\n"
    )
    text = output("show", "sea")
    for part in (
        "  Salty.",
        "  ./sea.gguf",
        "  Be a\n  [31mpilot.",
        "MESSAGE user\n  Depth?",
        "TEMPLATE\n  {{ .Prompt }}",
    ):
        assert part in text
    assert "top_k\t7\tpreset" in text
    assert "temperature\t0.8\tdefault" in text
    assert text.count("\tdefault") == len(KNOBS) - 1
    assert "there is no knob for draft_num_predict yet" in text


def test_show_of_something_unknown_is_left_to_the_main_door() -> None:
    with pytest.raises(PresetError, match="Did you mean precise?"):
        output("show", "precice")


def test_parse_prints_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "Modelfile"
    path.write_text("FROM x\nPARAMETER stop A\nPARAMETER temperature -3\nMESSAGE user h\u00e9\u202e\n")
    text = output("parse", str(path))
    assert text.isascii()
    assert json.loads(text) == {
        "commands": [["model", "x"], ["stop", "A"], ["temperature", "-3"], ["message", "user: hé"]],
        "parameters": {"stop": ["A"], "temperature": -3},
        "messages": [["user", "hé"]],
    }


def test_parse_prints_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "Modelfile"
    path.write_text("FROM x\nBOGUS y\n")
    error = json.loads(output("parse", str(path), exit_code=1))["error"]
    assert (error["kind"], error["line"], error["column"]) == ("invalid_command", 2, 1)
    assert error["message"].startswith("Modelfile, line 2, column 1: 'BOGUS' is not an instruction")
    path.write_text("FROM x\nPARAMETER top_k many\n")
    read = json.loads(output("parse", str(path), exit_code=1))
    assert read["error"]["kind"] == "invalid_int"
    assert read["commands"] == [["model", "x"], ["top_k", "many"]]
