"""Slash commands: one table from which the parser, completion, the help, docs/keys.md and dispatch are derived."""

from collections.abc import Callable
from typing import Any, Literal, get_args

from msgspec import Struct

from tui.errors import SettingError, did_you_mean
from tui.knobs.table import KNOBS, knob
from tui.prompt_line.completion import (
    Completer,
    Completion,
    CompletionSources,
    Suggestion,
    complete_knob,
    complete_model,
    complete_preset,
    complete_preset_or_model,
    complete_setting,
    complete_value,
    one_of,
)
from tui.prompt_line.quotes import unquoted

Part = Literal["info", "license", "modelfile", "parameters", "system", "template"]
PARTS: tuple[Part, ...] = get_args(Part)
"""Arguments of /show."""

SideAction = Literal["next", "keep", "drop", "only", "level", "differences", "parting", "blind", "vote", "tally"]
"""Commands about the sides of a comparison, without their slash."""

Reader = Callable[[str], tuple[Any, ...]]
"""Reads the text after a command's name into the arguments of its handler; raises SettingError or KnobError."""


class Command(Struct, frozen=True):
    """Row of the table of commands."""

    name: str
    """One or two words, such as `/set parameter`."""
    handler: str
    """Method of the command runner that runs it, without its `do_`."""
    arguments: str = ""
    """Usage: words in capitals stand for something, brackets enclose what can be left out."""
    help: str = ""
    """Empty for a command that works but is not listed."""
    read: Reader = lambda rest: ()
    complete: tuple[Completer, ...] = ()
    """Completers of the arguments, in order; none for a command whose arguments are free text."""
    aliases: tuple[str, ...] = ()
    reveals: bool = False
    """True if it shows or changes the setting of a side, and so cannot be run in a blind comparison."""

    @property
    def usage(self) -> str:
        """Name and arguments."""
        return f"{self.name} {self.arguments}".rstrip()

    @property
    def needs_argument(self) -> bool:
        """True if it cannot be run by its name alone."""
        return bool(self.arguments) and not self.arguments.startswith("[")


class ParsedCommand(Struct, frozen=True):
    """Command with the arguments for its handler."""

    command: Command
    arguments: tuple[Any, ...]


def _split(text: str) -> tuple[str, str]:
    """Return the first word and the rest of a text."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0] if rest else ""


def _fixed(*arguments: Any) -> Reader:
    """Return a reader that ignores the text."""
    return lambda rest: arguments


def _optional(rest: str) -> tuple[str | None]:
    return (rest or None,)


def _parameter(rest: str) -> tuple[Any, ...]:
    name, value = _split(rest)
    if not value:
        raise SettingError("Write /set parameter KNOB VALUE, such as /set parameter temperature 1.2.")
    name = name.replace("-", "_")
    return name, knob(name).parse(value)


def _system(rest: str) -> tuple[str]:
    if not rest:
        raise SettingError('Write /set system TEXT, such as /set system Answer in verse; "" takes it away.')
    return ("" if rest == '""' else unquoted(rest),)


def _thinking(rest: str) -> tuple[str, str]:
    values = {"": "on", "on": "on", "true": "on", "off": "off", "false": "off", "auto": "auto"}
    values |= dict.fromkeys(("low", "medium", "high", "max"), "on")
    if rest not in values:
        raise SettingError(f"Write /think on or /think off, not {rest!r}.")
    return "thinking", values[rest]


def _part(rest: str) -> tuple[str]:
    if rest not in PARTS:
        raise SettingError(f"Write /show and one of {', '.join(PARTS)}.{did_you_mean(rest, PARTS)}")
    return (rest,)


def _save(rest: str) -> tuple[str, bool, bool]:
    words = rest.split()
    names = [word for word in words if word not in ("--force", "--model")]
    if len(names) != 1:
        raise SettingError(
            "Write /save NAME, such as /save my-preset; /save NAME --force replaces one of yours, and /save NAME "
            "--model makes the model part of it."
        )
    return names[0], "--force" in words, "--model" in words


def _template(rest: str) -> tuple[Any, ...]:
    raise SettingError("Set TEMPLATE in a preset; `twiddle presets new NAME` creates one.")


def _other_set(rest: str) -> tuple[Any, ...]:
    """Read `/set KNOB VALUE`, and refuse any other word after /set."""
    word = _split(rest)[0]
    if word and word.replace("-", "_") not in KNOBS:
        names = (each.name.removeprefix("/set ") for each in COMMANDS if each.name.startswith("/set "))
        hint = did_you_mean(word, (*names, "think", *KNOBS))
        raise SettingError(f"There is no /set {word}.{hint} Write /set parameter KNOB VALUE, or /set system TEXT.")
    return _parameter(rest)


def _side(action: SideAction, help: str) -> Command:
    return Command(f"/{action}", "side", help=help, read=_fixed(action))


def _explained(word: str, sentence: str) -> Command:
    """Return the row of a command of Ollama's that twiddle has no need for."""
    return Command(f"/set {word}", "explain", read=_fixed(sentence))


# fmt: off
COMMANDS: tuple[Command, ...] = (
    Command("/set parameter", "turn", "KNOB VALUE", "turn a knob, also while a reply is being written",
            _parameter, (complete_knob, complete_value), reveals=True),
    Command("/set system", "system", "TEXT", "set the system prompt, from the next reply on", _system, reveals=True),
    Command("/set nohistory", "keep_prompts", help="save no prompts for the up key; /set history saves them",
            read=_fixed(False)),
    Command("/set history", "keep_prompts", read=_fixed(True)),
    Command("/seed", "turn", "NUMBER", "the same as /set parameter seed NUMBER",
            lambda rest: ("seed", knob("seed").parse(rest or "random")), reveals=True),
    Command("/think", "turn", "[on|off]", "have the model think before it answers",
            _thinking, (one_of("on", "off"),), ("/set think",), reveals=True),
    Command("/set nothink", "turn", read=_fixed("thinking", "off"), reveals=True),
    Command("/set noformat", "turn", read=_fixed("format", "text"), reveals=True),
    Command("/preset", "preset", "[PRESET]", "switch the preset", _optional, (complete_preset,), reveals=True),
    Command("/model", "model", "[MODEL]", "switch the model, or list them",
            _optional, (complete_model,), ("/list",), reveals=True),
    Command("/compare", "compare", "[SETTING]", "put another setting beside this one, up to four",
            _optional, (complete_setting,), reveals=True),
    _side("next", "go to the next side"),
    _side("keep", "keep this side alone and close the others"),
    _side("drop", "drop this side"),
    _side("only", "ask this side alone, or all again"),
    _side("differences", "mark the words that differ between the sides"),
    _side("parting", "go to the first token where the replies differ"),
    _side("level", "scroll the sides together, or each alone"),
    _side("blind", "shuffle the sides and hide their settings, or show them"),
    _side("vote", "vote on the hidden sides, then show their settings"),
    _side("tally", "show the votes so far"),
    Command("/show", "show", "PART", "print the info, system, modelfile, ... in use",
            _part, (one_of(*PARTS),), reveals=True),
    Command("/save", "save", "NAME", "save the knobs and the system prompt as a preset",
            _save, reveals=True),
    Command("/load", "load", "PRESET|MODEL", "switch to a preset or, if none has that name, a model",
            _optional, (complete_preset_or_model,), reveals=True),
    Command("/again", "again", help="generate the last reply again", aliases=("/regen",)),
    Command("/tree", "tree", help="show the tree of all message versions", reveals=True),
    Command("/history", "history", help="open a saved conversation", reveals=True),
    Command("/picture", "picture", "[FILE]", "save the tokens and their probabilities as an SVG picture",
            lambda rest: (unquoted(rest) or None,), reveals=True),
    Command("/clear", "clear", help="begin a new chat", aliases=("/new",)),
    Command("/engine", "engine", help="show the engine's log, or restart the engine"),
    Command("/help", "help", help="keys and commands", aliases=("/?",)),
    Command("/bye", "bye", help="quit", aliases=("/exit", "/quit")),
    _explained("wordwrap", "Text is always wrapped here."),
    _explained("nowordwrap", "Text is always wrapped here; what you copy has the line ends of the original."),
    _explained("verbose", "Every reply ends with its length and speed here."),
    _explained("quiet", "The line under a reply stays: its seed makes the reply again."),
    Command("/set template", "explain", read=_template),
    Command("/set", "turn", read=_other_set, reveals=True),
)
# fmt: on

LISTED = tuple(command for command in COMMANDS if command.help)
"""Commands that the help, completion and docs/keys.md list."""

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def parse_command(text: str) -> ParsedCommand:
    """Return the command in a line that starts with a slash; raises SettingError or KnobError with its usage."""
    word, rest = _split(text.strip())
    second, after = _split(rest)
    if command := _BY_NAME.get(f"{word} {second}"):
        return ParsedCommand(command, command.read(after))
    if command := _BY_NAME.get(word):
        return ParsedCommand(command, command.read(rest))
    hint = did_you_mean(word, {name.split()[0] for name in _BY_NAME} - {"/?"})
    raise SettingError(f"There is no command {word}.{hint} /help lists them; a space before it sends it as text.")


def suggestions() -> tuple[Suggestion, ...]:
    """Return every listed command as a suggestion."""
    return tuple(
        Suggestion(f"{each.name} " if each.arguments else each.name, each.help, each.usage, each.needs_argument)
        for each in LISTED
    )


def complete(line: str, sources: CompletionSources) -> Completion | None:
    """Complete a command or its argument; None if the line begins with no slash or nothing fits."""
    if not line.startswith("/"):
        return None
    if begun := tuple(each for each in suggestions() if each.text.strip().startswith(line)):
        return Completion(0, line, begun)
    for command in LISTED:
        *done, typed = line.removeprefix(f"{command.name} ").split(" ")
        if line.startswith(f"{command.name} ") and len(done) < len(command.complete):
            found = command.complete[len(done)](typed, done[-1] if done else "", sources)
            if found.suggestions or found.hint:
                return Completion(len(line) - len(found.typed), found.typed, found.suggestions, found.hint)
    return None
