"""What can be typed instead of a question."""

import pytest

from tui.errors import KnobError, SettingError
from tui.slash import COMMANDS, Again, Clear, CompareWith, Help, Leave, Slash, TurnKnob, UsePreset, parse_slash


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/set parameter temperature 1.2", TurnKnob("temperature", 1.2)),
        ("/set   parameter  top-k   off", TurnKnob("top_k", 0)),
        ("/set parameter stop two words", TurnKnob("stop", ("two words",))),
        ("/seed 42", TurnKnob("seed", 42)),
        ("/seed", TurnKnob("seed", -1)),
        ("/preset", UsePreset(None)),
        ("/preset plan-first ", UsePreset("plan-first")),
        ("/load ./my own.Modelfile", UsePreset("./my own.Modelfile")),
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
    ("line", "sentence"),
    [
        ("/", "There is no command /. /help lists them."),
        ("/sett", "There is no command /sett. Did you mean /set? /help lists them."),
        ("/usr/bin/env", "There is no command /usr/bin/env. /help lists them."),
        ("/set", "Write /set parameter NAME VALUE, such as /set parameter temperature 1.2."),
        ("/set parameter top_k", "Write /set parameter NAME VALUE, such as /set parameter temperature 1.2."),
        ("/set system Be brief", "Write /set parameter NAME VALUE, such as /set parameter temperature 1.2."),
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
    for usage in COMMANDS:
        word = usage.split()[0]
        line = {"/set": "/set parameter top_k 1"}.get(word, word)
        assert parse_slash(line)
