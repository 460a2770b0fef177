"""What Hugging Face's renderer makes of templates that try each thing it adds to Jinja.

`python tests/engine/hugging_face.py`, with transformers installed, writes hugging_face.json beside it.
"""

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_suffix(".json")

LOOP = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"

TEMPLATES = {
    "generation": (
        "{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}{{ eos_token }}"
        "{% endgeneration %}{% else %}U:{{ m.content }}{% endif %}{% endfor %}"
    ),
    "generation on lines": (
        "{%- for m in messages %}\n  {%- if m.role == 'assistant' %}\n    {% generation %}\n{{ m.content }}\n"
        "    {% endgeneration %}\n  {%- else %}\n{{ m.content }}\n  {%- endif %}\n{%- endfor %}"
    ),
    "generation trimmed": (
        "{% for m in messages %} {%- generation -%} {{ m.content }} "
        "{%- endgeneration -%} {% endfor %}"
    ),
    "generation has a scope": "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "generation, loop variable": (
        "{% for m in messages %}{% generation %}{{ loop.index }}{% endgeneration %}"
        "{% endfor %}"
    ),
    "generation is not closed": "{% generation %}{{ messages[0].content }}",
    "break": "{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.content }}{% endfor %}",
    "continue": "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "do": "{% do messages.append(1) %}x",
    "trans": "{% trans %}x{% endtrans %}",
    "debug": "{% debug %}",
    "tojson": "{{ messages | tojson }}",
    "tojson keeps html": "{{ '<a href=\"x\">&\\'' | tojson }}",
    "tojson of signs": "{{ 'é \U0001f600 \\u2028' | tojson }}",
    "tojson in ascii": "{{ messages[0] | tojson(ensure_ascii=True) }}",
    "tojson by place": "{{ 'é' | tojson(True) }}",
    "tojson on lines": "{{ messages | tojson(indent=2) }}",
    "tojson with signs of its own": "{{ messages | tojson(separators=(',', ':')) }}",
    "tojson in order": "{{ {'b': 1, 'a': none, 'c': [true, 1.5]} | tojson(sort_keys=true) }}",
    "tojson of what is undefined": "{{ nothing | tojson }}",
    "tojson takes no other argument": "{{ messages | tojson(other=1) }}",
    "raise_exception": "{{ raise_exception('Only one question, please') }}",
    "raise_exception, maybe": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}" + LOOP
    ),
    "strftime_now": "{{ strftime_now('%Y') | length }} {{ strftime_now('%%d') }}",
    "strftime_now is there": "{{ strftime_now is defined }}{{ date_string is defined }}",
    "a date by itself": (
        "{% if not date_string is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}{{ date_string }}"
    ),
    "tools are None": "{{ tools is defined }} {{ tools is none }} {{ tools }}{% if tools %}tools{% endif %}",
    "documents are None": "{{ documents is defined }} {{ documents is none }}{% if documents %}documents{% endif %}",
    "tools that are not None": "{% if tools is not none and tools is iterable %}{{ tools | length }}{% endif %}none",
    "other variables are not there": (
        "{% for each in [builtin_tools, functions, datetime, custom_tools, enable_thinking, thinking_budget, "
        "reasoning_effort, model_identity, continue_final_message, xml_tools, controls] %}{{ each is defined }} "
        "{% endfor %}"
    ),
    "add_generation_prompt": LOOP + "{% if add_generation_prompt %}[assistant]{% endif %}",
    "tokens": "{{ bos_token + messages[0].content + eos_token }}",
    "blocks on lines of their own": (
        "{% for m in messages %}\n    {{ m.content }}\n    {% if m %}\n  x\n    "
        "{% endif %}\n{% endfor %}\n"
    ),
    "comments": "a\n  {# no line #}\nb{#- x -#}  c",
    "signs that trim": "{{- ' x ' -}}   \n {%- if true -%} y {%- endif +%}\n z",
    "raw": "{% raw %}{{ messages }}{% endraw %}",
    "nothing is escaped": "{{ '<b>&</b>' }}{{ messages[0].content | e }}",
    "a line end at the end": LOOP + "\n",
    "two line ends at the end": LOOP + "\n\n",
    "windows line ends": "{{ messages[0].content }}\r\n{{ messages[0].role }}\r\n",
    "append": "{{ messages.append(1) }}",
    "pop": "{{ messages.pop() }}",
    "update": "{{ messages[0].update({'role': 'x'}) }}",
    "setdefault": "{{ messages[0].setdefault('x', 1) }}",
    "dict.update": "{{ dict.update(messages[0], role='x') }}{{ messages[0].role }}",
    "list of one's own": "{% set x = [] %}{{ x.append(1) }}{{ x }}",
    "list made larger": "{% set x = [1] + [2] %}{{ x }}",
    "insides of a text": "{{ ''.__class__ }}",
    "insides of a text, further": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "insides of a function": "{{ raise_exception.__globals__ }}",
    "insides by attr": "{{ '' | attr('__class__') }}",
    "insides by format": "{{ '{0.__class__}'.format('') }}",
    "insides by format_map": "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "self": "{{ self }}" + LOOP,
    "dict": "{{ dict(a=1, b='x') }}{{ dict.fromkeys(['a', 'b'], 1) }}",
    "namespace": (
        "{% set n = namespace(found=false, n=0) %}{% for m in messages %}{% set n.found = true %}"
        "{% set n.n = n.n + 1 %}{% endfor %}{{ n.found }} {{ n.n }}"
    ),
    "namespace of a dict": "{% set n = namespace({'a': 1}, b=2) %}{{ n.a + n.b }}",
    "namespace of itself": "{% set n = namespace(self=1) %}{{ n.self }}",
    "namespace, private": "{% set n = namespace(_a=1) %}{{ n._a }}",
    "namespace, private later": "{% set n = namespace() %}{% set n.__class__ = 1 %}x",
    "a loop sets nothing outside": "{% set x = 0 %}{% for m in messages %}{% set x = 1 %}{% endfor %}{{ x }}",
    "undefined is nothing": "{{ nothing }}[{{ messages[0].nothing }}]{{ messages[0]['nothing'] is defined }}",
    "undefined of undefined": "{{ nothing.of.that }}",
    "undefined in a loop": "{% for x in nothing %}x{% endfor %}{{ nothing | length }}{{ nothing | default('d') }}",
    "undefined added": "{{ nothing + 'x' }}",
    "undefined joined": "{{ nothing ~ 'x' }}",
    "a message that is not there": "{{ messages[7] }}{{ messages[7].role }}",
    "slices": (
        "{{ messages[1:] | length }}{{ messages[::-1][0].content }}{{ messages[-1].role }}{{ messages[:-1] | length }}"
        ""
    ),
    "texts": (
        "{% set c = messages[0].content %}{{ c.split(' ') }}{{ c.strip() }}{{ c.startswith('H') }}{{ c.upper() }}"
        "{{ c.replace('i', '!') }}{{ '%s-%d' % (c, 3) }}{{ '{}'.format(c) }}{{ c[1:] }}{{ c | trim | length }}"
    ),
    "filters": (
        "{{ messages | map(attribute='content') | join('|') }}{{ messages | selectattr('role', 'equalto', 'user') "
        "| list | length }}{{ messages | rejectattr('role', 'eq', 'user') | map(attribute='role') | unique | list }}"
        "{{ 'ab' | capitalize }}{{ 'x\ny' | indent(2) }}{{ {'b': 1, 'a': 2} | dictsort }}{{ {'a': 1} | items | list }}"
        "{{ '3' | int + 1 }}{{ [3, 1] | sort | first }}{{ 'a' | string | last }}{{ [1, 2] | sum }}{{ 2.5 | round }}"
    ),
    "tests": (
        "{% for x in ['', [], {}, none, 1, true, messages] %}{{ x is string }}{{ x is iterable }}{{ x is mapping }}"
        "{{ x is sequence }}{{ x is none }}{{ x is number }}{{ x is boolean }} {% endfor %}"
    ),
    "loops": (
        "{% for m in messages %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}"
        "{{ loop.previtem is defined }}{{ loop.nextitem.role if loop.nextitem }} {% else %}none{% endfor %}"
    ),
    "a loop with a condition": "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content }}{% endfor %}",
    "macros": (
        "{% macro show(m, end='.') %}<{{ m.role }}>{{ caller() if caller }}{{ end }}{% endmacro %}"
        "{{ show(messages[0]) }}{% call show(messages[0], end='!') %}in{% endcall %}"
    ),
    "blocks": "{% set x %}a{{ messages[0].role }}{% endset %}{{ x }}{% filter upper %}b{% endfilter %}",
    "with": "{% with a = 1 %}{{ a }}{% endwith %}{{ a is defined }}",
    "message, every way": (
        "{% for m in messages %}{{ m.role }}{{ m['role'] }}{{ m.get('role') }}{{ m.get('name', '-') }}"
        "{{ 'content' in m }}{{ m.items() | list }}{{ m.keys() | list }}{{ m.tool_calls is defined }}{% endfor %}"
    ),
    "alternation": (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{{ m.content }}{% endfor %}"
    ),
    "numbers": "{{ 7 // 2 }}{{ 7 / 2 }}{{ 7 % 2 }}{{ 2 ** 3 }}{{ 1 == 1.0 }}{{ range(3) | list }}",
    "division by zero": "{{ 1 / 0 }}",
    "a filter that is not there": "{{ messages | no_such_filter }}",
    "a test that is not there": "{{ messages is no_such_test }}",
    "a function that is not there": "{{ no_such_function() }}",
    "a method that is not there": "{{ messages.no_such_method() }}",
    "an include": "{% include 'other' %}",
    "not a template": "{% if %}",
    "cycler and joiner": (
        "{% set c = cycler('a', 'b') %}{% set j = joiner(',') %}"
        "{% for m in messages %}{{ j() }}{{ c.next() }}{% endfor %}"
    ),
    "a thought": (
        "{% for m in messages %}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
        "{{ m.content }}{% endfor %}"
    ),
    "a thought by another name": (
        "{% for m in messages %}{% if 'thinking' in m %}<think>{{ m['thinking'] }}</think>{% endif %}{{ m.content }}"
        "{% endfor %}"
    ),
}  # fmt: skip

CHATS: dict[str, list[dict[str, str]]] = {
    "one": [{"role": "user", "content": "Hi é <b>"}],
    "three": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " a "},
        {"role": "assistant", "content": "b\n"},
        {"role": "user", "content": "c"},
    ],
}
THOUGHT = "<think>\nhm\n</think>\n\nb"


def chats(source: str) -> dict[str, list[dict[str, str]]]:
    """The conversations that a template is tried with."""
    thoughtful = [*CHATS["one"], {"role": "assistant", "content": THOUGHT}, *CHATS["one"]]
    return CHATS | ({"thought": thoughtful} if "</think>" in source else {})


def given(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """The conversation as the renderer is given it: with the thought beside the answer."""
    split = {"role": "assistant", "content": "b", "reasoning_content": "hm"}
    return [split if message["content"] == THOUGHT else message for message in chat]


def ask(source: str, chat: list[dict[str, str]], **form: Any) -> dict[str, str]:
    """What the renderer makes of a conversation."""
    from transformers.utils.chat_template_utils import render_jinja_template  # type: ignore[import-not-found]

    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    try:
        (text,), _ = render_jinja_template([given(chat)], chat_template=source, **form, **tokens)
    except Exception as error:  # noqa: BLE001  (whatever it is, it refuses)
        return {"error": str(error)}
    return {"text": text}


if __name__ == "__main__":
    made = {
        name: {chat: ask(source, said, add_generation_prompt=True) for chat, said in chats(source).items()}
        for name, source in TEMPLATES.items()
    }
    RECORDED.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
