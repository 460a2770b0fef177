"""Actions on all knobs of a side: undo, redo, reset to the preset, copy to the other sides."""

from collections.abc import Sequence
from typing import Literal

from tui.errors import Refusal
from tui.session.session import Session
from tui.session.side import Side

KnobAction = Literal["undo", "redo", "reset", "copy", "save"]


def run_knob_action(session: Session, side: Side, action: KnobAction, names: Sequence[str] = ()) -> str:
    """Carry out an action other than `save`; return the name of a knob that an undo or a redo changed, or nothing.

    `names` limits a reset to some knobs. Raises Refusal.
    """
    before = side.pair
    match action:
        case "undo":
            undo(session, side)
        case "redo":
            redo(session, side)
        case "reset":
            reset(session, side, names)
        case "copy":
            copy(session, side)
    changed = side.pair.differing(before)
    return changed[0] if changed and action in ("undo", "redo") else ""


def reset(session: Session, side: Side, names: Sequence[str] = ()) -> None:
    """Set some knobs, or all, to the preset's values; raises Refusal."""
    preset, pair = side.preset.pair, side.pair
    for name in names:
        pair = pair.turn(name, preset.value(name))
    session.set_pair(side, pair if names else preset)


def undo(session: Session, side: Side) -> None:
    """Undo the last change of a side's knobs; raises Refusal."""
    step = side.undo_history.undo(side.pair)
    if not step:
        raise Refusal("There is no turn of a knob to take back.")
    session.set_pair(side, step[1], history=step[0])


def redo(session: Session, side: Side) -> None:
    """Redo the change undone last; raises Refusal."""
    step = side.undo_history.redo(side.pair)
    if not step:
        raise Refusal("There is no turn of a knob to make again.")
    session.set_pair(side, step[1], history=step[0])


def copy(session: Session, side: Side) -> None:
    """Set the knobs of all other sides to this side's; raises Refusal."""
    others = [each for each in session.sides if each is not side]
    if not others:
        raise Refusal("There is no other side to copy the knobs to; F3 opens one.")
    for other in others:
        session.set_pair(other, side.pair)
