"""Chat templates in a process of their own: what is too much for them ends it, and nothing else."""

import time
from collections.abc import Iterator

import pytest

from tui.conversation.conversation import Message
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.prompt.template_worker import LARGEST, TemplateWorker
from tui.errors import EngineError

ASKED = (Message("user", "Hi <|im_end|> \ud7ff é"), Message("assistant", "so"))
PLAIN = "{% for m in messages %}{{ bos_token }}{{ m.role }}: {{ m.content }}\n{% endfor %}{{ add_generation_prompt }}"


@pytest.fixture(scope="module")
def scribe() -> Iterator[TemplateWorker]:
    started = TemplateWorker()
    yield started
    started.close()


@pytest.mark.parametrize("open_reply", [True, False])
def test_it_writes_what_is_written_here(scribe: TemplateWorker, open_reply: bool) -> None:
    expected = JinjaTemplate(PLAIN, bos="<s>", eos="").render(ASKED, open_reply=open_reply)
    assert scribe.template(PLAIN, bos="<s>", eos="").render(ASKED, open_reply=open_reply) == expected


def test_a_long_chat_goes_there_and_back(scribe: TemplateWorker) -> None:
    asked = [Message("user", "long é\n" * 1000)] * 200
    template = scribe.template(PLAIN, bos="", eos="")
    assert template.render(asked) == JinjaTemplate(PLAIN, bos="", eos="").render(asked)


def test_what_does_not_compile_is_told_at_once(scribe: TemplateWorker) -> None:
    with pytest.raises(EngineError, match="The chat template cannot be used: "):
        scribe.template("{% if %}", bos="", eos="")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ raise_exception('no system role') }}", "refuses these messages: no system role."),
        ("{{ 'a' * (messages | length * 10**12) }}", "takes too much memory"),
        ("{{ '%*d' % (messages | length * 10**9, 1) }}", "takes too much memory"),
        ("{{ '{:>4000000000}'.format(messages | length) }}", "takes too much memory"),
        ("{{ (messages | length | string).ljust(10**11) }}", "takes too much memory"),
        ("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}", "much memory"),
        ("{% for i in range(9999) %}{% for j in range(9999) %}abcd{% endfor %}{% endfor %}", "The chat template takes"),
        ("{{ (messages | length + 10) ** (10 ** 10) }}", "The chat template takes"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "takes too long"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "refuses these messages"),
        ("{{ ''.__class__.__mro__ }}", "refuses these messages"),
        ("{{ messages.append(1) }}", "refuses these messages"),
        (f"{{{{ 'x' * {LARGEST} }}}}{{{{ messages }}}}", "takes too much memory"),
    ],
)  # fmt: skip
def test_g43_g44_a_template_that_takes_too_much_is_given_up_and_the_next_is_written(
    scribe: TemplateWorker, source: str, said: str
) -> None:
    began = time.process_time()
    with pytest.raises(EngineError, match=said):
        scribe.template(source, bos="", eos="").render(ASKED)
    assert scribe.template("{{ messages[0].role }}", bos="", eos="").render(ASKED) == "user"
    assert time.process_time() - began < 2  # of this process: it waits, and takes no part


@pytest.mark.parametrize("source", ["{{ 'a' * 10**12 }}", "{{ 7 ** (7 ** 12) }}"])
def test_what_would_be_worked_out_while_it_is_read_is_given_up_too(scribe: TemplateWorker, source: str) -> None:
    with pytest.raises(EngineError, match="The chat template takes"):
        scribe.template(source, bos="", eos="").render(ASKED)


def test_a_scribe_that_is_lost_is_replaced(scribe: TemplateWorker) -> None:
    template = scribe.template(PLAIN, bos="", eos="")
    scribe._process.kill()
    scribe._process.wait()
    assert template.render(ASKED).startswith("user: Hi")
