"""Thoughts: their tags, and where in a reply they begin and end."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.conversation.conversation import Message
from tui.conversation.thinking import (
    WRITTEN_TAGS,
    Tags,
    Thought,
    ThoughtReader,
    find_tags,
    find_thought,
    given_tags,
    tags_among,
)
from tui.errors import KnobError
from tui.knobs.lint import in_vain
from tui.knobs.pair import KnobPair, thought_overrides
from tui.knobs.setting import parse_setting
from tui.knobs.table import KNOBS, THOUGHT_KNOBS, Knobs, knob, turn
from tui.presets.checks import check
from tui.presets.library import resolve
from tui.presets.ollama import for_ollama
from tui.presets.ollama_prompt import OllamaPrompt
from tui.presets.preset import compose, read_preset
from tui.presets.save import edit_knobs
from tui.presets.serialize import write_preset

THINK = Tags("<think>", "</think>")

TEMPLATES = {
    "qwen3": ("{% if '</think>' in content %}{{ content.split('</think>')[-1] }}{% endif %}<think>\n", THINK),
    "r1-distill": ("{% set content = content.split('</think>')[-1] %}", THINK),
    "magistral": ("{{ '[THINK]' + thinking + '[/THINK]' }}", Tags("[THINK]", "[/THINK]")),
    "command-a": ("<|START_THINKING|>{{ x }}<|END_THINKING|>", Tags("<|START_THINKING|>", "<|END_THINKING|>")),
    "gemma4": ("{{- '<|channel>thought\\n<channel|>' -}}", Tags("<|channel>thought", "<channel|>")),
    "seed-oss": ("{% set think_end = '</seed:think>' %}", Tags("<seed:think>", "</seed:think>")),
    "reasoning": ("<reasoning>{{ r }}</reasoning>", Tags("<reasoning>", "</reasoning>")),
    "kimi-vl": ("◁think▷{{ r }}◁/think▷", Tags("◁think▷", "◁/think▷")),
    "ollama, known": ("{{ if .Thinking }}<think>\n{{ .Thinking }}\n</think>\n{{ end }}", THINK),
    "ollama, of its own": ("{{ range .Messages }}<muse>{{ .Thinking }}</muse>{{ end }}", Tags("<muse>", "</muse>")),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_shows_its_tags(name: str) -> None:
    template, tags = TEMPLATES[name]
    assert find_tags(template) == tags


def test_the_channels_of_gpt_oss_are_tags() -> None:
    tags = find_tags('{{- "<|start|>assistant<|channel|>analysis<|message|>" + message.thinking + "<|end|>" }}')
    assert tags
    said = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42"
    thought = find_thought(said, tags)
    assert thought and thought.parts(said) == ("hm", "42")


def test_a_template_without_thoughts_has_none() -> None:
    assert find_tags("{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}") is None
    assert find_tags("{{ .System }}{{ .Prompt }}{{ .Response }}") is None


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in zip(ends, ends[1:], strict=False)]


@given(st.text("ab<think/>\n `", max_size=30), st.text("ab<think>\n `", max_size=30), st.lists(st.integers(0, 90)))
def test_tags_are_found_however_they_are_cut_into_tokens(inner: str, answer: str, places: list[int]) -> None:
    inner = inner.replace("</think>", "")
    said = f"<think>{inner}</think>{answer}"
    thought = find_thought(said, THINK)
    assert thought and said[thought.start :].startswith(inner)
    reading = ThoughtReader(THINK)
    crossings = [reading.feed(piece) for piece in cut(said, places)]
    assert reading.thought and not reading.inside
    assert (reading.thought.start, reading.thought.end, reading.thought.answer) == (
        thought.start, thought.end, thought.answer,
    )  # fmt: skip
    assert 1 <= sum(crossings) <= 2


def test_a_tag_ends_the_thought_with_the_very_token_that_completes_it() -> None:
    reading = ThoughtReader(THINK)
    assert [reading.feed(piece) for piece in ("\n<th", "ink>", "hm", "</thi", "nk", ">", "42", "</think>")] == [
        False, True, False, False, False, True, False, False,
    ]  # fmt: skip
    assert reading.thought == Thought(8, 10, 18, tokens=3)


@pytest.mark.parametrize(
    "answer", ["```\n<think>\n```", "In HTML, <think> is no tag.", "<thinking> aloud", "42 </think>", "<t"]
)
def test_tags_further_on_are_what_the_answer_says(answer: str) -> None:
    reading = ThoughtReader(THINK)
    for sign in answer:
        reading.feed(sign)
    assert reading.thought is None


def test_a_tag_never_closed_leaves_everything_thought() -> None:
    reading = ThoughtReader(THINK)
    for sign in "<think>on and on":
        reading.feed(sign)
    assert reading.inside and reading.thought
    assert reading.thought.parts("<think>on and on") == ("on and on", "")


def test_where_the_prompt_has_opened_the_tag_the_reply_begins_inside() -> None:
    reading = ThoughtReader(THINK, inside=True)
    assert reading.inside
    for sign in "hm</think>42":
        reading.feed(sign)
    assert reading.thought and reading.thought.parts("hm</think>42") == ("hm", "42")
    assert find_thought("hm</think>42", THINK) == Thought(0, 2, 10)


def test_the_knobs_can_give_the_tags() -> None:
    assert given_tags(turn(Knobs(), think_open="Plan:", think_close="Answer:")) == Tags("Plan:", "Answer:")
    assert given_tags(turn(Knobs(), think_open="Plan:")) is None
    assert in_vain(turn(Knobs(), think_open="Plan:")) == {"think_open": "think_close is not set"}


def test_every_knob_that_acts_while_a_reply_is_written_can_be_apart_for_the_thought() -> None:
    staged = {name for name, row in KNOBS.items() if row.stage}
    assert {f"think_{name}" for name in staged | {"sampler_order", "strategy", "stop"}} <= THOUGHT_KNOBS.keys()
    whole = ("seed", "num_predict", "schema", "thinking", "think_open", "num_ctx")
    assert not {f"think_{name}" for name in whole} & THOUGHT_KNOBS.keys()
    assert not THOUGHT_KNOBS.keys() & KNOBS.keys()


def test_what_is_apart_follows_the_answer_in_everything_else() -> None:
    turned = (("think_temperature", 0.2), ("top_k", 5))
    assert thought_overrides(turned) == (("temperature", 0.2),)
    knobs = turn(Knobs(), **dict(turned))
    assert knobs == turn(Knobs(), top_k=5)
    pair = KnobPair(knobs, thought_overrides(turned))
    assert pair.while_thinking == turn(Knobs(), top_k=5, temperature=0.2)
    assert KnobPair(knobs).while_thinking is None
    warmer = pair.turn("temperature", 1.5).turn("think_top_p", 0.5)
    assert warmer.while_thinking == turn(Knobs(), top_k=5, temperature=0.2, top_p=0.5)
    assert (warmer.value("temperature"), warmer.value("think_temperature"), warmer.value("think_top_k")) == (
        1.5,
        0.2,
        5,
    )
    assert warmer.differing(pair) == ("temperature", "think_top_p")
    assert KnobPair(knobs, (("top_k", 5),)).differing(KnobPair(knobs)) == ()
    with pytest.raises(KnobError, match="think_temperature: 9 is out of range"):
        knob("think_temperature").parse("9")


def test_a_setting_can_turn_the_thought_alone() -> None:
    chosen = resolve(parse_setting("precise,think_temperature=1.1,top_k=7"))
    assert (chosen.knobs.temperature, chosen.knobs.top_k, chosen.pair.thought) == (0.2, 7, (("temperature", 1.1),))
    assert chosen.pair.while_thinking == turn(chosen.knobs, temperature=1.1)
    assert str(chosen.setting) == "precise,think_temperature=1.1,top_k=7"


GO = (
    "{{ range .Messages }}[{{ .Role }}]{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}{{ end }}"
    "{{ if .IsThinkSet }}{{ if .Think }}/think{{ else }}/no_think{{ end }}{{ end }}"
)


def test_a_go_template_is_given_earlier_thoughts_apart_and_told_whether_to_think() -> None:
    said = [Message("user", "q"), Message("assistant", "<think>\nhm\n</think>\n\n42"), Message("user", "r")]
    assert OllamaPrompt(GO).render(said) == "[user]q[assistant]<think>hm</think>42[user]r"
    assert OllamaPrompt(GO).render(said[:1], think=False) == "[user]q/no_think"
    assert OllamaPrompt(GO).has_switch and not OllamaPrompt("{{ .Prompt }}").has_switch


def test_a_modelfile_turns_the_thought_alone_and_is_told_of_what_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "muse.Modelfile"
    text = "FROM starter\nPARAMETER temperature 0.9\nPARAMETER think_temperature 0.2\nPARAMETER think_mirostat_tau 3\n"
    path.write_text(text)
    preset = read_preset(path)
    assert preset.pair == KnobPair(turn(Knobs(), temperature=0.9), (("temperature", 0.2), ("mirostat_tau", 3.0)))
    assert compose(write_preset(preset), path).pair == preset.pair
    refused, vain = check(text, path)
    assert (vain.line, vain.text) == (4, "think_mirostat_tau 3 does nothing: mirostat is off.")
    assert "PARAMETER think_temperature" in refused.text
    assert "# PARAMETER think_temperature 0.2" in for_ollama(preset).text
    changed = edit_knobs(text, path, preset.pair.turn("think_temperature", 0.4))
    assert "PARAMETER think_temperature 0.4\n" in changed
    assert compose(changed, path).pair.value("think_temperature") == 0.4


@pytest.mark.parametrize(
    ("controls", "tags"),
    [
        (("<think>", "</think>"), THINK),
        (("<mm:think>", "</mm:think>"), Tags("<mm:think>", "</mm:think>")),
        (("[THINK]", "[/THINK]", "[INST]", "[/INST]"), Tags("[THINK]", "[/THINK]")),
        (("<seed:think>", "</seed:think>"), Tags("<seed:think>", "</seed:think>")),
        (("<|think|>", "<|/think|>"), Tags("<|think|>", "<|/think|>")),
        (("<|START_THINKING|>", "<|END_THINKING|>"), Tags("<|START_THINKING|>", "<|END_THINKING|>")),
        (("<|begin_of_thought|>", "<|end_of_thought|>"), Tags("<|begin_of_thought|>", "<|end_of_thought|>")),
        (("<reasoning>", "</reasoning>"), Tags("<reasoning>", "</reasoning>")),
        (("◁think▷", "◁/think▷"), Tags("◁think▷", "◁/think▷")),
        (("<my_reasoning_start>", "<my_reasoning_end>"), Tags("<my_reasoning_start>", "<my_reasoning_end>")),
        (("<think>",), None),
        (("<|im_start|>", "<|im_end|>", "</s>"), None),
    ],
)
def test_the_control_tokens_of_a_vocabulary_show_its_tags(controls: tuple[str, ...], tags: Tags | None) -> None:
    assert tags_among(["<s>", "</s>", *controls]) == tags


def test_the_channels_of_gpt_oss_are_found_in_its_vocabulary() -> None:
    tags = tags_among(["<|start|>", "<|end|>", "<|channel|>", "<|message|>", "<|return|>"])
    assert tags and tags.open == "<|channel|>analysis<|message|>"


@pytest.mark.parametrize("tags", WRITTEN_TAGS, ids=lambda tags: tags.open)
def test_tags_that_nothing_tells_of_are_found_in_what_is_written(tags: Tags) -> None:
    text = f"\n{tags.open}Hm.{tags.close}42"
    for pieces in (list(text), [text]):
        reader = ThoughtReader(None, guesses=WRITTEN_TAGS)
        for piece in pieces:
            reader.feed(piece)
        assert reader.tags == tags and not reader.may_open
        assert reader.thought and reader.thought.parts(text) == ("Hm.", "42")


@pytest.mark.parametrize("text", ["42", "<html>", "[1]", "<thin", "<|x|>", "◁", "See <think>this</think>."])
def test_what_begins_with_no_tag_is_no_thought(text: str) -> None:
    reader = ThoughtReader(None, guesses=WRITTEN_TAGS)
    for sign in text:
        reader.feed(sign)
    assert reader.thought is None


@pytest.mark.parametrize("blank", ["", "\n"])
def test_an_answer_may_be_announced_without_a_thought(blank: str) -> None:
    tags = tags_among(["<|start|>", "<|channel|>", "<|message|>"])
    text = f"{blank}<|channel|>final<|message|>42"
    thought = find_thought(text, tags) if tags else None
    assert thought and thought.parts(text) == ("", "42")
    reader = ThoughtReader(tags)
    assert [reader.feed(sign) for sign in text].count(True) == 1
    assert reader.thought == thought and not reader.inside and not reader.may_open


def test_a_template_may_open_a_thought_that_it_does_not_close() -> None:
    assert find_tags("{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}") == THINK
