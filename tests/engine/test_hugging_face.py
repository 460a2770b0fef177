"""Chat templates say here what they say in Hugging Face's renderer, which they are written for."""

import json
from importlib.util import find_spec
from typing import cast

import pytest

from tests.engine.hugging_face import RECORDED, TEMPLATES, ask, chats
from tui.conversation.conversation import Message, Role
from tui.engine.prompt.jinja import JinjaTemplate
from tui.errors import EngineError

CASES = [(name, chat) for name, source in TEMPLATES.items() for chat in chats(source)]


def rendered(source: str, chat: str) -> dict[str, str]:
    said = [Message(cast("Role", each["role"]), each["content"]) for each in chats(source)[chat]]
    try:
        return {"text": JinjaTemplate(source, bos="<s>", eos="</s>").render(said)}
    except EngineError as error:
        return {"error": str(error)}


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, dict[str, str]]]:
    read: dict[str, dict[str, dict[str, str]]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(("name", "chat"), CASES)
def test_a_template_says_what_it_says_there(
    recorded: dict[str, dict[str, dict[str, str]]], name: str, chat: str
) -> None:
    there, here = recorded[name][chat], rendered(TEMPLATES[name], chat)
    if "text" in there:
        assert here == there
    else:
        assert "The chat template " in here["error"], "it is refused there"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("raise_exception", "Only one question, please"),
        ("raise_exception, maybe", "No system"),
        ("alternation", "Conversation roles must alternate user/assistant/user/assistant/..."),
        ("undefined of undefined", "'nothing' is undefined"),
        ("a filter that is not there", "No filter named 'no_such_filter'"),
        ("a function that is not there", "'no_such_function' is undefined"),
        ("insides of a text, further", "access to attribute '__class__' of 'str' object is unsafe"),
        ("append", "access to attribute 'append' of 'list' object is unsafe"),
        ("namespace, private", "a namespace takes no name that begins with an underscore: '_a'"),
        ("division by zero", "division by zero"),
        ("do", "Encountered unknown tag 'do'"),
        ("a message that is not there", "list object has no element 7"),
    ],
)
def test_a_refusal_names_its_cause(name: str, cause: str) -> None:
    assert cause.rstrip(".") in rendered(TEMPLATES[name], "three")["error"]


def test_every_template_was_recorded(recorded: dict[str, dict[str, dict[str, str]]]) -> None:
    assert {name: list(made) for name, made in recorded.items()} == {
        name: list(chats(source)) for name, source in TEMPLATES.items()
    }


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed here")
def test_the_record_is_what_it_says_today(recorded: dict[str, dict[str, dict[str, str]]]) -> None:
    for name, source in TEMPLATES.items():
        made = {chat: ask(source, said, add_generation_prompt=True) for chat, said in chats(source).items()}
        assert made == recorded[name]
