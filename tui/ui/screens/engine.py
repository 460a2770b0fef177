"""F12: how it is with the engine, what it said last, and another start."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.engine.process.pool import EngineReport, SlotState
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer

_LONGEST_NAME = 60
"""Characters of a file name."""

_WORDS: dict[SlotState, str] = {
    "loading": "◌ loads its model",
    "ready": "● ready",
    "failed": "✗ could not load its model",
    "lost": "✗ lost",
    "silent": "✗ does not answer",
}


class EngineScreen(Dialog[bool]):
    """What the engines say, and how they were lost. Gives whether they are to be started anew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "dismiss(True)", "End it and start it again", id="engine.restart"),
        Binding("escape,f12,q", "dismiss(False)", "Back", key_display="esc", id="engine.back"),
    ]

    DEFAULT_CSS = """
    EngineScreen {
        align: center middle;
        & > Vertical {
            width: 90%;
            max-width: 110;
            height: auto;
            max-height: 90%;
            padding: 1 2 0 2;
            border: round $primary;
            border-title-color: $text-primary;
            background: $surface;
        }
        & VerticalScroll { height: auto; max-height: 70vh; scrollbar-size-vertical: 1; }
        & Static { width: 1fr; height: auto; margin-bottom: 1; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, reports: Sequence[EngineReport]) -> None:
        """As it is when the screen opens."""
        super().__init__()
        self._reports = reports

    def compose(self) -> ComposeResult:
        texts = [Static(Content("\n").join(_lines(report)), markup=False) for report in self._reports]
        box = Vertical(VerticalScroll(*texts), Footer())
        box.border_title = Content("Engine: " + " | ".join(_WORDS[report.state] for report in self._reports))
        yield box

    def on_mount(self) -> None:
        """Where the newest lines are."""
        scroll = self.query_one(VerticalScroll)
        scroll.focus()
        scroll.scroll_end(animate=False)


def _lines(report: EngineReport) -> Iterator[Content]:
    running = report.state not in ("lost", "failed")
    yield Content.assemble(
        (_WORDS[report.state], "bold" if running else "bold $text-error"),
        (f"  {safe_line(Path(report.model).name)[:_LONGEST_NAME]}", ""),
        (f"  process {report.pid}" if report.pid and report.state != "lost" else "", "$text-muted"),
    )
    if report.died:
        yield Content(safe_line(report.died.reason))
        if report.state != "lost":
            yield from _log("What it said last, then", report.died.last_words)
    yield from _log("What it said last" if report.state == "lost" else "What it says", report.log)


def _log(heading: str, text: str) -> Iterable[Content]:
    lines = safe(text).strip().splitlines() or ["(nothing)"]
    return [
        Content.styled(heading, "bold $primary"),
        *(Content.styled(f"  {line}", "$foreground 80%") for line in lines),
    ]
