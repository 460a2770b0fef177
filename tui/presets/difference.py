"""In what two presets differ."""

from msgspec import Struct

from tui.knobs.table import KNOBS, ROWS, THOUGHT_KNOBS
from tui.presets.preset import PARTS, Preset


class DifferenceRow(Struct, frozen=True):
    """A knob, a part or the model, and what either preset has there, with the base that says it."""

    what: str
    one: str
    other: str


def difference(one: Preset, other: Preset) -> tuple[DifferenceRow, ...]:
    """What the presets have differently: the model, the texts, then the knobs in the order of the table."""
    names = ("model", *PARTS, *one.knobs.differing(other.knobs), *THOUGHT_KNOBS)
    rows = (DifferenceRow(name, _said(one, name), _said(other, name)) for name in names)
    return tuple(row for row in rows if row.one != row.other)


def _said(preset: Preset, what: str) -> str:
    if what == "messages":
        text = "\n".join(f"{message.role}: {message.content}" for message in preset.messages)
    elif what in KNOBS:
        text = KNOBS[what].show(getattr(preset.knobs, what))
    elif what in THOUGHT_KNOBS:
        turned = dict(preset.turned)
        text = ROWS[what].show(turned[what]) if what in turned else ""
    else:
        text = getattr(preset, what) or ""
    base = dict(preset.inherited).get(what)
    return f"{text} (from {base})" if base and what in ROWS else text
