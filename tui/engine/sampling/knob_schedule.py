"""The knobs of one reply, token by token: as asked for, turned by hand or by its lane, switched at its tags."""

from typing import NamedTuple

from msgspec.structs import replace

from tui.conversation.reply_record import KnobChange
from tui.engine.protocol import ReplyRequest
from tui.knobs.table import Knobs


class Sets(NamedTuple):
    """The knobs for the answer, and those for the thought where they are others."""

    answer: Knobs
    thinking: Knobs | None = None

    def at(self, inside: bool) -> Knobs:
        """The knobs that hold inside the thought, or outside."""
        return self.thinking if inside and self.thinking else self.answer


class KnobSchedule:
    """What holds now, what is to hold next, and every change on the way.

    A reply that brings a lane is one to be written again: the lane alone says what holds, and tags switch nothing.
    """

    def __init__(self, reply: ReplyRequest, *, inside: bool) -> None:
        """`inside` where the reply begins in its thought."""
        self.asked = Sets(reply.knobs, reply.thinking)
        """What is to hold from the next token on."""
        self.knobs = self.asked.at(inside)
        """What holds now."""
        self.changes: list[KnobChange] = []
        self._coming = list(reply.knob_changes)
        self._given = self.knobs if reply.knob_changes else None

    def ask(self, asked: Sets) -> None:
        """Have other knobs hold; what was to come in the lane is off."""
        self.asked = Sets(self._seeded(asked.answer), asked.thinking and self._seeded(asked.thinking))
        self._coming, self._given = [], None

    def due(self, index: int, *, inside: bool) -> Knobs:
        """The knobs that are to hold from the token at `index` on."""
        while self._coming and self._coming[0].index <= index:
            self._given = self._coming.pop(0).knobs
        return self._given or self.asked.at(inside)

    def turn(self, index: int, knobs: Knobs, *, crossed: bool) -> bool:
        """From the token at `index` on these hold; whether that is a change to be told of.

        It is one too where a tag was crossed and they stayed the same, though they could have changed there.
        """
        changed = knobs != self.knobs or (crossed and self.asked.thinking is not None)
        if changed:
            self.changes.append(KnobChange(index, knobs))
        self.knobs = knobs
        return changed

    def _seeded(self, knobs: Knobs) -> Knobs:
        return replace(knobs, seed=self.knobs.seed) if knobs.seed < 0 else knobs
