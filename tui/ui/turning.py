"""What the knob panel asks for, done to the talk."""

from tui.side import Side
from tui.talk import Talk
from tui.ui.widgets.knobs import KnobPanel


def obey(talk: Talk, side: Side, asked: KnobPanel.Turned | KnobPanel.Asked) -> str:
    """Turn the knobs of a side; the name of a knob that should be pointed at, if one should. Raises TwiddleError."""
    if isinstance(asked, KnobPanel.Turned):
        talk.turn(side, asked.name, asked.value, asked.stroke)
        return ""
    before = side.knobs
    match asked.deed:
        case "undo":
            talk.undo(side)
        case "redo":
            talk.redo(side)
        case "reset":
            talk.reset(side)
        case "copy":
            talk.copy(side)
    changed = side.knobs.differing(before)
    return changed[0] if changed and asked.deed in ("undo", "redo") else ""
