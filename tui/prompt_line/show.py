"""Parts of the preset in use, as `/show` prints them."""

from msgspec.structs import replace

from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs, knob
from tui.models.memory import show_size
from tui.models.model_info import ModelFacts, read_facts
from tui.presets.preset import Preset, anchored
from tui.presets.serialize import write_preset
from tui.prompt_line.commands import Part


def show_part(part: Part, preset: Preset, pair: KnobPair) -> str:
    """Return a part of a preset with these knobs; raises ModelError and PresetError."""
    match part:
        case "info":
            return _info(_facts(preset, pair.answer))
        case "license":
            return f"The licence of {preset.model}: {_facts(preset, pair.answer).licence}."
        case "modelfile":
            differing = {name: pair.value(name) for name in pair.differing(preset.pair)}
            turned = tuple((dict(preset.turned) | differing).items())
            return write_preset(replace(anchored(preset), turned=turned, any_model=False)).rstrip("\n")
        case "parameters":
            return _parameters(preset, pair)
        case "system":
            return preset.system or "There is no system prompt; /set system TEXT gives one."
        case "template":
            return preset.template or _facts(preset, pair.answer).template or "The model brings no chat template."


def _facts(preset: Preset, knobs: Knobs) -> ModelFacts:
    return read_facts(preset.find_model(), knobs)


def _info(facts: ModelFacts) -> str:
    rows = {
        "model": facts.name,
        "file": str(facts.path),
        "size": show_size(facts.size),
        "kind": f"{facts.architecture}, {facts.parameters / 1e6:,.0f} million parameters, {facts.quantization}",
        "context": f"{facts.memory.context:,} tokens of {facts.shape.get('context', 0):,} at most",
        "memory": show_size(facts.memory.total),
        "licence": facts.licence,
    }
    return _table(rows)


def _parameters(preset: Preset, pair: KnobPair) -> str:
    here = pair.differing(preset.pair)
    rows = {}
    for name in pair.differing(KnobPair(Knobs())):
        source = "turned here" if name in here else f"from {preset.source(name) or preset.name}"
        rows[name] = f"{knob(name).show(pair.value(name))}  ({source})"
    return _table(rows) or "Every knob is where llama.cpp has it."


def _table(rows: dict[str, str]) -> str:
    wide = max(map(len, rows), default=0)
    return "\n".join(f"{name:<{wide}}  {value}" for name, value in rows.items())
