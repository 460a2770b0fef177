"""Labels of compared sides: only what differs between them."""

import re
from collections.abc import Callable, Sequence

from tui.knobs.table import ROWS
from tui.models.locations import STARTER
from tui.session.side import Side
from tui.terminal import truncate

LIMIT = 24
"""Characters shown of a long value, such as a system prompt."""


def titles(sides: Sequence[Side]) -> list[str]:
    """Return a title for each side, such as `temperature 0.2`, without what all sides have in common.

    Equal sides have the titles that each would have alone.
    """
    # A preset's name stands for its system prompt; that is a label only where one preset has several.
    first = _name if len({side.preset.name for side in sides}) > 1 else _system
    both = first is _name and len({side.model for side in sides}) > 1
    named = [_model_and_name] if both else [first, _model]
    aspects: list[Callable[[Side], str]] = [*named, *map(_knob, _differing_knobs(sides))]
    values = [[aspect(side) for side in sides] for aspect in aspects]
    differing = [row for row in values if len(set(row)) > 1]
    if not differing:
        return [side.title for side in sides]
    return [" · ".join(filter(None, parts)) for parts in zip(*differing, strict=True)]


def names(sides: Sequence[Side]) -> list[str]:
    """Return a name for each side, such as `my-model+precise · top_k 3`; the starter is left out.

    Equal names are told apart by the system prompts.
    """
    found = [f"{_model(side)}+{side.title}" if side.model != STARTER else side.title for side in sides]
    systems_differ = len({side.preset.system for side in sides}) > 1
    return [
        f"{name} · {_system(side)}" if systems_differ and found.count(name) > 1 else name
        for side, name in zip(sides, found, strict=True)
    ]


def _differing_knobs(sides: Sequence[Side]) -> list[str]:
    """Return the knobs that differ between sides, turned ones first."""
    first = sides[0].pair
    differing = {name for side in sides[1:] for name in side.pair.differing(first)}
    if len({side.knobs.seed for side in sides if side.knobs.seed >= 0}) < 2:
        differing.discard("seed")  # sides without a seed use that of the others
    turned = {name for side in sides for name in side.turned}
    return sorted(differing, key=lambda name: (name not in turned, list(ROWS).index(name)))


def _name(side: Side) -> str:
    return side.preset.name


def _model(side: Side) -> str:
    return re.sub(r"(?i)\.gguf$", "", side.model.rpartition("/")[2])


def _model_and_name(side: Side) -> str:
    return f"{_model(side)}+{_name(side)}"


def _system(side: Side) -> str:
    return f"system {_short(side.preset.system or 'none')}"


def _knob(name: str) -> Callable[[Side], str]:
    return lambda side: f"{name} {_short(ROWS[name].show(side.pair.value(name)))}"


def _short(text: str) -> str:
    return truncate(" ".join(text.split()), LIMIT)
