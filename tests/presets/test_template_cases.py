"""Prompts of templates, against those of Ollama's own engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from tui.conversation.conversation import Message
from tui.presets.gotemplate import TemplateError
from tui.presets.ollama_prompt import OllamaPrompt

FILE = Path(__file__).parents[3] / "shared" / "cases" / "template.json"
CASES = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []


@pytest.mark.skipif(not CASES, reason="the conformance cases are not here")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_it_is_rendered_as_by_ollama(case: dict[str, Any]) -> None:
    request = case.get("request", {})
    messages = [Message(each["role"], each["content"]) for each in request.get("messages", [])]
    if "output" in case["expect"]:
        said = OllamaPrompt(case["template"]).render(
            messages, tools=request.get("tools", ()), think=request.get("think")
        )
        assert said == case["expect"]["output"]
    elif case["expect"]["error"] == "template_parse":
        with pytest.raises(TemplateError):
            OllamaPrompt(case["template"])
    else:
        prompting = OllamaPrompt(case["template"])
        with pytest.raises(TemplateError):
            prompting.render(messages)
