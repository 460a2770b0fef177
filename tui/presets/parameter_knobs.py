"""The knobs that a Modelfile turns: its PARAMETER lines and its ADAPTER, as knobs take them."""

from tui.errors import KnobError
from tui.knobs.knob import Knob, Value
from tui.knobs.table import ROWS
from tui.presets.modelfile import Instruction, Modelfile, ModelfileError
from tui.presets.parameters import DEPRECATED, fault, parameter_commands, typed


def turns(modelfile: Modelfile, file: str) -> tuple[dict[str, Value], list[str]]:
    """The value of each knob that it turns, and what to tell about lines that are not taken as they stand.

    Of several lines for a knob the last counts; those for a list add up, and empty entries, which can stand alone to
    clear what a base says, are left out. Raises ModelfileError.
    """
    turned: dict[str, Value] = {}
    lists: dict[str, list[str]] = {}
    last: dict[str, Instruction] = {}
    notes: list[str] = []
    for command in _lines(modelfile):
        row = knob_of(command)
        if row is None:
            if command.name not in DEPRECATED:
                typed(command, file)  # it raises for a name that is none
            continue
        try:
            value, note = _value(row, command, file)
            if isinstance(value, tuple):
                value = tuple(filter(None, value))
                lists.setdefault(row.name, []).extend(value)
            turned[row.name] = row.check(value)
            last[row.name] = command
        except (KnobError, ModelfileError) as error:
            if command.name not in DEPRECATED:
                raise _at(command, file, error) from None
            note = f"{command.name} is skipped, as in Ollama, where it is deprecated: {error}"
        if note:
            notes.append(f"Line {command.line}: {note}")
    for name, entries in lists.items():
        try:
            turned[name] = ROWS[name].check(tuple(entries))
        except KnobError as error:
            raise _at(last[name], file, error) from None
    return turned, notes


def knob_of(command: Instruction) -> Knob | None:
    """The knob that an instruction turns, if it turns one."""
    return ROWS.get("lora" if command.name == "adapter" else command.name)


def _lines(modelfile: Modelfile) -> list[Instruction]:
    # Of several ADAPTERs the last counts, as in Ollama.
    adapters = [command for command in modelfile.commands if command.name == "adapter"][-1:]
    return sorted((*parameter_commands(modelfile), *adapters), key=lambda command: command.start)


def _value(row: Knob, command: Instruction, file: str) -> tuple[Value, str]:
    """The value of a line, and a note when it is read as another."""
    if command.name == "adapter":
        return (command.args,), ""
    value = typed(command, file)
    if isinstance(value, bool):
        return int(value), ""
    if isinstance(value, int):
        # Beyond an end that has a name of its own it means that end, as in Ollama: -2 is no limit too.
        for end in (row.low, row.high):
            if end in row.words and (value < end if end == row.low else value > end):
                return int(end), f"{row.name} {command.args} is read as {row.words[int(end)]}."
    return value, ""


def _at(command: Instruction, file: str, error: KnobError | ModelfileError) -> ModelfileError:
    return error if isinstance(error, ModelfileError) else fault(command, file, "out_of_range", str(error))
