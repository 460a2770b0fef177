"""Export of a preset as a Modelfile that `ollama create` accepts."""

from msgspec import Struct

from tui.errors import ModelError
from tui.knobs.knob import Value
from tui.knobs.lora import parse_adapter
from tui.knobs.table import ROWS, THOUGHT_KNOBS
from tui.models.ollama import PREFIX
from tui.presets.parameters import DEPRECATED, OLLAMAS
from tui.presets.preset import Preset
from tui.presets.serialize import describe, instruction, parameter, statements

_OTHERWISE = ("top_p", "min_p")
"""Knobs with other defaults in Ollama: 0.9 and 0 where llama.cpp has 0.95 and 0.05."""

_UNSAID = {"num_ctx": 0, "main_gpu": -1}
"""Values that Ollama uses when nothing is set, and does not accept explicitly."""


class OllamaExport(Struct, frozen=True):
    """Modelfile text for Ollama, and a sentence for each value that it cannot express."""

    text: str
    left_out: tuple[str, ...]


def for_ollama(preset: Preset) -> OllamaExport:
    """Write the preset and its bases as one Modelfile; values that Ollama lacks are commented out.

    Raises PresetError for a text that no Modelfile can hold.
    """
    model, trouble = _model(preset)
    left_out = [trouble] if trouble else []
    lines = [describe(preset.description), instruction("FROM", model)]
    knobs, turned = preset.knobs, dict(preset.turned)
    for name in dict.fromkeys((*turned, *_OTHERWISE)):
        value = turned[name] if name in THOUGHT_KNOBS else getattr(knobs, name)
        if _is_default(name, value):
            continue
        adapter = _adapter(knobs.lora) if name == "lora" else ""
        instructions = [adapter] if adapter else [instruction(*each) for each in parameter(name, value)]
        reason = "" if adapter else _reason(name, value)
        if reason:
            left_out.append(f"{name} {ROWS[name].show(value)}: {reason}.")
            instructions = [f"# {part}" for line in instructions for part in line.splitlines()]
        lines += instructions
    lines += [instruction(*each) for each in statements(preset) if not each[0].startswith(("FROM", "PARAMETER"))]
    return OllamaExport(lines[0] + "\n".join(lines[1:]) + "\n", tuple(left_out))


def refusals(preset: Preset) -> tuple[str, ...]:
    """Return the instructions of the preset that `ollama create` would refuse."""
    found = [f"FROM {preset.model}"] if preset.model == "starter" or preset.model.startswith(PREFIX) else []
    found = ["a Modelfile without FROM"] if preset.any_model else found
    sources = dict.fromkeys(source for what, source in preset.inherited if what == "model")
    found = [f"FROM {source}, which is a preset" for source in sources] or found
    own = [name for name, _ in preset.turned if name not in dict(preset.inherited)]
    return (*found, *(f"PARAMETER {name}" for name in own if name not in OLLAMAS | DEPRECATED and name != "lora"))


def _model(preset: Preset) -> tuple[str, str]:
    """Return the value of FROM, and a sentence if it could not be resolved."""
    if preset.model.startswith(PREFIX):
        return preset.model.removeprefix(PREFIX), ""
    if preset.model.startswith("hf.co/"):
        return preset.model, ""
    try:
        return str(preset.find_model()), ""
    except ModelError as error:
        return preset.model, f"FROM is left unchanged: {error}"


def _is_default(name: str, value: Value) -> bool:
    """Return True if Ollama uses the value anyway."""
    untouched = value == ROWS[name].default and name not in OLLAMAS and name not in THOUGHT_KNOBS
    return untouched or value == () or _UNSAID.get(name) == value


def _adapter(entries: tuple[str, ...]) -> str:
    if len(entries) == 1 and parse_adapter(entries[0]).scale == 1:
        return instruction("ADAPTER", str(parse_adapter(entries[0]).path))
    return ""


def _reason(name: str, value: Value) -> str:
    """Return the reason why Ollama has no such value; empty if it has."""
    if name == "lora":
        return "Ollama applies one adapter, at scale 1"
    if name in DEPRECATED:
        return "Ollama no longer has it"
    if name not in OLLAMAS:
        return "it is twiddle's own"
    return "Ollama has no auto for it" if name == "num_keep" and value == -1 else ""
