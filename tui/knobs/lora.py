"""LoRA adapters: entries of the knob `lora`, `PATH` or `PATH:SCALE`."""

import re
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from tui.errors import KnobError, ModelError
from tui.knobs.table import Knobs
from tui.paths import expand

STRONGEST = 100
"""Largest scale accepted; far below it a model already writes noise, and then NaN."""


class Adapter(NamedTuple):
    """LoRA adapter and its scale: 0 is no effect, 1 the strength it was trained for."""

    path: Path
    scale: float


def parse_adapter(entry: str) -> Adapter:
    """Parse `PATH` or `PATH:SCALE` into an adapter with an absolute path; raises KnobError and ModelError."""
    path, scale = _parts(entry)
    if abs(float(scale)) > STRONGEST:
        raise KnobError(f"lora: the scale {scale} is out of range; it goes from -{STRONGEST} to {STRONGEST}.")
    found = expand(path)
    if found is None:
        raise ModelError(f"lora: {path!r} starts with the home folder of somebody unknown.")
    return Adapter(found.absolute(), float(scale))


def beside(knobs: Knobs, folder: Path) -> Knobs:
    """Return the knobs with relative adapter paths resolved against the folder of their Modelfile."""
    return replace(knobs, lora=tuple(_from(folder, entry) for entry in knobs.lora))


def _from(folder: Path, entry: str) -> str:
    return entry if entry.startswith("~") else str(folder.absolute() / entry)


def _parts(entry: str) -> tuple[str, str]:
    # The shortest path wins, so that what reads as a scale is one.
    found = re.fullmatch(r"(.+?)(?::([+-]?\d+(?:\.\d+)?))?", entry, re.DOTALL)
    assert found, "the knob checked its form"
    return found[1], found[2] or "1"
