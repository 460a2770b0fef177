"""What can be typed instead of a question."""

import re

import pytest

from tui.errors import KnobError, SettingError
from tui.prompt_line.commands import (
    COMMANDS,
    Again,
    Clear,
    CompareWith,
    Explain,
    Fetch,
    Help,
    Leave,
    Save,
    SetSystem,
    Show,
    Slash,
    TurnKnob,
    UseModel,
    UsePreset,
    parse_slash,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/set parameter temperature 1.2", TurnKnob("temperature", 1.2)),
        ("/set temperature 1.2", TurnKnob("temperature", 1.2)),
        ("/set   parameter  top-k   off", TurnKnob("top_k", 0)),
        ("/set parameter stop two words", TurnKnob("stop", ("two words",))),
        ("/seed 42", TurnKnob("seed", 42)),
        ("/seed", TurnKnob("seed", -1)),
        ("/think", TurnKnob("thinking", "on")),
        ("/think off", TurnKnob("thinking", "off")),
        ("/model", UseModel(None)),
        ("/model hf.co/USER/REPO:Q8_0", UseModel("hf.co/USER/REPO:Q8_0")),
        ("/save mine --force", Save("mine", overwrite=True)),
        ("/preset", UsePreset(None)),
        ("/preset plan-first ", UsePreset("plan-first")),
        ("/load ./my own.Modelfile", Fetch("./my own.Modelfile")),
        ("/compare", CompareWith(None)),
        ("/compare precise,top_k=3", CompareWith("precise,top_k=3")),
        ("/again", Again()),
        ("/regen", Again()),
        ("/clear", Clear()),
        ("/new", Clear()),
        ("/help", Help()),
        ("/?", Help()),
        ("/bye", Leave()),
        ("/exit", Leave()),
        ("/quit\n", Leave()),
    ],
)
def test_a_line_is_a_command(line: str, command: Slash) -> None:
    assert parse_slash(line) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/set system Be  brief.", SetSystem("Be  brief.")),
        ('/set system """Be brief.\nBe kind."""', SetSystem("Be brief.\nBe kind.")),
        ('/set system """\nBe brief.\n"""', SetSystem("Be brief.")),
        ('/set system ""', SetSystem("")),
        ("/set format json", TurnKnob("format", "json")),
        ("/set noformat", TurnKnob("format", "text")),
        ("/set think", TurnKnob("thinking", "on")),
        ("/set think high", TurnKnob("thinking", "on")),
        ("/set nothink", TurnKnob("thinking", "off")),
        ("/show info", Show("info")),
        ("/show modelfile", Show("modelfile")),
        ("/save mine", Save("mine")),
        ("/load llama", Fetch("llama")),
        ("/load", UsePreset(None)),
        ("/list", UseModel(None)),
        ("/? shortcuts", Help()),
    ],
)
def test_what_an_ollama_user_types_is_understood(line: str, command: Slash) -> None:
    assert parse_slash(line) == command


@pytest.mark.parametrize("word", ["wordwrap", "nowordwrap", "verbose", "quiet"])
def test_what_there_is_no_need_for_here_is_explained(word: str) -> None:
    explained = parse_slash(f"/set {word}")
    assert isinstance(explained, Explain)
    assert explained.sentence.endswith(".")


LISTED = "/help lists them; a blank before it sends it as text."
WRITE_SET = "Write /set parameter KNOB VALUE, such as /set parameter temperature 1.2."


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/", f"There is no command /. {LISTED}"),
        ("/sett", f"There is no command /sett. Did you mean /set? {LISTED}"),
        ("/usr/bin/env", f"There is no command /usr/bin/env. {LISTED}"),
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
            "A template is set in a preset: `twiddle presets new NAME` begins one, TEMPLATE says it.",
        ),
        ("/think maybe", "Write /think on or /think off, not 'maybe'."),
        (
            "/show licence",
            "Write /show and one of info, license, modelfile, parameters, system, template. Did you mean license?",
        ),
        ("/save", "Write /save NAME, such as /save my-preset; /save NAME --force replaces one of yours."),
        ("/save two words", "Write /save NAME, such as /save my-preset; /save NAME --force replaces one of yours."),
    ],
)
def test_what_cannot_be_read_is_refused_with_how_to_write_it(line: str, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_slash(line)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "line", ["/set parameter top_p 2", "/set parameter nose 1", "/seed x", "/set parameter min_p nan"]
)
def test_a_value_that_a_knob_cannot_take_is_refused(line: str) -> None:
    with pytest.raises(KnobError):
        parse_slash(line)


def test_every_command_in_the_list_can_be_obeyed() -> None:
    stands_for = {"KNOB": "top_k", "VALUE": "1", "NUMBER": "1", "TEXT": "x", "NAME": "x", "PRESET": "x", "MODEL": "x"}
    stands_for["PART"] = "info"
    for usage in COMMANDS:
        without = re.sub(r" \[.*?\]", "", usage)
        alternatives = re.split(r"\|", without.rpartition(" ")[2]) if "|" in without else [""]
        for each in alternatives:
            line = f"{without.rpartition(' ')[0]} {each}" if each else without
            assert parse_slash(re.sub(r"[A-Z]+", lambda word: stands_for[word[0]], line)), line
