"""Templates drawn at random, against what Go's own text/template and Ollama's own engine made of them.

`go_templates.json` holds what they gave: text/template of Go 1.23 with Ollama's functions, and the template engine of
Ollama v0.33 for whole requests. Numbers in other bases were replaced by the same numbers in decimal.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui.presets.gotemplate import TemplateError, read_template
from tui.presets.ollama_prompt import OllamaPrompt
from tui.presets.tools import ToolMessage

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "go_templates.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["templates"], ids=lambda case: case["template"])
def test_a_template_says_what_go_says(case: dict[str, Any]) -> None:
    if "output" in case:
        assert read_template(case["template"]).render(CASES["data"]) == case["output"]
        return
    with pytest.raises(TemplateError):
        template = read_template(case["template"])
        # What Go refuses to read, we refuse to read.
        assert case["error"] == "exec", "it was read"
        template.render(CASES["data"])


@pytest.mark.parametrize("case", CASES["requests"], ids=lambda case: case["template"])
def test_a_request_is_rendered_as_by_ollama(case: dict[str, Any]) -> None:
    messages = msgspec.convert(case["messages"], tuple[ToolMessage, ...])
    if "output" in case:
        said = OllamaPrompt(case["template"]).render(messages, tools=case.get("tools"), think=case.get("think"))
        assert said == case["output"]
        return
    with pytest.raises(TemplateError):
        OllamaPrompt(case["template"]).render(messages, tools=case.get("tools"), think=case.get("think"))
