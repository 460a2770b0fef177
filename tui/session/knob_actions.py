"""All the knobs of a side at once: taken back a step, put back to the preset, copied to the other sides."""

from collections.abc import Sequence
from typing import Literal

from tui.errors import EngineError, KnobError
from tui.session.session import Session
from tui.session.side import Side

KnobAction = Literal["undo", "redo", "reset", "copy", "save"]
"""What can be asked for."""


def run_knob_action(session: Session, side: Side, deed: KnobAction, names: Sequence[str] = ()) -> str:
    """Do it; the name of a knob that a step was about, if it was one. Raises KnobError and EngineError.

    `names` are the knobs to be put back; all of them where none is named.
    """
    before = side.pair
    match deed:
        case "undo":
            undo(session, side)
        case "redo":
            redo(session, side)
        case "reset":
            reset(session, side, names)
        case "copy":
            copy(session, side)
    changed = side.pair.differing(before)
    return changed[0] if changed and deed in ("undo", "redo") else ""


def reset(session: Session, side: Side, names: Sequence[str] = ()) -> None:
    """Put knobs of a side back where its preset has them, or all; raises KnobError and EngineError."""
    preset, pair = side.preset.pair, side.pair
    for name in names:
        pair = pair.turn(name, preset.value(name))
    session.set_pair(side, pair if names else preset)


def undo(session: Session, side: Side) -> None:
    """Take the last turn of a side's knobs back; raises KnobError and EngineError."""
    step = side.undo_history.undo(side.pair)
    if not step:
        raise KnobError("There is no turn of a knob to take back.")
    session.set_pair(side, step[1], steps=step[0])


def redo(session: Session, side: Side) -> None:
    """Make the turn that was taken back last once more; raises KnobError and EngineError."""
    step = side.undo_history.redo(side.pair)
    if not step:
        raise KnobError("There is no turn of a knob to make again.")
    session.set_pair(side, step[1], steps=step[0])


def copy(session: Session, side: Side) -> None:
    """Put the knobs of the other sides where this one has them; raises EngineError."""
    others = [each for each in session.sides if each is not side]
    if not others:
        raise EngineError("There is no other side to copy the knobs to; F3 opens one.")
    for other in others:
        session.set_pair(other, side.pair)
