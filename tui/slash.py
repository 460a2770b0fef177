"""Slash commands: what a person can type in the prompt instead of a question."""

from msgspec import Struct

from tui.errors import SettingError, did_you_mean
from tui.knob import Value
from tui.knobs import knob


class TurnKnob(Struct, frozen=True):
    """/set parameter NAME VALUE"""

    name: str
    value: Value


class UsePreset(Struct, frozen=True):
    """/preset [NAME]; without a name, choose from the list."""

    name: str | None


class CompareWith(Struct, frozen=True):
    """/compare [SETTING]"""

    setting: str | None


class Keep(Struct, frozen=True):
    """/keep"""


class Drop(Struct, frozen=True):
    """/drop"""


class Clear(Struct, frozen=True):
    """/clear"""


class Again(Struct, frozen=True):
    """/again"""


class Help(Struct, frozen=True):
    """/help"""


class Leave(Struct, frozen=True):
    """/bye"""


Slash = TurnKnob | UsePreset | CompareWith | Keep | Drop | Clear | Again | Help | Leave

COMMANDS = {
    "/set parameter NAME VALUE": "turn a knob, also while a reply is being written",
    "/seed NUMBER": "the same as /set parameter seed NUMBER",
    "/preset [NAME]": "switch the preset",
    "/compare [SETTING]": "put another setting beside this one",
    "/keep": "keep this side alone, which is then the conversation",
    "/drop": "drop this side",
    "/again": "answer the last question anew",
    "/clear": "begin a new chat",
    "/help": "keys and commands",
    "/bye": "quit",
}
"""How each is written, and what it does."""

_ALIASES = {"/?": "/help", "/exit": "/bye", "/quit": "/bye", "/new": "/clear", "/regen": "/again", "/load": "/preset"}


def parse_slash(text: str) -> Slash:
    """The command in a line that starts with a slash; raises SettingError or KnobError with how to write it."""
    word, _, rest = text.strip().partition(" ")
    word, rest = _ALIASES.get(word, word), rest.strip()
    match word:
        case "/set":
            return _set(rest)
        case "/seed":
            return TurnKnob("seed", knob("seed").parse(rest or "random"))
        case "/preset":
            return UsePreset(rest or None)
        case "/compare":
            return CompareWith(rest or None)
        case "/keep":
            return Keep()
        case "/drop":
            return Drop()
        case "/again":
            return Again()
        case "/clear":
            return Clear()
        case "/help":
            return Help()
        case "/bye":
            return Leave()
    hint = did_you_mean(word, {*_ALIASES, *(each.split()[0] for each in COMMANDS)} - {"/?"})
    raise SettingError(f"There is no command {word}.{hint} /help lists them.")


def _set(rest: str) -> TurnKnob:
    parts = rest.split(maxsplit=2)
    if len(parts) < 3 or parts[0] != "parameter":
        raise SettingError("Write /set parameter NAME VALUE, such as /set parameter temperature 1.2.")
    name = parts[1].replace("-", "_")
    return TurnKnob(name, knob(name).parse(parts[2]))
