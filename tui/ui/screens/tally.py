"""What the votes came to."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.comparison.votes import QUESTIONS, Score, VoteTally
from tui.terminal import safe_line, truncate
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer

_NAME, _COLUMN = 28, 15


class TallyScreen(Dialog[bool]):
    """A row for each setting, the best first. Gives whether to go on blind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "again", "Another round", tooltip="Another blind round", id="tally.again"),
        Binding("escape,enter,q", "dismiss(False)", "Back", key_display="esc", id="tally.leave"),
    ]

    DEFAULT_CSS = """
    TallyScreen {
        align: center middle;
        & > Vertical {
            width: 80;
            max-width: 100%;
            height: auto;
            max-height: 90%;
            padding: 1 2 0 2;
            border: round $primary;
            background: $surface;
        }
        & VerticalScroll { height: auto; max-height: 70vh; scrollbar-size-vertical: 1; }
        & Footer { background: $surface; }
        & Static { width: 1fr; height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self, tally: VoteTally, shown: Sequence[str], several: bool) -> None:
        """`shown` says which side was which, after a vote; `several` whether there can be another round."""
        super().__init__()
        self._tally, self._shown, self._several = tally, shown, several

    def compose(self) -> ComposeResult:
        with Vertical():
            with VerticalScroll():
                for line in self._shown:
                    yield Static(Content.styled(safe_line(line), "bold"), markup=False)
                yield Static(Content("\n").join(self._lines()), markup=False)
            yield Footer()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Another round takes several sides."""
        return self._several if action == "again" else True

    def action_again(self) -> None:
        """Go on with another round."""
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
