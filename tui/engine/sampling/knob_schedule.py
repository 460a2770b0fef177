"""The knobs of one reply, token by token: as requested, turned while it runs, and switched at its thinking tags."""

from msgspec.structs import replace

from tui.conversation.reply_record import KnobChange
from tui.engine.protocol import ReplyRequest
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs


class KnobSchedule:
    """Knobs in effect, knobs asked for, and every change of one reply.

    A request with knob changes is a replay: only those apply, and thinking tags switch nothing.
    """

    def __init__(self, reply: ReplyRequest, *, inside: bool) -> None:
        """Start with the knobs of a request; `inside` is True if the reply begins in its thought."""
        self.asked = reply.pair
        """Knobs asked for, from the next token on."""
        self.knobs = self.asked.effective_at(inside)
        """Knobs in effect."""
        self.changes: list[KnobChange] = []
        self._scheduled = list(reply.knob_changes)
        self._replayed = self.knobs if reply.knob_changes else None

    def ask(self, asked: KnobPair) -> None:
        """Set other knobs from the next token on; scheduled changes are dropped."""
        seed = asked.answer.seed if asked.answer.seed >= 0 else self.knobs.seed
        self.asked = asked._replace(answer=replace(asked.answer, seed=seed))
        self._scheduled, self._replayed = [], None

    def due(self, index: int, *, inside: bool) -> Knobs:
        """Return the knobs that apply from token `index` on."""
        while self._scheduled and self._scheduled[0].index <= index:
            self._replayed = self._scheduled.pop(0).knobs
        return self._replayed or self.asked.effective_at(inside)

    def turn(self, index: int, knobs: Knobs, *, crossed: bool) -> bool:
        """Apply `knobs` from token `index` on. Return True if a KnobsTurned event is due.

        It is due also at a tag where the knobs could have changed and stayed the same.
        """
        changed = knobs != self.knobs or (crossed and bool(self.asked.thought))
        if changed:
            self.changes.append(KnobChange(index, knobs))
        self.knobs = knobs
        return changed
