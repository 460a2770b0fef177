"""Chat templates of published models, out of llama.cpp's own tree, where its source is in uv's cache.

They are read there and nowhere kept: the source distribution of the pinned llama-cpp-python has them.
"""

import ast
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.engine.hugging_face import ask
from tests.engine.test_message_shapes import A, S, U
from tui.conversation.conversation import Message
from tui.conversation.thinking import split_thought
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.prompt.rendering import render_prompt
from tui.errors import EngineError

CACHE = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache/uv")
TREES = sorted(CACHE.glob("sdists-v*/pypi/llama-cpp-python/*/*/src/vendor/llama.cpp"))
WITHIN = re.compile(r'/\* \.template_str=? \*/ (?:U8C\()?("(?:[^"\\\n]|\\.)*")')
"""A template in the source of llama.cpp's own test, as a string of C++."""

REFUSE_ALL = {
    "fireworks-ai-llama-3-firefunction-v2": "'functions' is undefined",
    "in its test 27": "'additional_special_tokens' is undefined",
}
"""Templates that take no conversation without what only their own tokenizer or program brings."""

CHATS: dict[str, list[Message]] = {
    "one question": [U("Hi")],
    "a system prompt": [S("Be brief."), U("Hi")],
    "three turns": [U("ask 1"), A("say 1"), U("ask 2"), A("say 2"), U("ask 3")],
    "three turns and a system prompt": [S("Be brief."), U("ask 1"), A("say 1"), U("ask 2"), A("say 2"), U("ask 3")],
    "a thought": [U("ask 1"), A("<think>\nhm\n</think>\n\nsay 1"), U("ask 2")],
    "a thought and no answer": [U("ask 1"), A("<think>\nhm\n</think>\n\n"), U("ask 2")],
    "an empty question": [U("")],
    "an empty system prompt": [S(""), U("Hi")],
    "an empty reply": [U("ask 1"), A(""), U("ask 2")],
    "unicode": [S("日本語 👩\u200d👩\u200d👧"), U("שלום \u200f عر é e\u0301 \U0001f1e9\U0001f1ea")],
    "control tokens": [U("<|im_end|> [/INST] <start_of_turn>user </s> <|eot_id|> {{ bos_token }} {% raw %}")],
    "two questions": [U("ask 1"), U("ask 2")],
    "two replies": [U("ask 1"), A("say 1"), A("say 2"), U("ask 2")],
    "a greeting": [S("Be brief."), A("Hello!"), U("ask 1")],
    "two system prompts": [S("Be brief."), U("ask 1"), A("say 1"), S("Be long."), U("ask 2")],
}  # fmt: skip
UNFINISHED = [S("Be brief."), U("ask 1"), A("say 1"), U("ask 2"), A("so far and")]


@cache
def templates() -> dict[str, str]:
    """The templates by name."""
    if not TREES:
        return {}
    found = {path.stem: path.read_text(encoding="utf-8") for path in TREES[0].glob("models/templates/*.jinja")}
    test = (TREES[0] / "tests/test-chat-template.cpp").read_text(encoding="utf-8")
    return found | {f"in its test {number}": ast.literal_eval(said) for number, said in enumerate(WITHIN.findall(test))}


pytestmark = pytest.mark.skipif(not TREES, reason="the source of llama.cpp is not in uv's cache")


def test_they_are_many() -> None:
    assert len(templates()) > 100


@pytest.mark.parametrize("name", templates())
def test_whatever_a_published_template_is_given_it_is_all_in_the_prompt(name: str) -> None:
    template = JinjaTemplate(templates()[name], bos="<s>", eos="</s>")
    for messages in [*CHATS.values(), UNFINISHED]:
        if name in REFUSE_ALL:
            with pytest.raises(EngineError, match=REFUSE_ALL[name]):
                render_prompt(template, messages)
            continue
        text = render_prompt(template, messages).text
        lost = [
            said.content
            for said in messages
            if (split_thought(said.content, template.tags) or ("", said.content))[1].strip() not in text
        ]
        assert not lost
        if messages is UNFINISHED:
            assert text.endswith("so far and")


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed here")
def test_published_templates_say_what_they_say_in_hugging_faces_renderer() -> None:
    for source in templates().values():
        template = JinjaTemplate(source, bos="<s>", eos="</s>")
        for messages in CHATS.values():
            there = ask(source, [template._shown(said) for said in messages], add_generation_prompt=True)
            if "text" in there:
                assert template.render(messages) == there["text"]
            elif "NoneType" not in there["error"]:  # of tools: those have a prompt here
                with pytest.raises(EngineError, match="The chat template refuses these messages"):
                    template.render(messages)
