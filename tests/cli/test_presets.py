"""`twiddle presets` as a person and as a program see it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.engine.ggufs import write_llama
from tests.engine.test_message_shapes import GEMMA, LAST_ONLY, LLAVA
from tui.cli.preset_files import export
from tui.cli.presets import app
from tui.errors import EditorError, PresetError
from tui.knobs.table import KNOBS
from tui.presets.library import find_preset


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
    assert "evil\t[/red] [31m\ufffd[@click=app.quit]x[/]\t" in lines
    assert any(line.startswith("default\t") for line in lines)


def test_the_table_on_a_terminal_takes_any_text(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "evil.Modelfile").write_text("# [/red] [bold]loud\nFROM x\n")
    monkeypatch.setattr("tui.cli.stdout.is_terminal", lambda: True)
    assert (
        "[/red] [bold]loud" in CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"}, catch_exceptions=False).output
    )


def test_show_says_where_each_value_comes_from(own: Path) -> None:
    (own / "sea.Modelfile").write_text(
        '# Salty.\nFROM ./sea.gguf\nPARAMETER top_k 7\nPARAMETER draft_num_predict 4\nPARAMETER stop ""\n'
        'SYSTEM """Be a\n\x1b[31mpilot."""\n'
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
    assert "top_k\t7\tthis file" in text
    assert "stop\tnone\tthis file" in text
    assert "temperature\t0.8\tdefault" in text
    assert "num_ctx\tauto\tmodel" in text
    assert text.count("\tdefault") == len(KNOBS) - 3
    assert "there is no knob for draft_num_predict yet" in text


def test_show_names_the_base_that_says_a_value(own: Path) -> None:
    (own / "tide.Modelfile").write_text("FROM starter\nPARAMETER top_k 7\nSYSTEM Be brief.\nMESSAGE user Hi\n")
    (own / "sea.Modelfile").write_text("FROM tide\nPARAMETER min_p 0.2\n")
    text = output("show", "sea")
    assert "FROM (from tide)\n  starter" in text
    assert "SYSTEM (from tide)\n  Be brief." in text
    assert "MESSAGE user (from tide)\n  Hi" in text
    assert "top_k\t7\ttide\n" in text
    assert "min_p\t0.2\tthis file\n" in text
    assert "template\tits chat template\tmodel" in text


def test_show_of_something_unknown_is_left_to_the_main_door() -> None:
    with pytest.raises(PresetError, match="Did you mean precise?"):
        output("show", "precice")


def test_parse_prints_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "Modelfile"
    path.write_text("FROM x\nPARAMETER stop A\nPARAMETER temperature -3\nMESSAGE user h\u00e9\u202e\n")
    text = output("parse", str(path))
    assert text.isascii()
    assert json.loads(text) == {
        "commands": [["model", "x"], ["stop", "A"], ["temperature", "-3"], ["message", "user: hé\u202e"]],
        "parameters": {"stop": ["A"], "temperature": -3},
        "messages": [["user", "hé\u202e"]],
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
    path.write_text("FROM x\r\nSYSTEM\r\n")
    error = json.loads(output("parse", str(path), exit_code=1))["error"]
    assert error["line"] == 4, "as Ollama counts"
    assert "line 2, column 1" in error["message"]


def test_parse_types_what_ollama_types(tmp_path: Path) -> None:
    path = tmp_path / "Modelfile"
    path.write_text("FROM x\nPARAMETER use_mmap F\nPARAMETER mirostat 2\nPARAMETER use_mlock x\nPARAMETER stop \n")
    assert json.loads(output("parse", str(path)))["parameters"] == {"use_mmap": False, "stop": [""]}


def test_check_tells_errors_from_warnings(own: Path, tmp_path: Path) -> None:
    (own / "sea.Modelfile").write_text("FROM hf.co/a/b\nPARAMETER mirostat 2\nPARAMETER top_p 0.5\n")
    text = output("check", "sea")
    assert "sea.Modelfile:3: warning: top_p 0.5 does nothing: mirostat is on.\n" in text
    (own / "sea.Modelfile").write_text("FROM starter\nPARAMETER topk 5\n")
    text = output("check", "sea", "precise", exit_code=1)
    assert "sea.Modelfile:2: error: there is no parameter 'topk'. Did you mean top_k?\n" in text
    assert "precise.Modelfile: note: " in text
    assert "sea.Modelfile:2: error" in output("check", exit_code=1)
    (tmp_path / "sea.gguf").write_bytes(b"GGUF")
    assert output("check", str(tmp_path / "sea.gguf")) == "sea.gguf: fine\n"


def test_diff_names_what_differs(own: Path) -> None:
    (own / "sea.Modelfile").write_text('FROM precise\nPARAMETER top_k 7\nMESSAGE user "a b"\n')
    assert output("diff", "precise", "sea") == "messages\t\tuser: a b\ntop_k\t20\t7\n"
    assert output("diff", "sea", "sea") == ""


def test_new_is_a_preset_at_once_and_never_replaces_one(own: Path) -> None:
    path = Path(output("new", "sea", "--from", "precise", "-d", "Salty.").strip())
    assert path == own / "sea.Modelfile"
    assert find_preset("sea").description == "Salty."
    assert find_preset("sea").knobs == find_preset("precise").knobs
    with pytest.raises(PresetError, match="There is a preset 'sea' of yours already"):
        output("new", "sea")
    with pytest.raises(PresetError, match="goes in a circle"):
        output("new", "bay", "--from", "bay")


def test_save_keeps_a_setting(own: Path) -> None:
    output("save", "sea", "precise,temperature=0.5", "-d", "Salty.")
    assert (own / "sea.Modelfile").read_text() == "# Salty.\nFROM precise\nPARAMETER temperature 0.5\n"
    output("save", "sea", "sea,temperature=0.6")
    assert (own / "sea.Modelfile").read_text() == "# Salty.\nFROM precise\nPARAMETER temperature 0.6\n"
    with pytest.raises(PresetError, match="already"):
        output("save", "sea", "wild")
    output("save", "sea", "wild", "--force")
    assert (own / "sea.Modelfile").read_text() == "FROM wild\n"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have $EDITOR run a line of shell on the file, which is $1."""

    def use(line: str) -> None:
        script = tmp_path / "my editor"
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        monkeypatch.setenv("EDITOR", f"'{script}'")
        monkeypatch.delenv("VISUAL", raising=False)

    return use


def test_edit_changes_a_preset_and_copies_a_shipped_one(own: Path, editor: Callable[[str], None]) -> None:
    editor('printf "PARAMETER seed 3\\n" >> "$1"')
    path = own / "precise.Modelfile"
    assert output("edit", "precise").strip() == str(path)
    assert find_preset("precise").knobs.seed == 3
    editor('sed -i "s/seed 3/seed 4/" "$1"')
    output("edit", "precise")
    assert find_preset("precise").knobs.seed == 4
    assert list(own.iterdir()) == [path]
    editor("true")
    output("edit", "precise")
    assert list(own.iterdir()) == [path]


def test_a_broken_edit_changes_nothing_and_loses_nothing(own: Path, editor: Callable[[str], None]) -> None:
    path = own / "sea.Modelfile"
    path.write_text("FROM starter\n")
    editor('printf "PARAMETER topk 3\\n" >> "$1"')
    with pytest.raises(PresetError, match="sea.Modelfile is as it was; your text is in"):
        output("edit", "sea")
    assert path.read_text() == "FROM starter\n"
    editor('sed -i "s/topk/top_k/" "$1"')
    output("edit", "sea")
    assert path.read_text() == "FROM starter\nPARAMETER top_k 3\n"
    assert list(own.iterdir()) == [path]


def test_an_editor_that_fails_is_said(
    own: Path, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "sea.Modelfile").write_text("FROM starter\n")
    editor("exit 3")
    with pytest.raises(EditorError, match="ended with 3, so nothing was changed"):
        output("edit", "sea")
    for command, said in (("no-such-editor", "No such file"), ("'", "No closing quotation")):
        monkeypatch.setenv("EDITOR", command)
        with pytest.raises(EditorError, match=said):
            output("edit", "sea")
    assert len(list(own.iterdir())) == 1


def test_export_prints_what_ollama_takes(own: Path) -> None:
    (own / "sea.Modelfile").write_text("FROM hf.co/a/b\nPARAMETER xtc_probability 0.5\nPARAMETER top_k 3\n")
    text = output("export", "--ollama", "sea")
    assert "FROM hf.co/a/b\n# PARAMETER xtc_probability 0.5\nPARAMETER top_k 3\n" in text
    assert "xtc_probability 0.5: it is twiddle's own." in text
    output("export", "sea", exit_code=2)


def test_an_exported_preset_acts_on_no_terminal(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "sea.Modelfile").write_bytes(b'FROM hf.co/a/b\nSYSTEM """Be brief.\rHidden."""\n')
    export("sea", ollama=True)
    assert "Be brief.\rHidden." in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    export("sea", ollama=True)
    assert "Be brief.␍Hidden." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("template", "line", "said"),
    [
        (GEMMA, "SYSTEM Be brief.", "note: This model's chat template takes no system prompt"),
        (GEMMA, "", "fine"),
        (GEMMA, "SYSTEM Be brief.\nTEMPLATE {{ .System }} {{ .Prompt }}", "fine"),
        (GEMMA, "SYSTEM Be brief.\nTEMPLATE {{ .Prompt }}", "takes no system prompt"),
        (GEMMA, "MESSAGE assistant Hello!", "note: This model's chat template wants a question first"),
        (GEMMA, "MESSAGE user a\nMESSAGE user b", "note: This model's chat template wants the roles by turns"),
        (LLAVA, "SYSTEM Be brief.", "fine"),
        (LAST_ONLY, "MESSAGE user a\nMESSAGE assistant b", "error: The chat template leaves out the question 'a'"),
        ("{{ raise_exception('not today') }}", "", "error: The chat template refuses these messages: not today."),
        ("{% if %}", "", "warning: The chat template cannot be used: Expected an expression, got"),
        ("", "", "note: This model carries no chat template."),
    ],
)  # fmt: skip
def test_check_says_what_the_models_template_does_not_take(own: Path, template: str, line: str, said: str) -> None:
    write_llama(own / "tiny.gguf", 16, template=template)
    (own / "own.Modelfile").write_text(f"FROM ./tiny.gguf\n{line}\n")
    assert said in output("check", "own", exit_code=int(said.startswith("error")))
