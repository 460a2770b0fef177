"""What tells the sides beside each other apart: titles, figures, where replies part, the words that differ."""

from collections.abc import Sequence
from itertools import count

from tui.comparison.divergence import Divergence, by_id, by_text
from tui.comparison.votes import letter
from tui.comparison.word_diff import differing
from tui.errors import EngineError
from tui.session.labels import titles
from tui.session.reply_stats import RunningStats
from tui.session.session import Session
from tui.session.side import RunningReply, Side
from tui.ui.widgets.pane import Pane


class ComparisonView:
    """Shows in every pane what is different there; while the sides are hidden, only what does not give them away."""

    def __init__(self, session: Session, panes: Sequence[Pane]) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._session, self._panes = session, panes
        self.hidden = False
        """Whether nobody is to know which side is which."""
        self._marking = self._stale = False
        self._active = 0
        self._tapes: dict[Side, RunningStats] = {}
        self._writings: list[tuple[Pane, Side, RunningReply]] = []
        self._parting = Divergence(0)
        self._visits = count()

    def show(self, active: int) -> None:
        """Show how the sides are set."""
        sides = self._session.sides
        several = len(sides) > 1
        said = titles(sides) if several else [sides[0].title]
        for place, (pane, title) in enumerate(zip(self._panes, said, strict=True)):
            pane.title = letter(place) if self.hidden else title
            pane.titled, pane.active = several, place == active
        self._stale = self._stale or active != self._active
        self._active = active
        self.draw()

    def draw(self) -> None:
        """Show the figures of the newest replies, and once they are complete the words that differ."""
        if self._stale and not self._session.busy:
            self._light()
        if len(self._panes) < 2:
            return
        self._tapes = {side: self._tapes.get(side) or RunningStats() for side in self._session.sides}
        for pane, (side, tape) in zip(self._panes, self._tapes.items(), strict=True):
            pane.figures = None if self.hidden else tape.update(side)

    def begin(self) -> None:
        """Replies were asked for: they are watched until they part."""
        pairs = zip(self._panes, self._session.sides, strict=True)
        self._writings = [(pane, side, side.reply) for pane, side in pairs if side.busy and side.reply]
        self._parting, self._visits = Divergence(len(self._writings)), count()
        self._stale = self._marking
        for pane in self._panes:
            pane.transcript.reply.light(frozenset())

    def look(self) -> None:
        """Mark where replies have parted since."""
        if len(self._writings) < 2:
            return
        models = {side.load.path for _, side, _ in self._writings if side.load}
        traces = [writing.traces for _, _, writing in self._writings]
        gone = [side not in self._session.sides for _, side, _ in self._writings]  # nothing comes of those any more
        complete = [place for place, (_, _, writing) in enumerate(self._writings) if writing.ending or gone[place]]
        for place, index in self._parting.advance(traces, by_id if len(models) < 2 else by_text, complete):
            pane, _, writing = self._writings[place]
            if not gone[place]:
                pane.transcript.reply.mark("parts here", writing.offsets[index], "fork")

    def visit(self, *, alone: bool) -> None:
        """Go to where replies part, the newest first, on the active side alone or on all.

        Raises EngineError where none do.
        """
        visit = next(self._visits)
        panes = [self._panes[self._active]] if alone else self._panes
        if not [pane for pane in panes if pane.transcript.messages.visit_fork(visit)]:
            raise EngineError("No replies part here.")

    def turn(self) -> None:
        """Mark the words that differ from those of the active side, or no longer; raises EngineError."""
        if len(self._panes) < 2:
            raise EngineError("There is one side only; F3 puts another beside it.")
        self._marking = not self._marking
        self._stale = True
        self.draw()

    def _light(self) -> None:
        self._stale = False
        marking, active = self._marking and len(self._panes) > 1, self._active
        words = [pane.transcript.reply.words if marking else [] for pane in self._panes]
        for place, pane in enumerate(self._panes):
            other = place if place != active else (active + 1) % len(words)
            found = differing(words[active], words[other])
            pane.transcript.reply.light(found.left if place == active else found.right)
