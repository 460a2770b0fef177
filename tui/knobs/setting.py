"""Setting: a model, a preset and changed knobs, in one line of text such as `my.gguf+precise,temperature=0.2`."""

import re
from collections.abc import Callable

from msgspec import Struct

from tui.errors import SettingError
from tui.knobs.knob import Value
from tui.knobs.table import knob
from tui.paths import expand, is_file

_OVERRIDE = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=(.*)", re.DOTALL)
_QUOTED = re.compile(r'\s*"((?:[^"]|"")+)"\s*(?=[,+]|$)', re.DOTALL)
_SPECIAL = re.compile(r'[,=+"]')
_END = re.compile(r"[,+]|$")


class Setting(Struct, frozen=True):
    """Model, preset and knob changes with which a chat, or one side of a comparison, starts."""

    preset: str | None = None
    """Preset name or path; a word alone may be a model instead. None for the default preset."""
    overrides: tuple[tuple[str, Value], ...] = ()
    """Knob values that replace those of the preset, in the order they were given."""
    model: str = ""
    """Model as FROM names it; empty for the preset's, or else the one in use."""

    def __str__(self) -> str:
        named = f"{spell(self.model)}+" if self.model else ""
        changed = (f"{name}={text}" for name, value in self.overrides for text in _texts(name, value))
        return ",".join([each for each in (named + spell(self.preset or ""), *changed) if each]) or "default"


def spell(reference: str) -> str:
    """Write a model or a preset as a setting holds it: in double quotes where it could be read otherwise."""
    plain = not _SPECIAL.search(reference) and reference == reference.strip()
    return reference if plain else '"' + reference.replace('"', '""') + '"'


def _texts(name: str, value: Value) -> tuple[str, ...]:
    """Format a value: one text for each `name=` that has to be written."""
    if isinstance(value, tuple):
        return (";".join(value),) if knob(name).choices else value
    return (f"{value:.12g}" if isinstance(value, float) else str(value),)


def is_override(text: str) -> bool:
    """Return True if a text has the form `knob=value`, so that it cannot be a preset or a prompt."""
    return _OVERRIDE.fullmatch(text) is not None


def parse_setting(text: str, known: Callable[[str], bool] | None = None) -> Setting:
    """Parse `MODEL+PRESET,knob=value,...`, each part of which may be missing; raises SettingError or KnobError.

    A MODEL or PRESET with `,`, `=`, `+` or quotes in it stands in double quotes, doubled inside, unless `known` finds
    it: by default, if it is a file. A list of texts is given entry by entry: `stop=A,stop=B`.
    """
    model, (preset, rest) = "", _reference(text, known or _is_file)
    if rest.startswith("+"):
        model, (preset, rest) = preset, _reference(rest[1:], known or _is_file)
    given: list[tuple[str, str]] = []
    for part in rest.removeprefix(",").split(",") if rest or not (model or preset) else ():
        match = _OVERRIDE.fullmatch(part)
        if match:
            given.append((match[1].replace("-", "_"), match[2]))
        elif given and not knob(given[-1][0]).slides:
            name, value = given[-1]  # a comma inside a text, such as a JSON Schema
            given[-1] = (name, f"{value},{part}")
        else:
            raise SettingError(f"In the setting {text!r}, {part!r} is not knob=value, such as temperature=0.2.")
    overrides: dict[str, Value] = {}
    for name, value in given:
        new, before = knob(name).parse(value), overrides.get(name)
        if isinstance(new, tuple) and isinstance(before, tuple) and not knob(name).choices:
            new = before + new
        overrides[name] = new
    return Setting(preset or None, tuple(overrides.items()), model)


def _reference(text: str, known: Callable[[str], bool]) -> tuple[str, str]:
    """Split off the model or preset that a text begins with; it is empty where the text begins with a knob."""
    if quoted := _QUOTED.match(text):
        return quoted[1].replace('""', '"'), text[quoted.end() :]
    ends = [match.start() for match in _END.finditer(text)]
    for end in reversed(ends) if _SPECIAL.search(text) else ():
        if known(text[:end].strip()):
            return text[:end].strip(), text[end:]
    if is_override(text.partition(",")[0]):
        return "", f",{text}"
    return text[: ends[0]].strip(), text[ends[0] :]


def _is_file(reference: str) -> bool:
    path = expand(reference)
    return path is not None and is_file(path)
