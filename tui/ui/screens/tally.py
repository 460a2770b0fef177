"""What the votes came to."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ballot import QUESTIONS, Score, Tally
from tui.terminal import safe_line

_NAME, _COLUMN = 28, 15


class TallyScreen(ModalScreen[bool]):
    """A row for each setting, the best first. Gives whether to go on blind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "again", "Another blind round", id="tally.again"),
        Binding("escape,enter,q", "dismiss(False)", "Back", id="tally.leave"),
    ]

    DEFAULT_CSS = """
    TallyScreen {
        align: center middle;
        & > VerticalScroll {
            width: 80;
            max-width: 100%;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            border: round $primary;
            background: $surface;
            scrollbar-size-vertical: 1;
        }
        & Static { width: 1fr; height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self, tally: Tally, shown: Sequence[str], several: bool) -> None:
        """`shown` says which side was which, after a vote; `several` whether there can be another round."""
        super().__init__()
        self._tally, self._shown, self._several = tally, shown, several

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            for line in self._shown:
                yield Static(Content.styled(safe_line(line), "bold"), markup=False)
            yield Static(Content("\n").join(self._lines()), markup=False)

    def action_again(self) -> None:
        """Go on with another round."""
        if self._several:
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
            short = name if len(name) < _NAME else f"{name[: _NAME - 2]}…"
            cells = "".join(f"{_cell(score):>{_COLUMN}}" for score in scores)
            yield Content.assemble((f"{safe_line(short):<{_NAME}}", "bold"), cells)
        yield Content()
        yield Content.styled("better-equal-worse, then how often no side was good; this run only", "$foreground 75%")
        yield Content.styled(f"{'b another blind round · ' if self._several else ''}Esc back", "$foreground 75%")


def _cell(score: Score) -> str:
    return f"{score.better}-{score.tied}-{score.worse}" + (f" ✗{score.bad}" if score.bad else "")
