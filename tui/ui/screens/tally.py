"""Results of the votes in blind comparisons."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.comparison.votes import QUESTIONS, Score, VoteTally
from tui.terminal import safe_line, truncate
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog

_NAME, _COLUMN = 28, 15


class TallyScreen(Dialog[bool]):
    """Table with a row for each setting, the best first. The result is True if another round is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("b", "again", "Another round", id="tally.again", tooltip="Another blind round", show=True),
        bind("escape,enter,q", "dismiss(False)", "Back", id="tally.leave", show=True, key_display="esc"),
    ]

    def __init__(self, tally: VoteTally, shown: Sequence[str], several: bool) -> None:
        """`shown` names the sides after a vote, a line each; `several` is True if there can be another round."""
        super().__init__()
        self._tally, self._shown, self._several = tally, shown, several

    def content(self) -> Iterable[Widget]:
        names = (Static(Content.styled(safe_line(line), "bold"), markup=False) for line in self._shown)
        yield VerticalScroll(*names, Static(Content("\n").join(self._lines()), markup=False))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer another round only while there are several sides."""
        return self._several if action == "again" else True

    def action_again(self) -> None:
        """Ask for another round."""
        self.dismiss(True)

    def _lines(self) -> Iterator[Content]:
        if self._shown:
            yield Content()
        if not self._tally.scores:
            yield Content("No votes yet. /blind hides which side is which, F7 votes.")
            return
        yield Content.styled(f"{'':<{_NAME}}" + "".join(f"{question:>{_COLUMN}}" for question in QUESTIONS), "italic")
        for name in self._tally.ranked:
            scores = self._tally.scores[name]
            cells = "".join(f"{_cell(score):>{_COLUMN}}" for score in scores)
            yield Content.assemble((f"{safe_line(truncate(name, _NAME - 1)):<{_NAME}}", "bold"), cells)
        yield Content()
        yield Content.styled("better-equal-worse, then how often no side was good; this run only", "$foreground 75%")
        yield Content()


def _cell(score: Score) -> str:
    return f"{score.better}-{score.tied}-{score.worse}" + (f" ✗{score.bad}" if score.bad else "")
