"""What sides beside each other are called: only what is different between them."""

from collections.abc import Callable, Sequence

from tui.knobs.table import ROWS
from tui.models.locations import STARTER
from tui.session.side import Side
from tui.terminal import truncate

LONGEST = 24
"""Characters shown of a text among the values, such as a system prompt."""


def titles(sides: Sequence[Side]) -> list[str]:
    """A title for each side, such as `temperature 0.2` and `temperature 1.4`; what all have in common is left out.

    Sides that are alike have the title that each would have alone.
    """
    # A preset's name says what its system prompt is, unless that was worded anew.
    which = _name if len({side.preset.name for side in sides}) > 1 else _system
    aspects: list[Callable[[Side], str]] = [which, _model, *map(_knob, _apart(sides))]
    told = [[aspect(side) for side in sides] for aspect in aspects]
    differing = [said for said in told if len(set(said)) > 1]
    if not differing:
        return [side.title for side in sides]
    return [" · ".join(filter(None, said)) for said in zip(*differing, strict=True)]


def names(sides: Sequence[Side]) -> list[str]:
    """What each side is called by itself: its preset, what is turned, a model other than the starter.

    Sides that would be called alike, but are told something else by their system prompts, are called by these too.
    """
    said = [" · ".join((side.title, *([_model(side)] if side.preset.model != STARTER else []))) for side in sides]
    told = len({side.preset.system for side in sides}) > 1
    return [
        f"{name} · {_system(side)}" if told and said.count(name) > 1 else name
        for side, name in zip(sides, said, strict=True)
    ]


def _apart(sides: Sequence[Side]) -> list[str]:
    """The knobs that may tell the sides apart: first those that somebody turned, then those that presets set."""
    first = sides[0].pair
    apart = {name for side in sides[1:] for name in side.pair.differing(first)}
    if len({side.knobs.seed for side in sides if side.knobs.seed >= 0}) < 2:
        apart.discard("seed")  # sides without one draw with that of the others
    turned = {name for side in sides for name in side.turned}
    return sorted(apart, key=lambda name: (name not in turned, list(ROWS).index(name)))


def _name(side: Side) -> str:
    return side.preset.name


def _model(side: Side) -> str:
    return side.preset.model.rpartition("/")[2].removesuffix(".gguf")


def _system(side: Side) -> str:
    return f"system {_short(side.preset.system or 'none')}"


def _knob(name: str) -> Callable[[Side], str]:
    return lambda side: f"{name} {_short(ROWS[name].show(side.pair.value(name)))}"


def _short(text: str) -> str:
    return truncate(" ".join(text.split()), LONGEST)
