"""Blind comparison: sides are shuffled and hidden, voted on, and revealed."""

from collections.abc import Callable, Sequence
from operator import is_
from secrets import randbelow

from textual.app import App

from tui.comparison.votes import Vote, VoteTally, count, letter, shuffled
from tui.conversation.conversation import until
from tui.conversation.trace import common_prefix
from tui.errors import Refusal
from tui.session.labels import names
from tui.session.session import Session
from tui.ui.controllers.comparison_view import ONE_SIDE, ComparisonView
from tui.ui.controllers.host import Column, refusals
from tui.ui.screens.vote import TallyScreen, VoteScreen


class BlindComparison:
    """Blind mode and the votes of this run."""

    def __init__(
        self, session: Session, view: ComparisonView, columns: Sequence[Column], changed: Callable[[], None]
    ) -> None:
        """Serve one comparison; `changed` is called whenever the sides are hidden or revealed."""
        self._session, self._view, self._columns, self._changed = session, view, columns, changed
        self._tally = VoteTally()

    @property
    def on(self) -> bool:
        """True while the sides are hidden."""
        return self._view.hidden

    def hide(self) -> None:
        """Shuffle and hide the sides, and cut their conversations to the turns that all share; raises Refusal."""
        sides = self._session.sides
        if len(sides) < 2:
            raise Refusal(ONE_SIDE)
        self._session.require_idle()
        paths = [side.conversation.path for side in sides]
        common = min(common_prefix(paths[0], path, is_) for path in paths)
        sides[:] = [sides[index] for index in shuffled(len(sides), randbelow)]
        for column, side in zip(self._columns, sides, strict=True):
            column.side = side
            # The turns before would show which side is which.
            path = side.conversation.indices
            side.conversation = until(side.conversation, path[common - 1] if common else None)
            side.reply = None
        self._set_hidden(True)

    def reveal(self) -> None:
        """Show which side is which; raises Refusal while a reply is running."""
        self._session.require_idle()
        self._set_hidden(False)

    def vote(self, app: App[None]) -> None:
        """Ask which side is better, then reveal the sides and show the tally; raises Refusal."""
        if not self.on:
            raise Refusal("The sides are not hidden; /blind hides them, and then /vote asks which is better.")
        if self._session.busy or not all(
            side.reply and side.conversation.tip is not None for side in self._session.sides
        ):
            raise Refusal("There is nothing to vote on yet: ask something, and let all sides answer.")

        def on_vote(vote: Vote | None) -> None:
            if vote is None:
                return
            labels = names(self._session.sides)
            self._tally = count(self._tally, labels, vote)
            with refusals(app):
                self.reveal()
            self._show(app, [f"{letter(index)} was {name}" for index, name in enumerate(labels)])

        app.push_screen(VoteScreen(len(self._session.sides)), on_vote)

    def tally(self, app: App[None]) -> None:
        """Show the tally of votes."""
        self._show(app, [])

    def _show(self, app: App[None], revealed: Sequence[str]) -> None:
        def on_close(again: bool | None) -> None:
            if again:
                with refusals(app):
                    self.hide()

        several = len(self._session.sides) > 1 and not self.on
        app.push_screen(TallyScreen(self._tally, revealed, several), on_close)

    def _set_hidden(self, hidden: bool) -> None:
        self._view.hidden = hidden
        for column in self._columns:
            column.pane.transcript.messages.versioned = not hidden  # their number reveals the side
            column.pane.close_tokens()
            column.pane.transcript.clear()
            column.pane.transcript.show(column.side.conversation)
        self._changed()
