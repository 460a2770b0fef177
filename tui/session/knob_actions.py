"""All the knobs of a side at once: taken back a step, put back to the preset, copied to the other sides."""

from collections.abc import Sequence
from typing import Literal

from tui.errors import EngineError, KnobError
from tui.session.session import Session
from tui.session.side import Side

Deed = Literal["undo", "redo", "reset", "copy", "save"]
"""What can be asked for."""


def obey(talk: Session, side: Side, deed: Deed, names: Sequence[str] = ()) -> str:
    """Do it; the name of a knob that a step was about, if it was one. Raises KnobError and EngineError.

    `names` are the knobs to be put back; all of them where none is named.
    """
    before = side.stand
    match deed:
        case "undo":
            undo(talk, side)
        case "redo":
            redo(talk, side)
        case "reset":
            reset(talk, side, names)
        case "copy":
            copy(talk, side)
    changed = side.stand.differing(before)
    return changed[0] if changed and deed in ("undo", "redo") else ""


def reset(talk: Session, side: Side, names: Sequence[str] = ()) -> None:
    """Put knobs of a side back where its preset has them, or all; raises KnobError and EngineError."""
    preset, stand = side.preset.stand, side.stand
    for name in names:
        stand = stand.turn(name, preset.of(name))
    talk.put(side, stand if names else preset)


def undo(talk: Session, side: Side) -> None:
    """Take the last turn of a side's knobs back; raises KnobError and EngineError."""
    step = side.steps.back(side.stand)
    if not step:
        raise KnobError("There is no turn of a knob to take back.")
    talk.put(side, step[1], steps=step[0])


def redo(talk: Session, side: Side) -> None:
    """Make the turn that was taken back last once more; raises KnobError and EngineError."""
    step = side.steps.again(side.stand)
    if not step:
        raise KnobError("There is no turn of a knob to make again.")
    talk.put(side, step[1], steps=step[0])


def copy(talk: Session, side: Side) -> None:
    """Put the knobs of the other sides where this one has them; raises EngineError."""
    others = [each for each in talk.sides if each is not side]
    if not others:
        raise EngineError("There is no other side to copy the knobs to; F3 opens one.")
    for other in others:
        talk.put(other, side.stand)
