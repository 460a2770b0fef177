"""`twiddle run`, mostly on scripted models."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.engine.scripted import WITHOUT_SYSTEM, Script

Play = Callable[..., None]


def test_the_reply_and_nothing_else_goes_to_stdout(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("Hello, żółw.",)))
    assert twiddle("run", "temperature=0", "Hi") == (0, "Hello, żółw.\n", "")


def test_t31_text_for_a_program_is_raw(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("\x1b[31mred",)))
    assert twiddle("run", "temperature=0", "Hi").out == "\x1b[31mred\n"


def test_a_stop_text_is_not_printed_and_what_it_held_back_is(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("to be or not to",)))
    assert twiddle("run", "temperature=0,stop=or not", "Hi").out == "to be \n"
    assert twiddle("run", "temperature=0,stop=today", "Hi").out == "to be or not to\n"


def test_events_as_json(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("ab\x1bc",)))
    code, out, _ = twiddle("run", "temperature=0,seed=7,num_predict=4", "Hi", "--json")
    *tokens, finished = map(json.loads, out.splitlines())
    assert code == 0
    assert "\x1b" not in out
    assert [(token["event"], token["index"], token["id"], token["text"]) for token in tokens] == [
        ("token", index, ord(sign), sign) for index, sign in enumerate("ab\x1bc")
    ]
    assert all(token.keys() == {"event", "index", "id", "text", "p", "p_raw"} for token in tokens)
    assert all(0 < token["p_raw"] < token["p"] <= 1 for token in tokens)
    stats = finished.pop("stats")
    assert finished == {"event": "finished", "text": "ab\x1bc", "finish": "length", "seed": 7}
    assert stats.keys() == {"prompt_tokens", "reused_tokens", "generated_tokens", "ttft_ms", "tokens_per_second"}


THINKS = Script(replies=("<think>\nHm.\n</think>\n\n42.",), template=f"{Script().template}{{# </think> #}}")


def test_a_thought_is_no_part_of_what_is_printed(twiddle: Command, scripted: Play) -> None:
    scripted(THINKS)
    assert twiddle("run", "temperature=0", "Hi") == (0, "42.\n", "")


def test_a_thought_is_a_field_of_its_own_in_json(twiddle: Command, scripted: Play) -> None:
    scripted(THINKS)
    *tokens, finished = map(json.loads, twiddle("run", "temperature=0", "Hi", "--json").out.splitlines())
    assert (finished["text"], finished["thinking"]) == ("42.", "Hm.")
    thought = "".join(token["text"] for token in tokens if token.get("thinking"))
    assert thought == "<think>\nHm.\n</think>"
    assert "".join(token["text"] for token in tokens if not token.get("thinking")) == "\n\n42."


@pytest.mark.parametrize(
    ("knob", "said"), [("num_predict=9", "raise num_predict or num_ctx."), ("stop=Hm", "a stop string fell inside it.")]
)
def test_an_answer_that_never_began_is_said(twiddle: Command, scripted: Play, knob: str, said: str) -> None:
    scripted(THINKS)
    done = twiddle("run", f"temperature=0,{knob}", "Hi")
    assert (done.code, done.out) == (0, "\n")
    assert f"twiddle: The reply ended within its thought, so there is no answer: {said}\n" in done.err


def test_a_person_sees_the_thought_beside_the_answer_unless_it_is_hidden(
    twiddle: Command, scripted: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(THINKS)
    seen: list[str] = []
    monkeypatch.setattr("tui.cli.run.print_thought", seen.append)
    assert twiddle("run", "temperature=0", "Hi").out == "42.\n"
    assert "".join(seen) == "Hm.\n\n"
    seen.clear()
    assert twiddle("run", "temperature=0", "Hi", "--hidethinking").out == "42.\n"
    assert not seen


def test_the_death_of_the_engine_keeps_what_is_written(twiddle: Command, scripted: Play) -> None:
    scripted(Script(die_at=5))
    code, out, err = twiddle("run", "temperature=0", "Hi")
    assert (code, out) == (1, "Hello\n")
    assert err == "twiddle: The engine is gone: llama.cpp gave up on something it could not handle (SIGABRT).\n"


def test_the_death_of_the_engine_as_json(twiddle: Command, scripted: Play) -> None:
    scripted(Script(load_dies=True))
    code, out, err = twiddle("run", "--json", "Hi")
    assert (code, err) == (1, "")
    assert json.loads(out)["event"] == "error" and "SIGABRT" in json.loads(out)["message"]


def test_a_prompt_longer_than_the_context(twiddle: Command, scripted: Play) -> None:
    scripted(Script(context=64))
    code, out, err = twiddle("run", "word " * 64)
    assert (code, out) == (1, "")
    assert "the context holds 64" in err


def test_a_model_without_a_chat_template_says_so(twiddle: Command, scripted: Play) -> None:
    scripted(Script(template=None))
    code, _, err = twiddle("run", "temperature=0", "Hi")
    assert code == 0
    assert err.startswith("twiddle: ") and "template" in err and err.count("\n") == 1


@pytest.mark.model
def test_the_starter_model_knows_its_capitals(twiddle: Command) -> None:
    code, out, err = twiddle("run", "temperature=0,num_predict=24", "What is the capital of Poland?")
    assert (code, err) == (0, "")
    assert "Warsaw" in out


@pytest.mark.model
def test_a_recorded_seed_makes_the_reply_again(twiddle: Command) -> None:
    first = json.loads(twiddle("run", "num_predict=12", "Name a colour.", "--json").out.splitlines()[-1])
    again = twiddle("run", f"num_predict=12,seed={first['seed']}", "Name a colour.").out
    assert again == first["text"] + "\n"


NO_SYSTEM = "twiddle: This model's chat template takes no system prompt: it is put before the first question.\n"


def test_what_a_template_does_not_take_is_told_on_stderr(twiddle: Command, scripted: Play) -> None:
    scripted(Script(replies=("one",), template=WITHOUT_SYSTEM))
    assert twiddle("run", "precise,temperature=0", "Hi") == (0, "one\n", NO_SYSTEM)


@pytest.mark.parametrize(("line", "told"), [("", True), ("TEMPLATE {{ .System }}{{ .Prompt }}\n", False)])
def test_that_there_is_no_template_is_told_where_none_is_used(
    twiddle: Command, scripted: Play, tmp_path: Path, line: str, told: bool
) -> None:
    scripted(Script(template=None))
    (tmp_path / "p.Modelfile").write_text(f"FROM x\n{line}PARAMETER temperature 0\n")
    done = twiddle("run", str(tmp_path / "p.Modelfile"), "Hi")
    assert done.code == 0
    assert ("This model carries no chat template." in done.err) is told


def test_a_prompt_that_would_lose_a_message_is_not_sent(twiddle: Command, scripted: Play) -> None:
    scripted(Script(template="{% for m in messages if m.role == 'assistant' %}{{ m.content }}{% endfor %}"))
    code, out, err = twiddle("run", "temperature=0", "Hi")
    assert (code, out) == (1, "")
    assert "The chat template leaves out" in err and "give the preset a TEMPLATE that takes it." in err
