"""`twiddle presets render`: the exact prompt."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.engine.ggufs import write_llama
from tests.engine.test_message_shapes import GEMMA

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


@pytest.mark.model
def test_a_system_prompt_that_a_template_does_not_take_is_shown_where_it_is_put(
    twiddle: Command, tmp_path: Path
) -> None:
    write_llama(tmp_path / "tiny.gguf", 16, template=GEMMA)
    (tmp_path / "own.Modelfile").write_text("FROM ./tiny.gguf\nSYSTEM Be brief.\n")
    done = twiddle("presets", "render", str(tmp_path / "own.Modelfile"))
    assert done.code == 0, done.err
    assert "<start_of_turn>user\nBe brief.\n\nWhy is the sky blue?<end_of_turn>\n" in done.out
    assert "takes no system prompt: it is put before the first question." in done.err


@pytest.mark.model
@pytest.mark.parametrize("name", ["Tiny Base", "tiny-pretrained"])
def test_a_model_whose_file_says_base_has_no_turns(twiddle: Command, tmp_path: Path, name: str) -> None:
    write_llama(tmp_path / "tiny.gguf", 16, name=name, template=GEMMA)
    (tmp_path / "own.Modelfile").write_text("FROM ./tiny.gguf\nSYSTEM Be brief.\n")
    done = twiddle("presets", "render", str(tmp_path / "own.Modelfile"))
    assert done.out.endswith("System: Be brief.\n\nUser: Why is the sky blue?\n\nAssistant:")
    assert "This is a base model" in done.err
