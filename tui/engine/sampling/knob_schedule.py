"""The knobs of one reply, token by token: as requested, turned while it runs, and switched at its thinking tags."""

from msgspec.structs import replace

from tui.conversation.reply_record import KnobChange
from tui.engine.protocol import ReplyRequest
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs


class KnobSchedule:
    """Knobs in effect, knobs asked for, and every change of one reply.

    A reply that brings a lane is one to be written again: the lane alone says what holds, and tags switch nothing.
    """

    def __init__(self, reply: ReplyRequest, *, inside: bool) -> None:
        """`inside` where the reply begins in its thought."""
        self.asked = reply.pair
        """Knobs asked for, from the next token on."""
        self.knobs = self.asked.effective_at(inside)
        """Knobs in effect."""
        self.changes: list[KnobChange] = []
        self._coming = list(reply.knob_changes)
        self._given = self.knobs if reply.knob_changes else None

    def ask(self, asked: KnobPair) -> None:
        """Ask for other knobs from the next token on; scheduled changes are dropped."""
        seed = asked.answer.seed if asked.answer.seed >= 0 else self.knobs.seed
        self.asked = asked._replace(answer=replace(asked.answer, seed=seed))
        self._coming, self._given = [], None

    def due(self, index: int, *, inside: bool) -> Knobs:
        """Return the knobs that apply from token `index` on."""
        while self._coming and self._coming[0].index <= index:
            self._given = self._coming.pop(0).knobs
        return self._given or self.asked.effective_at(inside)

    def turn(self, index: int, knobs: Knobs, *, crossed: bool) -> bool:
        """Apply `knobs` from token `index` on. Return True if a KnobsTurned event is due.

        It is one too where a tag was crossed and they stayed the same, though they could have changed there.
        """
        changed = knobs != self.knobs or (crossed and bool(self.asked.thought))
        if changed:
            self.changes.append(KnobChange(index, knobs))
        self.knobs = knobs
        return changed
