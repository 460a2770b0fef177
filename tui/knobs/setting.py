"""A setting: a preset with some knobs turned, in one line of text such as `precise,temperature=0.2`."""

import re

from msgspec import Struct

from tui.errors import SettingError
from tui.knobs.knob import Value
from tui.knobs.table import knob

_OVERRIDE = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=(.*)", re.DOTALL)


class Setting(Struct, frozen=True):
    """What a person names to start a chat or one side of a comparison."""

    preset: str | None = None
    """A preset's name, or a path to a Modelfile or a GGUF; None for the default preset."""
    overrides: tuple[tuple[str, Value], ...] = ()
    """Knobs turned away from the preset, in the order they were given."""

    def __str__(self) -> str:
        turned = (f"{name}={text}" for name, value in self.overrides for text in _written(name, value))
        return ",".join(([self.preset] if self.preset else []) + list(turned)) or "default"


def _written(name: str, value: Value) -> tuple[str, ...]:
    """What stands after the name, for as often as it is written."""
    if isinstance(value, tuple):
        return (";".join(value),) if knob(name).choices else value
    return (f"{value:.12g}" if isinstance(value, float) else str(value),)


def is_override(text: str) -> bool:
    """Whether a text reads as `knob=value`, so that it cannot be a preset or a prompt."""
    return _OVERRIDE.fullmatch(text) is not None


def parse_setting(text: str) -> Setting:
    """Read `PRESET`, `PRESET,knob=value,...` or `knob=value,...`; raises SettingError or KnobError.

    A list of texts is written entry by entry: `stop=A,stop=B`.
    """
    preset: str | None = None
    written: list[tuple[str, str]] = []
    for index, part in enumerate(text.split(",")):
        match = _OVERRIDE.fullmatch(part)
        if match:
            written.append((match[1].replace("-", "_"), match[2]))
        elif written and not knob(written[-1][0]).slides:
            name, value = written[-1]  # a comma inside a text, such as a JSON Schema
            written[-1] = (name, f"{value},{part}")
        elif index == 0 and part.strip():
            preset = part.strip()
        else:
            raise SettingError(f"In the setting {text!r}, {part!r} is not knob=value, such as temperature=0.2.")
    overrides: dict[str, Value] = {}
    for name, said in written:
        read, before = knob(name).parse(said), overrides.get(name)
        if isinstance(read, tuple) and isinstance(before, tuple) and not knob(name).choices:
            read = before + read
        overrides[name] = read
    return Setting(preset, tuple(overrides.items()))
