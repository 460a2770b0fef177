"""LoRA adapters: what an entry of the knob `lora` says."""

import re
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from tui.errors import KnobError, ModelError
from tui.knobs.table import Knobs
from tui.paths import expand

STRONGEST = 100
"""A scale beyond it is a slip: what it makes of a model are no words, and soon no numbers."""


class Adapter(NamedTuple):
    """A LoRA adapter and how strongly it acts: at 0 not at all, at 1 as it was trained."""

    path: Path
    scale: float


def parse_adapter(entry: str) -> Adapter:
    """The adapter that `PATH` or `PATH:SCALE` names, with an absolute path; raises KnobError and ModelError."""
    path, scale = _parts(entry)
    if abs(float(scale)) > STRONGEST:
        raise KnobError(f"lora: the scale {scale} is out of range; it goes from -{STRONGEST} to {STRONGEST}.")
    found = expand(path)
    if found is None:
        raise ModelError(f"lora: {path!r} starts with the home folder of somebody unknown.")
    return Adapter(found.absolute(), float(scale))


def beside(knobs: Knobs, folder: Path) -> Knobs:
    """The knobs of a Modelfile in that folder: relative paths of adapters start there."""
    return replace(knobs, lora=tuple(_from(folder, entry) for entry in knobs.lora))


def _from(folder: Path, entry: str) -> str:
    return entry if entry.startswith("~") else str(folder.absolute() / entry)


def _parts(entry: str) -> tuple[str, str]:
    # The shortest path wins, so that what reads as a scale is one.
    found = re.fullmatch(r"(.+?)(?::([+-]?\d+(?:\.\d+)?))?", entry, re.DOTALL)
    assert found, "the knob checked its form"
    return found[1], found[2] or "1"
