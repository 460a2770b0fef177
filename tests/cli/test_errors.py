"""The door where errors become words: one sentence on stderr, nothing on stdout, and an exit code."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "precis", "Hi"], "There is no preset and no model 'precis'. Did you mean precise?"),
        (["run", "temprature=1", "Hi"], "There is no knob 'temprature'. Did you mean temperature?"),
        (["run", "temperature=9", "Hi"], "temperature: 9 is out of range; it goes from 0 to 5."),
        (["run", "temperature=hot", "Hi"], "temperature: 'hot' is not a number; it goes from 0 to 5."),
        (["run", "top_k=1,hot", "Hi"], "'hot' is not knob=value"),
        (["run", "/none.gguf", "Hi"], "There is no model file '/none.gguf'"),
        (["run", "\x1b[31m", "Hi"], "There is no preset"),
        (["compare", "precise", "top_p=2", "-p", "Hi"], "top_p: 2 is out of range; it goes from 0 to 1."),
        (["presets", "show", "precis"], "Did you mean precise?"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(twiddle: Command, words: list[str], said: str) -> None:
    code, out, err = twiddle(*words)
    assert (code, out) == (1, "")
    assert err.startswith("twiddle: ") and said in err and err.count("\n") == 1
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "The screen needs a terminal and stdin is not one; use `twiddle run`."),
        (["chat", "precise"], "use `twiddle run`."),
        (["compare", "precise", "creative"], "use `twiddle compare A B -p PROMPT`."),
        (["run"], "There is no prompt"),
        (["run", "precise", "  "], "There is no prompt"),
        (["compare", "precise", "creative", "-p", ""], "There is no prompt"),
        (["run", "--fast", "Hi"], "No such option: --fast"),
        (["run", "default", "Hi", "there"], "(there)"),
        (["chta"], "No such command 'chta'. Did you mean 'chat'?"),
    ],
)
def test_what_cannot_be_meant_exits_with_2(twiddle: Command, words: list[str], said: str) -> None:
    code, out, err = twiddle(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_model_that_is_missing_is_named(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "lost.Modelfile").write_text("FROM ./lost.gguf\n")
    code, _, err = twiddle("run", str(tmp_path / "lost.Modelfile"), "Hi")
    assert code == 1
    assert err == f"twiddle: There is no model file {str(tmp_path / 'lost.gguf')!r}.\n"


@pytest.mark.parametrize(("words", "exit_code"), [(["precis", "Hi"], 1), ([""], 2)])
def test_for_a_program_an_error_is_a_line_of_json(twiddle: Command, words: list[str], exit_code: int) -> None:
    code, out, err = twiddle("run", "--json", *words)
    assert (code, err) == (exit_code, "")
    error = json.loads(out)
    assert error.keys() == {"event", "message"} and error["event"] == "error"


def test_json_without_a_prompt_is_no_comparison(twiddle: Command) -> None:
    code, out, _ = twiddle("compare", "precise", "creative", "--json")
    assert code == 2
    assert "needs a prompt" in json.loads(out)["message"]
