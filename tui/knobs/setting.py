"""Setting: a preset with some knobs changed, in one line of text such as `precise,temperature=0.2`."""

import re

from msgspec import Struct

from tui.errors import SettingError
from tui.knobs.knob import Value
from tui.knobs.table import knob

_OVERRIDE = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=(.*)", re.DOTALL)


class Setting(Struct, frozen=True):
    """Preset and knob changes with which a chat, or one side of a comparison, starts."""

    preset: str | None = None
    """Preset name, or path of a Modelfile or a GGUF; None for the default preset."""
    overrides: tuple[tuple[str, Value], ...] = ()
    """Knob values that replace those of the preset, in the order they were given."""

    def __str__(self) -> str:
        changed = (f"{name}={text}" for name, value in self.overrides for text in _texts(name, value))
        return ",".join(([self.preset] if self.preset else []) + list(changed)) or "default"


def _texts(name: str, value: Value) -> tuple[str, ...]:
    """Format a value: one text for each `name=` that has to be written."""
    if isinstance(value, tuple):
        return (";".join(value),) if knob(name).choices else value
    return (f"{value:.12g}" if isinstance(value, float) else str(value),)


def is_override(text: str) -> bool:
    """Return True if a text has the form `knob=value`, so that it cannot be a preset or a prompt."""
    return _OVERRIDE.fullmatch(text) is not None


def parse_setting(text: str) -> Setting:
    """Parse `PRESET`, `PRESET,knob=value,...` or `knob=value,...`; raises SettingError or KnobError.

    A list of texts is given entry by entry: `stop=A,stop=B`.
    """
    preset: str | None = None
    given: list[tuple[str, str]] = []
    for index, part in enumerate(text.split(",")):
        match = _OVERRIDE.fullmatch(part)
        if match:
            given.append((match[1].replace("-", "_"), match[2]))
        elif given and not knob(given[-1][0]).slides:
            name, value = given[-1]  # a comma inside a text, such as a JSON Schema
            given[-1] = (name, f"{value},{part}")
        elif index == 0 and part.strip():
            preset = part.strip()
        else:
            raise SettingError(f"In the setting {text!r}, {part!r} is not knob=value, such as temperature=0.2.")
    overrides: dict[str, Value] = {}
    for name, text in given:
        new, before = knob(name).parse(text), overrides.get(name)
        if isinstance(new, tuple) and isinstance(before, tuple) and not knob(name).choices:
            new = before + new
        overrides[name] = new
    return Setting(preset, tuple(overrides.items()))
