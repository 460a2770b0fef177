"""View of a comparison: titles, statistics, forks where replies diverge, and words that differ."""

from collections.abc import Sequence
from itertools import count

from tui.comparison.divergence import Divergence, by_id, by_text
from tui.comparison.votes import letter
from tui.comparison.word_diff import differing
from tui.errors import Refusal
from tui.session.labels import titles
from tui.session.reply_stats import RunningStats
from tui.session.session import Session
from tui.session.side import RunningReply, Side
from tui.ui.controllers.host import Column

ONE_SIDE = "There is one side only; F3 puts another beside it."


class ComparisonView:
    """Painter of the differences between sides; in a blind comparison, of those that do not reveal a side."""

    def __init__(self, session: Session, columns: Sequence[Column]) -> None:
        self._session, self._columns = session, columns
        self.hidden = False
        """True in a blind comparison."""
        self._marks_words = self._stale = False
        self._active = 0
        self._stats: dict[Side, RunningStats] = {}
        self._replies: list[tuple[Column, RunningReply]] = []
        self._divergence = Divergence(0)
        self._visits = count()

    def show(self, active: int) -> None:
        """Show the titles and which side is active."""
        sides = [column.side for column in self._columns]
        several = len(sides) > 1
        labels = titles(sides) if several else [sides[0].title]
        for index, (column, title) in enumerate(zip(self._columns, labels, strict=True)):
            column.pane.title = letter(index) if self.hidden else title
            column.pane.titled, column.pane.active = several, index == active
        self._stale = self._stale or active != self._active
        self._active = active
        self.draw()

    def draw(self) -> None:
        """Show the statistics of the newest replies and, once all are complete, the words that differ."""
        if self._stale and not self._session.busy:
            self._mark_words()
        if len(self._columns) < 2:
            return
        self._stats = {column.side: self._stats.get(column.side) or RunningStats() for column in self._columns}
        for column in self._columns:
            column.pane.figures = None if self.hidden else self._stats[column.side].update(column.side)

    def watch_replies(self) -> None:
        """Start to look for forks in the replies that have just started."""
        self._replies = [(each, each.side.reply) for each in self._columns if each.side.busy and each.side.reply]
        self._divergence, self._visits = Divergence(len(self._replies)), count()
        self._stale = self._marks_words
        for column in self._columns:
            column.pane.transcript.reply.light(frozenset())

    def mark_forks(self) -> None:
        """Mark the places where replies have diverged since the last call."""
        if len(self._replies) < 2:
            return
        models = {column.side.load.path for column, _ in self._replies if column.side.load}
        traces = [reply.traces for _, reply in self._replies]
        dropped = [column not in self._columns for column, _ in self._replies]
        complete = [index for index, (_, reply) in enumerate(self._replies) if reply.ending or dropped[index]]
        for index, token in self._divergence.advance(traces, by_id if len(models) < 2 else by_text, complete):
            column, reply = self._replies[index]
            if not dropped[index]:
                column.pane.transcript.reply.mark("parts here", reply.offsets[token], "fork")

    def go_to_fork(self, *, alone: bool) -> None:
        """Scroll the active side, or all, to the next fork, the newest first; raises Refusal where there is none."""
        visit = next(self._visits)
        columns = [self._columns[self._active]] if alone else self._columns
        if not [column for column in columns if column.pane.transcript.messages.visit_fork(visit)]:
            raise Refusal("No replies part here.")

    def toggle_word_marks(self) -> None:
        """Mark the words that differ from those of the active side, or stop; raises Refusal."""
        if len(self._columns) < 2:
            raise Refusal(ONE_SIDE)
        self._marks_words = not self._marks_words
        self._stale = True
        self.draw()

    def _mark_words(self) -> None:
        self._stale = False
        marking, active = self._marks_words and len(self._columns) > 1, self._active
        words = [column.pane.transcript.reply.words if marking else [] for column in self._columns]
        for index, column in enumerate(self._columns):
            other = index if index != active else (active + 1) % len(words)
            found = differing(words[active], words[other])
            column.pane.transcript.reply.light(found.left if index == active else found.right)
