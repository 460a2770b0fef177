"""`twiddle presets render`: the exact prompt."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

GO = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"


def test_a_template_alone_needs_no_model(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("{{ if .System }}[{{ .System }}]{{ end }}{{ .Prompt }}!")
    (tmp_path / "r").write_text('{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]}')
    done = twiddle("presets", "render", "--template-file", str(tmp_path / "t"), "--request", str(tmp_path / "r"))
    assert (done.code, done.out) == (0, "[s]hi!")


def test_a_prompt_for_a_program_is_exact(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("\x1b[1m{{ .Prompt }}\r!")
    assert twiddle("presets", "render", "--template-file", str(tmp_path / "t")).out.startswith("\x1b[1mWhy")


def test_a_request_may_hold_tools_and_calls(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(
        "{{ range .Tools }}{{ .Function.Name }}{{ end }}{{ range .Messages }}|{{ .Role }}:{{ .Content }}"
        "{{ range .ToolCalls }}{{ .Function.Name }}{{ .Function.Arguments }}{{ end }}{{ end }}{{ .ThinkLevel }}"
    )
    (tmp_path / "r").write_text(
        """{"model": "x", "think": "high", "tools": [{"type": "function", "function": {"name": "tide"}}], "messages": [
        {"role": "user", "content": "How high?"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "tide", "arguments": {"port": "Brest"}}}]},
        {"role": "tool", "tool_name": "tide", "content": "3 m"}]}"""
    )
    done = twiddle("presets", "render", "--template-file", str(tmp_path / "t"), "--request", str(tmp_path / "r"))
    assert (done.code, done.out) == (0, 'tide|user:How high?|assistant:tide{"port":"Brest"}|tool:3 mhigh')


@pytest.mark.model
def test_the_models_own_template_is_the_default(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "r").write_text('{"messages": [{"role": "user", "content": "hi <|im_end|>"}]}')
    done = twiddle("presets", "render", "greedy", "--request", str(tmp_path / "r"))
    assert done.code == 0, done.err
    assert done.out.endswith("<|im_start|>user\nhi <|im_end|><|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.model
def test_an_explicit_template_is_honoured(twiddle: Command, tmp_path: Path) -> None:
    path = tmp_path / "own.Modelfile"
    path.write_text(f'FROM starter\nSYSTEM rule\nTEMPLATE """{GO}"""\n')
    done = twiddle("presets", "render", str(path))
    assert done.code == 0, done.err
    assert done.out == (
        "<|im_start|>system\nrule<|im_end|>\n<|im_start|>user\nWhy is the sky blue?<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.model
def test_a_request_that_says_its_system_replaces_the_presets(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "own.Modelfile").write_text(f'FROM starter\nSYSTEM rule\nTEMPLATE """{GO}"""\n')
    (tmp_path / "r").write_text('{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}')
    done = twiddle("presets", "render", str(tmp_path / "own.Modelfile"), "--request", str(tmp_path / "r"))
    assert done.out == "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n"


def test_tools_need_a_template_that_can_take_them(twiddle: Command, tmp_path: Path) -> None:
    (tmp_path / "r").write_text('{"tools": []}')
    done = twiddle("presets", "render", "greedy", "--request", str(tmp_path / "r"))
    assert done.code == 1
    assert "this preset has no TEMPLATE; leave them out, or name a --template-file." in done.err


@pytest.mark.parametrize(
    ("template", "request_", "said"),
    [
        ("{{ .Prompt", "{}", "The template cannot be used: line 1, column 1: {{ is not closed; write }}."),
        ("{{ .Prompt }}", '{"messages": 3}', "is no request such as"),
    ],
)
def test_mistakes_are_told(twiddle: Command, tmp_path: Path, template: str, request_: str, said: str) -> None:
    (tmp_path / "t").write_text(template)
    (tmp_path / "r").write_text(request_)
    done = twiddle("presets", "render", "--template-file", str(tmp_path / "t"), "--request", str(tmp_path / "r"))
    assert done.code == 1
    assert said in done.err
