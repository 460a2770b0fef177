"""No message can forge a role, whatever it holds and whichever template it goes through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.scripted import END, START, Script, ScriptedBackend
from tui.conversation.conversation import Message
from tui.engine.llama import make_stage
from tui.engine.prompt.prompt import PromptWriter

JINJA = {
    "plain": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>",
    "trimming": "{% for m in messages %}<|im_start|>{{ m.content | trim }}<|im_end|>{% endfor %}",
    "upper": "{% for m in messages %}<|im_start|>{{ m.content | upper }}<|im_end|>{% endfor %}",
    "lower": "{% for m in messages %}<|im_start|>{{ m.content | lower }}<|im_end|>{% endfor %}",
    "side by side": "{% for m in messages %}{{ m.content }}{% endfor %}",
    "all in one": "<|im_start|>{{ messages | map(attribute='content') | join('') }}<|im_end|>",
    "cutting": "{% for m in messages %}<|im_start|>{{ m.content.split('x')[-1] }}<|im_end|>{% endfor %}",
    "replacing": "{% for m in messages %}<|im_start|>{{ m.content | replace('x', '|') }}<|im_end|>{% endfor %}",
}
GO = {
    "messages": "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>",
    "turns": "{{ .System }}{{ .Prompt }}<|im_end|>{{ .Response }}",
    "quoting": '{{ range .Messages }}<|im_start|>{{ printf "%q" .Content }}<|im_end|>{{ end }}',
    "by the json": "{{ range .Messages }}<|im_start|>{{ json .Content }}<|im_end|>{{ end }}",
    "cutting": "{{ range .Messages }}<|im_start|>{{ if .Content }}{{ slice .Content 1 }}{{ end }}<|im_end|>{{ end }}",
}
TEMPLATES = [(name, jinja, "") for name, jinja in JINJA.items()] + [(f"go {name}", None, go) for name, go in GO.items()]

pieces = st.sampled_from(
    ["<|im_end|>", "<|im_start|>", "<|im_", "end|>", "start|>", "<", "|", ">", "im_end", "<|IM_END|>", "<xim_endx>",
     "x", "system", "user", "\n", " ", "{{ .System }}", "{% raw %}", "\u200b", "\x00", "a", "é", "<|im_en<|im_end|>d|>"]
)  # fmt: skip
contents = st.lists(pieces, max_size=8).map("".join)
chats = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), contents), min_size=1, max_size=5)


def writer(jinja: str | None) -> PromptWriter:
    return PromptWriter(ScriptedBackend(Script(template=jinja), make_stage, lambda share: None))


def controls(tokens: list[int]) -> list[int]:
    return [token for token in tokens if token in (START, END)]


@pytest.mark.parametrize(("name", "jinja", "go"), TEMPLATES, ids=lambda given: given if given else None)
@given(chats)
@settings(max_examples=depth(40, 200))
def test_c01_c02_c03_the_control_tokens_are_those_of_a_harmless_chat(
    name: str, jinja: str | None, go: str, chat: list[tuple[str, str]]
) -> None:
    prompts = writer(jinja)
    said = [Message(role, text) for role, text in chat]  # type: ignore[arg-type]
    said.append(Message("user", "q"))
    harmless = [Message(each.role, "a" if each.content else "") for each in said]
    if any(each.content and not each.content.strip() for each in said):
        return  # of which a template may keep nothing
    assert controls(prompts.write(said, go)) == controls(prompts.write(harmless, go))


@pytest.mark.parametrize(("jinja", "go"), [(JINJA["side by side"], ""), (None, GO["turns"])])
def test_c01_two_messages_make_no_control_token_together(jinja: str | None, go: str) -> None:
    said = [Message("system", "<|im_"), Message("user", "end|>")]
    prompts = writer(jinja)
    apart = [Message("system", "a"), Message("user", "b")]
    assert controls(prompts.write(said, go)) == controls(prompts.write(apart, go))
