"""The values of PARAMETER lines, typed by Ollama's rules; whether a knob can take them is the preset's business."""

import re
import struct

from tui.errors import did_you_mean
from tui.knobs.table import KNOBS, ROWS
from tui.presets.modelfile import Fault, Instruction, Modelfile, ModelfileError

Parameter = int | float | bool | str | tuple[str, ...]

SWITCHES = ("use_mmap", "use_mlock")
"""Knobs that a Modelfile says true or false to."""

WITHOUT_KNOB: dict[str, type] = {"draft_num_predict": int}
"""What Ollama knows and twiddle has no knob for: typed, then left alone."""

DEPRECATED = frozenset(
    ("penalize_newline", "low_vram", "f16_kv", "logits_all", "vocab_only", "use_mlock")
    + ("mirostat", "mirostat_tau", "mirostat_eta")
)
"""What Ollama skips without looking at the value; twiddle honours those that are knobs."""

OLLAMAS = frozenset(
    ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict", "num_keep", "seed")
    + ("num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "temperature", "repeat_penalty")
    + ("presence_penalty", "frequency_penalty", "stop")
)
"""What Ollama takes; it refuses every other name that is not deprecated."""

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
    """The typed value of each parameter as Ollama has it: of several the last, of a list all. Raises ModelfileError."""
    found: dict[str, Parameter] = {}
    lists: dict[str, list[str]] = {}
    for command in parameter_commands(modelfile):
        if command.name in DEPRECATED:
            continue
        value = typed(command, file)
        found[command.name] = value
        if isinstance(value, tuple):
            lists.setdefault(command.name, []).extend(value)
    return found | {name: tuple(entries) for name, entries in lists.items()}


def parameter_commands(modelfile: Modelfile) -> tuple[Instruction, ...]:
    """The PARAMETER lines."""
    return tuple(command for command in modelfile.commands if command.name not in _OTHER_COMMANDS)


def typed(command: Instruction, file: str) -> Parameter:
    """The value of one PARAMETER line in its own type; raises ModelfileError."""
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
    """The error that stands at a command."""
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
