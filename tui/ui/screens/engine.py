"""F12: the state of the engines, the end of their logs, and a restart."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.engine.process.pool import EngineReport, SlotState
from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog

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
    """State and log of each engine. The result is True if they are to be restarted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("r", "dismiss(True)", "Restart", id="engine.restart", show=True),
        bind("escape,f12,q", "dismiss(False)", "Back", id="engine.back", show=True, key_display="esc"),
    ]

    def __init__(self, reports: Sequence[EngineReport]) -> None:
        """Show `reports`, the state at this moment; the screen does not follow later changes."""
        super().__init__()
        self._reports = reports
        self.heading = "Engine: " + " | ".join(_WORDS[report.state] for report in reports)

    def content(self) -> Iterable[Widget]:
        """Yield the report of every engine."""
        texts = (Static(Content("\n").join(_lines(report)), markup=False) for report in self._reports)
        yield VerticalScroll(*texts)

    def on_mount(self) -> None:
        """Scroll to the newest lines."""
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
            yield from _log("Log before it ended", report.died.last_words)
    yield from _log("Last lines of the log" if report.state == "lost" else "Log", report.log)


def _log(heading: str, text: str) -> Iterable[Content]:
    lines = safe(text).strip().splitlines() or ["(empty)"]
    return [
        Content.styled(heading, "bold $primary"),
        *(Content.styled(f"  {line}", "$foreground 80%") for line in lines),
    ]
