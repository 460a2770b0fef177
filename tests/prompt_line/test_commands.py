"""Parser and table of the slash commands."""

import re

import pytest

from tui.errors import KnobError, SettingError
from tui.prompt_line.commands import COMMANDS, LISTED, parse_command

SAVE = (
    "Write /save NAME, such as /save my-preset; /save NAME --force replaces one of yours, and /save NAME --model makes "
    "the model part of it."
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/set parameter temperature 1.2", ("turn", "temperature", 1.2)),
        ("/set temperature 1.2", ("turn", "temperature", 1.2)),
        ("/set   parameter  top-k   off", ("turn", "top_k", 0)),
        ("/set parameter stop two words", ("turn", "stop", ("two words",))),
        ("/seed 42", ("turn", "seed", 42)),
        ("/seed", ("turn", "seed", -1)),
        ("/think", ("turn", "thinking", "on")),
        ("/think off", ("turn", "thinking", "off")),
        ("/model", ("model", None)),
        ("/model hf.co/USER/REPO:Q8_0", ("model", "hf.co/USER/REPO:Q8_0")),
        ("/save mine --force", ("save", "mine", True, False)),
        ("/preset", ("preset", None)),
        ("/preset plan-first ", ("preset", "plan-first")),
        ("/load ./my own.Modelfile", ("load", "./my own.Modelfile")),
        ("/compare", ("compare", None)),
        ("/compare precise,top_k=3", ("compare", "precise,top_k=3")),
        ("/again", ("again",)),
        ("/regen", ("again",)),
        ("/clear", ("clear",)),
        ("/new", ("clear",)),
        ("/help", ("help",)),
        ("/?", ("help",)),
        ("/bye", ("bye",)),
        ("/exit", ("bye",)),
        ("/quit\n", ("bye",)),
    ],
)
def test_a_line_is_a_command(line: str, command: tuple[object, ...]) -> None:
    parsed = parse_command(line)
    assert (parsed.command.handler, *parsed.arguments) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/set system Be  brief.", ("system", "Be  brief.")),
        ('/set system """Be brief.\nBe kind."""', ("system", "Be brief.\nBe kind.")),
        ('/set system """\nBe brief.\n"""', ("system", "Be brief.")),
        ('/set system ""', ("system", "")),
        ("/set format json", ("turn", "format", "json")),
        ("/set noformat", ("turn", "format", "text")),
        ("/set think", ("turn", "thinking", "on")),
        ("/set think high", ("turn", "thinking", "on")),
        ("/set nothink", ("turn", "thinking", "off")),
        ("/show info", ("show", "info")),
        ("/show modelfile", ("show", "modelfile")),
        ("/save mine", ("save", "mine", False, False)),
        ("/load llama", ("load", "llama")),
        ("/load", ("load", None)),
        ("/list", ("model", None)),
        ("/? shortcuts", ("help",)),
    ],
)
def test_what_an_ollama_user_types_is_understood(line: str, command: tuple[object, ...]) -> None:
    parsed = parse_command(line)
    assert (parsed.command.handler, *parsed.arguments) == command


@pytest.mark.parametrize("word", ["wordwrap", "nowordwrap", "verbose", "quiet"])
def test_what_there_is_no_need_for_here_is_explained(word: str) -> None:
    explained = parse_command(f"/set {word}")
    assert explained.command.handler == "explain"
    assert explained.arguments[0].endswith(".")


LISTS_THEM = "/help lists them; a space before it sends it as text."
WRITE_SET = "Write /set parameter KNOB VALUE, such as /set parameter temperature 1.2."


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/", f"There is no command /. {LISTS_THEM}"),
        ("/sett", f"There is no command /sett. Did you mean /set? {LISTS_THEM}"),
        ("/usr/bin/env", f"There is no command /usr/bin/env. {LISTS_THEM}"),
        ("/set", WRITE_SET),
        ("/set parameter", WRITE_SET),
        ("/set parameter top_k", WRITE_SET),
        ("/set system", 'Write /set system TEXT, such as /set system Answer in verse; "" takes it away.'),
        (
            "/set sistem x",
            "There is no /set sistem. Did you mean system? Write /set parameter KNOB VALUE, or /set system TEXT.",
        ),
        (
            "/set template x",
            "Set TEMPLATE in a preset; `twiddle presets new NAME` creates one.",
        ),
        ("/think maybe", "Write /think on or /think off, not 'maybe'."),
        (
            "/show licence",
            "Write /show and one of info, license, modelfile, parameters, system, template. Did you mean license?",
        ),
        ("/save", SAVE),
        ("/save two words", SAVE),
    ],
)
def test_what_cannot_be_read_is_refused_with_how_to_write_it(line: str, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_command(line)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "line", ["/set parameter top_p 2", "/set parameter nose 1", "/seed x", "/set parameter min_p nan"]
)
def test_a_value_that_a_knob_cannot_take_is_refused(line: str) -> None:
    with pytest.raises(KnobError):
        parse_command(line)


def test_every_listed_command_can_be_parsed_as_its_usage_says() -> None:
    stands_for = {"KNOB": "top_k", "VALUE": "1", "NUMBER": "1", "TEXT": "x", "NAME": "x", "PRESET": "x", "MODEL": "x"}
    stands_for["PART"] = "info"
    for command in LISTED:
        required = command.arguments if command.needs_argument else ""
        for alternative in required.split("|"):
            arguments = re.sub(r"[A-Z]+", lambda word: stands_for[word[0]], alternative)
            assert parse_command(f"{command.name} {arguments}").command is command


def test_every_name_is_parsed_as_its_own_command() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.startswith("/") for name in names)


def test_every_listed_command_has_a_completer_for_each_argument_or_for_none() -> None:
    for command in LISTED:
        assert len(command.complete) in (0, len(command.arguments.split())), command.usage
