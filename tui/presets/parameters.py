"""PARAMETER and ADAPTER lines: values typed by Ollama's rules, and the knobs that they set."""

import re
import struct

from tui.errors import KnobError, did_you_mean
from tui.knobs.knob import Knob, Value
from tui.knobs.table import KNOBS, ROWS
from tui.presets.modelfile import Fault, Instruction, Modelfile, ModelfileError

Parameter = int | float | bool | str | tuple[str, ...]

SWITCHES = ("use_mmap", "use_mlock")
"""Knobs whose value in a Modelfile is true or false."""

WITHOUT_KNOB: dict[str, type] = {"draft_num_predict": int}
"""Parameters of Ollama without a knob, with their types: checked, then ignored."""

DEPRECATED = frozenset(
    ("penalize_newline", "low_vram", "f16_kv", "logits_all", "vocab_only", "use_mlock")
    + ("mirostat", "mirostat_tau", "mirostat_eta")
)
"""Parameters that Ollama ignores without checking the value; twiddle applies those that are knobs."""

OLLAMAS = frozenset(
    ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict", "num_keep", "seed")
    + ("num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "temperature", "repeat_penalty")
    + ("presence_penalty", "frequency_penalty", "stop")
)
"""Parameters that Ollama accepts; it refuses every other name that is not deprecated."""

_OTHER_COMMANDS = frozenset(
    ("model", "system", "template", "message", "license", "adapter", "draft", "renderer", "parser", "requires")
)

_INT = re.compile(r"([+-]?)0*([0-9]{1,19})")
_DIGITS = r"[0-9](?:_?[0-9])*"
_HEX_DIGITS = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX = re.compile(rf"[+-]?0[xX](?:_?{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}")
_NOT_FINITE = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE)
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_MARKS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(?:-{_MARKS})?(?:\+{_MARKS})?)?)?")


def parameters(modelfile: Modelfile, file: str = "Modelfile") -> dict[str, Parameter]:
    """Return the typed parameters as Ollama has them: the last line of each, all lines of a list; or ModelfileError."""
    found: dict[str, Parameter] = {}
    lists: dict[str, list[str]] = {}
    for command in parameter_commands(modelfile):
        if command.name in DEPRECATED:
            continue
        value = parse_value(command, file)
        found[command.name] = value
        if isinstance(value, tuple):
            lists.setdefault(command.name, []).extend(value)
    return found | {name: tuple(entries) for name, entries in lists.items()}


def parameter_commands(modelfile: Modelfile) -> tuple[Instruction, ...]:
    """Return the PARAMETER lines."""
    return tuple(command for command in modelfile.commands if command.name not in _OTHER_COMMANDS)


def parse_value(command: Instruction, file: str) -> Parameter:
    """Convert the value of one PARAMETER line to its type; raises ModelfileError."""
    name, text = command.name, command.args
    kind = bool if name in SWITCHES else WITHOUT_KNOB.get(name) or (ROWS[name].kind if name in ROWS else None)
    if kind is int:
        return _int(command, file)
    if kind is float:
        return _float(command, file)
    if kind is bool:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise fault(command, file, "invalid_bool", f"{name} takes true or false, not {text!r}.")
    if kind is tuple:
        return ROWS[name].entries(text)
    if kind is str:
        return text
    if not name:
        raise fault(command, file, "unknown_parameter", "two blanks follow PARAMETER; write one, then the name.")
    hint = did_you_mean(name.lower(), (*ROWS, *WITHOUT_KNOB))
    hint = hint or f" The parameters are {', '.join((*KNOBS, *WITHOUT_KNOB))}."
    raise fault(command, file, "unknown_parameter", f"there is no parameter {name!r}.{hint}")


def check_version(command: Instruction, file: str) -> None:
    """Refuse a REQUIRES that is not a version; raises ModelfileError."""
    if not _VERSION.fullmatch(command.args):
        advice = f"REQUIRES takes a version such as 0.14.0, not {command.args!r}."
        raise fault(command, file, "invalid_requires", advice)


def fault(command: Instruction, file: str, kind: Fault, advice: str) -> ModelfileError:
    """Build an error at the position of an instruction."""
    return ModelfileError(kind, advice, file=file, line=command.line, column=command.column)


def _int(command: Instruction, file: str) -> int:
    match = _INT.fullmatch(command.args)
    value = int(match[1] + match[2]) if match else 2**63
    if -(2**63) <= value < 2**63:
        return value
    raise fault(command, file, "invalid_int", f"{command.name} takes a whole number, {_instead(command.args)}.")


def _float(command: Instruction, file: str) -> float:
    name, text = command.name, command.args
    plain = text.replace("_", "")
    try:
        if _DECIMAL.fullmatch(text):
            return _single(float(plain))
        if _HEX.fullmatch(text):
            return _single(float.fromhex(plain))
    except OverflowError:
        raise fault(command, file, "invalid_float", f"{name} takes a number below 3.4e38.") from None
    if _NOT_FINITE.fullmatch(text):
        raise fault(command, file, "not_serialisable", f"{name} takes a number with an end, not {text!r}.")
    raise fault(command, file, "invalid_float", f"{name} takes a number such as 0.7, {_instead(text)}.")


def _single(value: float) -> float:
    struct.pack("<f", value)  # raises OverflowError for what Ollama's 32-bit floats cannot hold
    return value


def _instead(text: str) -> str:
    if " #" in text:
        return f"not {text!r}: a comment needs a line of its own"
    return f"not {text!r}" if text else "and there is none"


def knob_values(modelfile: Modelfile, file: str) -> tuple[dict[str, Value], list[str]]:
    """Return the knob values that a Modelfile sets, and remarks on lines that are read differently or skipped.

    Of several lines for a knob the last counts; those for a list add up. Empty entries are left out: an empty one
    alone clears the list of a base. Raises ModelfileError.
    """
    turned: dict[str, Value] = {}
    lists: dict[str, list[str]] = {}
    last: dict[str, Instruction] = {}
    notes: list[str] = []
    for command in _lines(modelfile):
        row = knob_of(command)
        if row is None:
            if command.name not in DEPRECATED:
                parse_value(command, file)  # it raises for a name that is none
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
    """Return the knob that an instruction sets, or None."""
    return ROWS.get("lora" if command.name == "adapter" else command.name)


def _lines(modelfile: Modelfile) -> list[Instruction]:
    # Of several ADAPTERs the last counts, as in Ollama.
    adapters = [command for command in modelfile.commands if command.name == "adapter"][-1:]
    return sorted((*parameter_commands(modelfile), *adapters), key=lambda command: command.start)


def _value(row: Knob, command: Instruction, file: str) -> tuple[Value, str]:
    """Return the value of a line, and a remark if it is read as another value."""
    if command.name == "adapter":
        return (command.args,), ""
    value = parse_value(command, file)
    if isinstance(value, bool):
        return int(value), ""
    if isinstance(value, int):
        # A value beyond a named end of the range means that end, as in Ollama: -2 is no limit too.
        for end in (row.low, row.high):
            if end in row.words and (value < end if end == row.low else value > end):
                return int(end), f"{row.name} {command.args} is read as {row.words[int(end)]}."
    return value, ""


def _at(command: Instruction, file: str, error: KnobError | ModelfileError) -> ModelfileError:
    return error if isinstance(error, ModelfileError) else fault(command, file, "out_of_range", str(error))
