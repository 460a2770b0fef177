"""Comparing blind: the sides are shuffled and hidden, judged, and shown again."""

from collections.abc import Callable, Sequence
from operator import is_
from secrets import randbelow

from textual.app import App

from tui.comparison.votes import Vote, VoteTally, count, letter, shuffled
from tui.conversation.conversation import until
from tui.conversation.trace import common_prefix
from tui.errors import EngineError
from tui.session.labels import names
from tui.session.session import Session
from tui.ui.controllers.comparison_view import ComparisonView
from tui.ui.error_toast import refusals
from tui.ui.screens.tally import TallyScreen
from tui.ui.screens.vote import VoteScreen
from tui.ui.widgets.pane import Pane


class BlindComparison:
    """Hides which side is which, and counts the votes of this run."""

    def __init__(
        self, session: Session, view: ComparisonView, panes: Sequence[Pane], changed: Callable[[], None]
    ) -> None:
        """`panes` stays in step with the sides of the talk; `changed` is called when what may be seen has changed."""
        self._session, self._view, self._panes, self._changed = session, view, panes, changed
        self._tally = VoteTally()

    @property
    def on(self) -> bool:
        """Whether the sides are hidden."""
        return self._view.hidden

    def begin(self) -> None:
        """Shuffle and hide the sides. They go on from what they have in common; raises EngineError."""
        sides = self._session.sides
        if len(sides) < 2:
            raise EngineError("There is one side only; F3 puts another beside it.")
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        paths = [side.conversation.path for side in sides]
        common = min(common_prefix(paths[0], path, is_) for path in paths)
        sides[:] = [sides[place] for place in shuffled(len(sides), randbelow)]
        for side in sides:
            # What was said before would tell who is who.
            path = side.conversation.indices
            side.conversation = until(side.conversation, path[common - 1] if common else None)
            side.reply = None
        self._hide(True)

    def end(self) -> None:
        """Show which side is which; raises EngineError while a reply is being written."""
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        self._hide(False)

    def vote(self, app: App[None]) -> None:
        """Ask which side is better, then show which is which and what the votes came to; raises EngineError."""
        if not self.on:
            raise EngineError("The sides are not hidden; /blind hides them, and then /vote asks which is better.")
        if self._session.busy or not all(
            side.reply and side.conversation.tip is not None for side in self._session.sides
        ):
            raise EngineError("There is nothing to vote on yet: ask something, and let all sides answer.")

        def count_it(vote: Vote | None) -> None:
            if vote is None:
                return
            called = names(self._session.sides)
            self._tally = count(self._tally, called, vote)
            with refusals(app):
                self.end()
            self._show(app, [f"{letter(place)} was {name}" for place, name in enumerate(called)])

        app.push_screen(VoteScreen(len(self._session.sides)), count_it)

    def tally(self, app: App[None]) -> None:
        """Show what the votes came to."""
        self._show(app, [])

    def _show(self, app: App[None], shown: Sequence[str]) -> None:
        def go_on(again: bool | None) -> None:
            if again:
                with refusals(app):
                    self.begin()

        several = len(self._session.sides) > 1 and not self.on
        app.push_screen(TallyScreen(self._tally, shown, several), go_on)

    def _hide(self, hidden: bool) -> None:
        self._view.hidden = hidden
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            pane.transcript.messages.versioned = not hidden  # how many there are would tell as well
            pane.close_tokens()
            pane.transcript.clear()
            pane.transcript.show(side.conversation)
        self._changed()
