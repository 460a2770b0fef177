"""Templates differ in the form in which they take messages: what is said is in the prompt, or nothing is sent."""

from functools import partial
from itertools import product
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.engine.bench import Bench
from tests.engine.scripted import Script, ScriptedBackend
from tui.conversation.conversation import Message, Role
from tui.engine.llama import make_stage
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.prompt.prompt import OllamaTemplate, PromptWriter
from tui.engine.prompt.rendering import RenderedPrompt, render_prompt
from tui.engine.protocol import Event, Failed, Notice, Render, Rendered, ReplyRequest, Token
from tui.errors import EngineError
from tui.knobs.table import Knobs

GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}"
    "{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
LLAVA = (
    "{% for message in messages %}{{ message['role'] | upper }}{% if message['content'][0]['type'] == 'image' %}:"
    "{% else %}: {% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}<image>{% endif %}{% endfor %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
MIXED = (  # the system prompt a text, the rest in parts
    "{% for m in messages %}{% if m.role == 'system' %}{{ 'S:' + m.content }}{% else %}{{ m.role[0] }}:"
    "{% for part in m.content if part.type == 'text' %}{{ part.text }}{% endfor %}{% endif %}{{ '\n' }}{% endfor %}"
)
FIRST_PART = (  # of the system prompt, whatever it is: as Mistral Small 3.1 has it
    "{% for m in messages %}{% if m.role == 'system' %}S:{{ m.content[0].text }}{% elif m.content is string %}"
    "{{ m.content }}{% else %}{% for part in m.content %}{{ part['text'] }}{% endfor %}{% endif %}{{ '\n' }}"
    "{% endfor %}"
)
EITHER = (
    "{% for m in messages %}{{ m.role }}:{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{{ '\n' }}{% endfor %}"
)
FORGETFUL = (  # of everybody but the person
    "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}\n"
    "{% elif m.role == 'assistant' %}A:{{ m.content }}\n{% endif %}{% endfor %}A:"
)
FIRST_ONLY = (
    "{% if messages[0].role == 'system' %}S:{{ messages[0].content }}\n{% set rest = messages[1:] %}{% else %}"
    "{% set rest = messages %}{% endif %}{% for m in rest %}{% if m.role != 'system' %}"
    "{{ m.role[0] }}:{{ m.content }}\n{% endif %}{% endfor %}"
)
LAST_ONLY = "{{ messages[-1].content }}"
GET = "{% for m in messages %}{{ m.get('role') }}:{{ m.get('content', '') }}\n{% endfor %}"
ROLES = "{% set names = {'user': 'human', 'assistant': 'gpt', 'system': 'system'} %}" + (
    "{% for m in messages %}{{ names[m['role']] }}:{{ m.content }}\n{% endfor %}"
)
SHOUTING = "{% for m in messages %}{{ m.content | upper }}\n{% endfor %}"
JSON = "{% for m in messages %}{{ m.content | tojson(ensure_ascii=True) }}\n{% endfor %}"
ALL = {
    "gemma": GEMMA, "mistral": MISTRAL, "llava": LLAVA, "mixed": MIXED, "first part": FIRST_PART, "either": EITHER,
    "forgetful": FORGETFUL,
    "first only": FIRST_ONLY, "get": GET, "roles": ROLES, "shouting": SHOUTING, "json": JSON, "last only": LAST_ONLY,
    "refusing": "{{ raise_exception('not today') }}",
}  # fmt: skip

NO_SYSTEM = "This model's chat template takes no system prompt: it is put before the first question."
JOINED = "This model's chat template wants the roles by turns: messages of one role in a row are joined."
S, U, A = partial(Message, "system"), partial(Message, "user"), partial(Message, "assistant")


def compiled(source: str) -> JinjaTemplate:
    return JinjaTemplate(source, bos="<s>", eos="</s>")


def prompt(source: str, *messages: Message) -> RenderedPrompt:
    return render_prompt(compiled(source), messages)


@pytest.mark.parametrize(
    ("name", "messages", "text", "notices"),
    [
        ("gemma", (U("q"),), "<s><start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n", ()),
        ("gemma", (S("Be brief."), U("q")),
         "<s><start_of_turn>user\nBe brief.\n\nq<end_of_turn>\n<start_of_turn>model\n", (NO_SYSTEM,)),
        ("gemma", (S(""), U("q")), "<s><start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n", ()),
        ("gemma", (S("s"), U("a"), A("b"), U("c")),
         "<s><start_of_turn>user\ns\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc"
         "<end_of_turn>\n<start_of_turn>model\n", (NO_SYSTEM,)),
        ("mistral", (S("s"), U("a")), "<s>[INST] s\n\na [/INST]", (NO_SYSTEM,)),
        ("mistral", (U("a"), U("b")), "<s>[INST] a\n\nb [/INST]", (JOINED,)),
        ("mistral", (S("s"), U("a"), A("b"), A("c"), U("d")),
         "<s>[INST] s\n\na [/INST]b\n\nc</s>[INST] d [/INST]", (NO_SYSTEM, JOINED)),
        ("mistral", (S("s"), A("Hello!"), U("a")), "<s>[INST] s [/INST]Hello!</s>[INST] a [/INST]", (NO_SYSTEM,)),
        ("mistral", (A("Hello!"), U("a")), "<s>[INST]  [/INST]Hello!</s>[INST] a [/INST]",
         ("This model's chat template wants a question first: an empty one is put before the first reply.",)),
        ("mistral", (S("s"), U("a"), A("b"), S("t"), U("c")), "<s>[INST] s\n\nt\n\na [/INST]b</s>[INST] c [/INST]",
         (NO_SYSTEM,)),
        ("llava", (S("s"), U("q")), "SYSTEM: s\nUSER: q\nASSISTANT:", ()),
        ("llava", (U("a"), A("b"), U("c")), "USER: a\nASSISTANT: b\nUSER: c\nASSISTANT:", ()),
        ("mixed", (S("s"), U("a"), A("b"), U("c")), "S:s\nu:a\na:b\nu:c\n", ()),
        ("first part", (S("s"), U("q")), "S:s\nq\n", ()),
        ("either", (S("s"), U("q")), "system:s\nuser:q\n", ()),
        ("forgetful", (S("s"), U("q")), "U:s\n\nq\nA:", (NO_SYSTEM,)),
        ("first only", (S("s"), U("q")), "S:s\nu:q\n", ()),
        ("first only", (S("s"), U("a"), A("b"), S("t"), U("c")), "S:s\n\nt\nu:a\na:b\nu:c\n",
         ("This model's chat template takes one system prompt, at the beginning: all that it says is put there.",)),
        ("get", (S("s"), U("q")), "system:s\nuser:q\n", ()),
        ("roles", (S("s"), U("a"), A("b"), U("c")), "system:s\nhuman:a\ngpt:b\nhuman:c\n", ()),
    ],
)  # fmt: skip
def test_what_is_said_is_in_the_prompt(
    name: str, messages: tuple[Message, ...], text: str, notices: tuple[str, ...]
) -> None:
    made = prompt(ALL[name], *messages)
    assert (made.text, made.notices) == (text, notices)


@pytest.mark.parametrize(
    ("source", "messages", "said"),
    [
        (LAST_ONLY, (U("first"), A("b"), U("c")), "the question 'first', and a prompt without it is not sent"),
        (LAST_ONLY, (A("Hello!"), U("c")), "leaves out the reply 'Hello!'"),
        ("{{ messages[0].content }}", (U("a"), A("b"), U("w" * 50)), "leaves out the reply 'b'"),
        ("always the same", (U("w" * 50),), f"leaves out the question '{'w' * 39}…'"),
        ("{% for m in messages %}{{ m.content[:3] }}{% endfor %}", (U("first"),), "leaves out the question"),
        (ALL["refusing"], (S("s"), U("q")), "refuses these messages: not today."),
        (GEMMA + "{{ nothing.of.that }}", (S("s"), U("q")), "refuses these messages: 'nothing' is undefined."),
        (GEMMA.replace("['role'] %}", "['role'] + none %}"), (U("q"),), "refuses these messages: can only concatenate"),
    ],
)  # fmt: skip
def test_a_prompt_that_lost_a_message_is_not_sent_and_a_refusal_names_its_cause(
    source: str, messages: tuple[Message, ...], said: str
) -> None:
    with pytest.raises(EngineError) as refused:
        prompt(source, *messages)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("source", "text"),
    [("{{ .Prompt }}", "s\n\nq"), ("{{ .System }}|{{ .Prompt }}", "s|q"),
     ("{{ range .Messages }}{{ if ne .Role \"system\" }}{{ .Content }}{{ end }}{{ end }}", "s\n\nq")],
)  # fmt: skip
def test_a_template_of_ollama_without_a_place_for_the_system_prompt_has_it_in_the_question(
    source: str, text: str
) -> None:
    made = render_prompt(OllamaTemplate(source), (S("s"), U("q")))
    assert made.text == text
    assert made.notices == ((NO_SYSTEM,) if ".System" not in source else ())


def test_a_list_that_a_template_prints_as_it_stands_is_no_message() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% else %}{% for part in m.content %}"
        "{{ part.text }}{% endfor %}{% endif %}{{ '\n' }}{% endfor %}"
    )
    assert prompt(source, S("s"), U("q")).text == "s\nq\n"
    as_json = source.replace("{{ m.content }}", "{{ m.content | tojson }}")
    assert prompt(as_json, S("s"), U("q")).text == '"s"\nq\n'


@pytest.mark.parametrize(("source", "text"), [(SHOUTING, "Hi"), ("{{ messages[0].content[:30] }}", "w" * 99)])
def test_a_message_that_a_template_changes_is_told(source: str, text: str) -> None:
    assert "The chat template changes what the messages say" in " ".join(prompt(source, U(text)).notices)
    assert not prompt(source, U("1")).notices


@pytest.mark.parametrize("name", sorted({*ALL} - {"refusing", "last only", "shouting", "json"}))
def test_an_unfinished_reply_is_left_open_in_every_shape(name: str) -> None:
    made = prompt(ALL[name], S("s"), U("a"), A("b"), U("c"), A("so far"))
    assert made.runs[-1].text == "so far"
    assert all(text in made.text for text in ("s", "a", "b", "c"))


contents = st.text(st.characters(codec="utf-8", exclude_characters="\ue000\ue001\r"), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
conversations = st.lists(
    st.builds(Message, st.sampled_from(cast("list[Role]", ["system", "user", "assistant"])), contents), max_size=6
)


@pytest.mark.parametrize("name", sorted({*ALL} - {"refusing", "last only", "shouting", "json"}))
@given(conversations)
@settings(max_examples=depth(30, 300))
def test_whatever_is_said_in_whatever_order_it_is_all_there(name: str, messages: list[Message]) -> None:
    said = [*messages, U("?")]
    made = prompt(ALL[name], *said)
    assert all(each.content in made.text for each in said)
    given_by_it = [run.message for run in made.runs if run.message]
    assert not given_by_it or sorted(map(id, given_by_it)) == sorted(map(id, said))


def test_what_each_message_says_is_found_though_each_is_trimmed_otherwise() -> None:
    source = (
        "{% for m in messages %}<{{ m.content | trim if m.role == 'system' else m.content.rstrip() if m.role == "
        "'assistant' else m.content }}>{% endfor %}"
    )
    made = prompt(source, S(" s\n"), U(" a "), A(" b "), U("c "))
    assert made.text == "<s>< a >< b><c >"
    assert [run.text for run in made.runs if run.message] == ["s", " a ", " b", "c "]


@pytest.mark.parametrize("name", ["thought", "answer"])
def test_a_reply_that_a_template_cuts_is_told_and_one_without_its_thought_is_not(name: str) -> None:
    source = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}|{% endfor %}"
    said = {"thought": "<think>hm</think>b", "answer": "<think>hm</think>b</think>c"}[name]
    made = prompt(source, U("a"), A(said), U("d"))
    assert made.text == {"thought": "a|b|d|", "answer": "a|c|d|"}[name]
    assert bool(made.notices) is (name == "answer")


class Counting:
    """A template that loses everything, and counts how often it is tried."""

    tags, has_switch, takes_parts = None, False, False

    def __init__(self) -> None:
        self.asked = 0

    def render(self, *_: object, **__: object) -> str:
        self.asked += 1
        return ""


def tries(*messages: Message) -> int:
    renderer = Counting()
    with pytest.raises(EngineError):
        render_prompt(renderer, messages)
    return renderer.asked


def test_the_shapes_tried_are_those_that_differ() -> None:
    assert [tries(U("q")), tries(S("s"), U("q")), tries(U("a"), U("b"))] == [1, 2, 2]


def test_a_template_that_takes_long_to_refuse_is_tried_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.engine.prompt.rendering._PATIENCE", -1.0)
    assert tries(S("s"), U("q")) == 1


# --- what is told of it -----------------------------------------------------------------------------------------------


def asked(bench: Bench, name: str, *messages: Message, template: str = "") -> list[Event]:
    before = len(bench.events)
    bench.ask(ReplyRequest(name, messages, Knobs(seed=1, num_predict=2), template=template))
    bench.run()
    return bench.events[before:]


def test_it_is_told_once_before_the_reply() -> None:
    bench = Bench(Script(template=GEMMA))
    assert not [event for event in asked(bench, "a", U("q")) if isinstance(event, Notice)]
    told = [event for event in asked(bench, "b", S("s"), U("q")) if isinstance(event, Notice | Token)]
    assert told[0] == Notice("b", NO_SYSTEM)
    assert not any(isinstance(event, Notice) for event in told[1:])
    assert not [event for event in asked(bench, "c", S("s"), U("r")) if isinstance(event, Notice)]


def test_a_rendered_prompt_tells_it_each_time() -> None:
    bench = Bench(Script(template=GEMMA))
    for name in ("a", "b"):
        bench.scheduler.render(Render(name, (S("s"), U("q"))))
        assert bench.events[-2] == Notice(name, NO_SYSTEM)
        assert isinstance(bench.events[-1], Rendered)


@pytest.mark.parametrize(("template", "told"), [("", 1), ("{{ .System }}{{ .Prompt }}", 0)])
def test_that_messages_are_joined_plainly_is_told_where_they_are(template: str, told: int) -> None:
    events = asked(Bench(Script(template=None)), "a", S("s"), U("q"), template=template)
    said = [event.text for event in events if isinstance(event, Notice)]
    assert len(said) == told
    assert all("carries no chat template. Messages are joined as plain `User:`" in text for text in said)


def test_a_reply_that_would_lose_a_message_fails_and_says_why() -> None:
    (event,) = asked(Bench(Script(template=LAST_ONLY)), "a", U("a"), A("b"), U("c"))
    assert isinstance(event, Failed)
    assert "leaves out the question 'a'" in event.reason


# --- a base model -----------------------------------------------------------------------------------------------------


BEFORE = "." * len("User: q\n\nAssistant:")  # where a prompt has no control token, the script begins with it


def test_without_turns_the_next_label_ends_the_reply() -> None:
    script = Script(template=None, replies=(BEFORE + " Blue.\n\nUser: And green?\n\nAssistant: No.",))
    bench = Bench(script)
    bench.ask(ReplyRequest("a", (U("q"),), Knobs(seed=1, temperature=0, num_predict=60)))
    bench.run()
    finished = bench.finished("a")
    assert (finished.text, finished.ending) == (" Blue.", "stop")


@pytest.mark.parametrize("template", ["", "{{ .Prompt }}"])
def test_the_label_is_text_where_a_template_makes_turns(template: str) -> None:
    script = Script(template=None, replies=("qx\nUser: y",)) if template else Script(replies=("x\nUser: y",))
    bench = Bench(script)
    bench.ask(ReplyRequest("a", (U("q"),), Knobs(seed=1, temperature=0, num_predict=9), template=template))
    bench.run()
    assert bench.finished("a").text == "x\nUser: y"


def test_a_base_model_has_no_turns_though_it_carries_a_template() -> None:
    backend = ScriptedBackend(Script(base=True), make_stage, lambda share: None)
    writer = PromptWriter(backend)
    assert bytes(writer.write([S("s"), U("q")])) == b"System: s\n\nUser: q\n\nAssistant:"
    assert writer.notice.startswith("This is a base model, which goes on with a text")


def test_systems_and_turns_are_tried_in_every_order() -> None:
    for roles in product(["system", "user", "assistant"], repeat=4):
        said = [Message(cast("Role", role), f"text {place}.") for place, role in enumerate(roles)] + [U("?")]
        assert all(each.content in prompt(MISTRAL, *said).text for each in said)
