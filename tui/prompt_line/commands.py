"""Slash commands: what a person can type in the prompt instead of a question."""

from typing import Literal, get_args

from msgspec import Struct

from tui.errors import SettingError, did_you_mean
from tui.knobs.knob import Value
from tui.knobs.table import KNOBS, knob
from tui.prompt_line.quotes import unquoted

Part = Literal["info", "license", "modelfile", "parameters", "system", "template"]
PARTS: tuple[Part, ...] = get_args(Part)
"""What /show can print."""


class TurnKnob(Struct, frozen=True):
    """/set parameter NAME VALUE"""

    name: str
    value: Value


class SetSystem(Struct, frozen=True):
    """/set system TEXT"""

    text: str


class UsePreset(Struct, frozen=True):
    """/preset [PRESET]; without a name, choose from the list."""

    name: str | None


class UseModel(Struct, frozen=True):
    """/model [MODEL]; without a name, say which there are."""

    reference: str | None


class Fetch(Struct, frozen=True):
    """/load NAME: a preset of that name, or else a model."""

    name: str


class CompareWith(Struct, frozen=True):
    """/compare [SETTING]"""

    setting: str | None


Deed = Literal["next", "keep", "drop", "only", "level", "differences", "parting", "blind", "vote", "tally"]
"""What can be done with the sides beside each other."""


class Compare(Struct, frozen=True):
    """/next, /keep, /drop, /only, ..."""

    deed: Deed


class Save(Struct, frozen=True):
    """/save NAME [--force]"""

    name: str
    overwrite: bool = False


class Show(Struct, frozen=True):
    """/show PART"""

    part: Part


class KeepHistory(Struct, frozen=True):
    """/set history, /set nohistory"""

    keep: bool


class Explain(Struct, frozen=True):
    """A command of Ollama's that there is no need for here, and why."""

    sentence: str


class Clear(Struct, frozen=True):
    """/clear"""


class ShowTree(Struct, frozen=True):
    """/tree"""


class Again(Struct, frozen=True):
    """/again"""


class Picture(Struct, frozen=True):
    """/picture [FILE]"""

    path: str | None


class OpenHistory(Struct, frozen=True):
    """/history"""


class ShowEngine(Struct, frozen=True):
    """/engine"""


class Help(Struct, frozen=True):
    """/help"""


class Leave(Struct, frozen=True):
    """/bye"""


Slash = (
    TurnKnob | SetSystem | UsePreset | UseModel | Fetch | CompareWith | Compare | Save | Show | KeepHistory | Explain
    | Clear | OpenHistory | Picture | Again | ShowTree | ShowEngine | Help | Leave
)  # fmt: skip

COMMANDS = {
    "/set parameter KNOB VALUE": "turn a knob, also while a reply is being written",
    "/set system TEXT": "what the model is told first, from the next reply on",
    "/set nohistory": "keep no prompts for the next start; /set history does",
    "/seed NUMBER": "the same as /set parameter seed NUMBER",
    "/think [on|off]": "have the model think before it answers",
    "/preset [PRESET]": "switch the preset",
    "/model [MODEL]": "switch the model, or list them",
    "/compare [SETTING]": "put another setting beside this one, up to four",
    "/next": "go to the next side",
    "/keep": "keep this side alone: it is the conversation then",
    "/drop": "drop this side",
    "/only": "ask this side alone, or all again",
    "/differences": "mark the words that differ between the sides",
    "/parting": "go to where their replies part",
    "/level": "scroll the sides together, or each alone",
    "/blind": "hide which side is which, or show it again",
    "/vote": "say which hidden side is better, and see which it was",
    "/tally": "what the votes came to",
    "/show PART": "print what is in use: info, system, modelfile, ...",
    "/save NAME": "keep knobs and system prompt as a preset of yours; what is said is kept anyway",
    "/load PRESET|MODEL": "switch to a preset, or else to a model, of that name",
    "/again": "answer the last question anew",
    "/tree": "every version of every message; go to one",
    "/history": "go on with a conversation that was kept",
    "/picture [FILE]": "save how the reply was chosen, token by token, as an SVG picture",
    "/clear": "begin a new chat",
    "/engine": "how it is with the engine: its log, and another start",
    "/help": "keys and commands",
    "/bye": "quit",
}
"""How each is written, and what it does. Words in capitals stand for something, brackets for what can be left out."""

_ALIASES = {
    "/?": "/help",
    "/exit": "/bye",
    "/quit": "/bye",
    "/new": "/clear",
    "/regen": "/again",
    "/list": "/model",
}

_ALONE: dict[str, Slash] = {
    "/again": Again(),
    "/tree": ShowTree(),
    "/history": OpenHistory(),
    "/clear": Clear(),
    "/engine": ShowEngine(),
    "/help": Help(),
    "/bye": Leave(),
}
_ALONE |= {f"/{deed}": Compare(deed) for deed in get_args(Deed)}

_SETS: dict[str, Slash] = {
    "history": KeepHistory(True),
    "nohistory": KeepHistory(False),
    "noformat": TurnKnob("format", "text"),
    "think": TurnKnob("thinking", "on"),
    "nothink": TurnKnob("thinking", "off"),
    "wordwrap": Explain("Text is always wrapped here."),
    "nowordwrap": Explain("Text is always wrapped here; what you copy has the line ends that were written."),
    "verbose": Explain("Every reply ends with its length and speed here."),
    "quiet": Explain("The line under a reply stays: its seed makes the reply again."),
}
"""What Ollama's users set with a single word."""


def parse_slash(text: str) -> Slash:
    """The command in a line that starts with a slash; raises SettingError or KnobError with how to write it."""
    word, rest = _split(text.strip())
    match _ALIASES.get(word, word):
        case "/set":
            return _set(rest)
        case "/seed":
            return TurnKnob("seed", knob("seed").parse(rest or "random"))
        case "/think":
            return _think(rest or "on")
        case "/preset":
            return UsePreset(rest or None)
        case "/model":
            return UseModel(rest or None)
        case "/load":
            return Fetch(rest) if rest else UsePreset(None)
        case "/compare":
            return CompareWith(rest or None)
        case "/show":
            return _show(rest)
        case "/picture":
            return Picture(unquoted(rest) or None)
        case "/save":
            return _save(rest)
        case alone if alone in _ALONE:
            return _ALONE[alone]
    hint = did_you_mean(word, {*_ALIASES, *(each.split()[0] for each in COMMANDS)} - {"/?"})
    raise SettingError(f"There is no command {word}.{hint} /help lists them; a blank before it sends it as text.")


def _split(text: str) -> tuple[str, str]:
    """The first word, and what comes after it."""
    word, *rest = text.split(maxsplit=1)
    return word, rest[0] if rest else ""


def _set(rest: str) -> Slash:
    what, said = _split(rest) if rest else ("", "")
    if what == "system" and said:
        return SetSystem("" if said == '""' else unquoted(said))
    if what == "system":
        raise SettingError('Write /set system TEXT, such as /set system Answer in verse; "" takes it away.')
    if what == "format" and said:
        return TurnKnob("format", knob("format").parse(said))
    if what == "think" and said:
        return _think(said)
    if what in _SETS:
        return _SETS[what]
    if what == "template":
        raise SettingError("A template is set in a preset: `twiddle presets new NAME` begins one, TEMPLATE says it.")
    if what.replace("-", "_") in KNOBS:
        what, said = "parameter", rest
    if what != "parameter" and what:
        hint = did_you_mean(what, ("parameter", "system", *KNOBS, *_SETS))
        raise SettingError(f"There is no /set {what}.{hint} Write /set parameter KNOB VALUE, or /set system TEXT.")
    name, value = _split(said) if said else ("", "")
    if not value:
        raise SettingError("Write /set parameter KNOB VALUE, such as /set parameter temperature 1.2.")
    name = name.replace("-", "_")
    return TurnKnob(name, knob(name).parse(value))


def _think(word: str) -> TurnKnob:
    wanted = {"on": "on", "true": "on", "off": "off", "false": "off", "auto": "auto"}
    wanted |= dict.fromkeys(("low", "medium", "high", "max"), "on")
    if word not in wanted:
        raise SettingError(f"Write /think on or /think off, not {word!r}.")
    return TurnKnob("thinking", wanted[word])


def _show(part: str) -> Show:
    if part not in PARTS:
        hint = did_you_mean(part, PARTS)
        raise SettingError(f"Write /show and one of {', '.join(PARTS)}.{hint}")
    return Show(part)


def _save(rest: str) -> Save:
    words = rest.split()
    names = [word for word in words if word != "--force"]
    if len(names) != 1:
        raise SettingError("Write /save NAME, such as /save my-preset; /save NAME --force replaces one of yours.")
    return Save(names[0], len(words) > 1)
