"""Pane of one side: its transcript under a title."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui.session.reply_stats import ReplyStats
from tui.terminal import safe_line
from tui.ui.bindings import bind
from tui.ui.widgets.tokens.token_view import TokenView
from tui.ui.widgets.transcript.transcript import Transcript


class StatsLine(Widget):
    """Speed, length and likelihood of the newest reply, in words or short as they fit."""

    ALLOW_SELECT = False

    figures: reactive[ReplyStats | None] = reactive[ReplyStats | None](None)
    """Statistics of the newest reply, if there is one."""

    def render(self) -> Content:
        """Return the longest line that fits."""
        lines = list(_lines(self.figures)) if self.figures else [""]
        room = self.content_size.width
        return Content(next((line for line in lines if len(line) <= room), lines[-1]))


def _lines(figures: ReplyStats) -> Iterator[str]:
    """Yield the line in shorter and shorter forms."""
    rate, first, p, raw, perplexity = figures.rate, figures.ttft_ms, figures.p, figures.p_raw, figures.perplexity
    tokens = f"{figures.tokens} tokens"
    pace = f"{rate:.0f} tok/s" if rate else ""
    start = f"first token {first:.0f} ms" if first else ""
    sure = f"mean probability {p:.0%}, {raw:.0%} before the knobs" if p is not None and raw is not None else ""
    choice = f"perplexity {perplexity:.1f}" if perplexity else ""
    mean = f"p {p:.0%}" if p is not None else ""
    yield _joined(tokens, pace, start, sure, choice)
    yield _joined(tokens, pace, start, sure.partition(",")[0], choice)
    yield _joined(tokens, pace, start.replace("after ", ""), mean, choice)
    yield _joined(tokens, pace, start.replace("after ", ""), mean)
    short = f"{figures.tokens} tok", pace.replace(" tok", ""), f"{first:.0f} ms" if first else "", mean
    yield _joined(*short)


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


class Pane(Vertical):
    """One side of the screen. The title shows only beside another pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("d", "screen.run('/differences')", "Differences", id="pane.differences",
             tooltip="Mark the words that differ"),
        bind("p", "screen.run('/parting')", "Divergence", id="pane.parting",
             tooltip="Go to the first token where the replies differ"),
        bind("l", "screen.run('/level')", "Scroll", id="pane.level",
             tooltip="Scroll the sides together, or each alone"),
        bind("s", "screen.run('/picture')", "Picture", id="pane.picture",
             tooltip="Save the replies beside each other as a picture (SVG)"),
    ]  # fmt: skip

    title: reactive[str] = reactive("", repaint=False)
    """Settings of this side."""

    active: reactive[bool] = reactive(False, toggle_class="-active")
    """True if the knobs beside the chat are this side's."""

    titled: reactive[bool] = reactive(False, toggle_class="-titled")
    """True if the title is shown."""

    figures: reactive[ReplyStats | None] = reactive[ReplyStats | None](None, repaint=False)
    """Statistics of the newest reply, shown beside another pane."""

    @dataclass
    class Entered(Message):
        """The focus entered this pane."""

        pane: "Pane"

    def __init__(self) -> None:
        super().__init__()
        self.transcript = Transcript()
        """Conversation of this side."""
        self.tokens: TokenView | None = None
        """Reply token by token, in place of the transcript; None while that is shown."""
        self._heading = Static(classes="pane-title", markup=False)
        self._figures = StatsLine()

    def compose(self) -> ComposeResult:
        """Yield the title, the transcript and the line of statistics."""
        yield self._heading
        yield self.transcript
        yield self._figures

    async def open_tokens(self) -> TokenView:
        """Open an empty token view in place of the transcript."""
        self.tokens = TokenView()
        self.transcript.display = False
        await self.mount(self.tokens, after=self.transcript)
        self.tokens.field.focus()
        return self.tokens

    def close_tokens(self) -> None:
        """Close the token view and show the transcript again."""
        if self.tokens:
            had_focus = self.tokens.has_focus_within
            self.tokens.remove()
            self.tokens, self.transcript.display = None, True
            if had_focus:
                self.transcript.focus()

    def watch_figures(self, figures: ReplyStats | None) -> None:
        """Show the statistics."""
        self._figures.figures = figures

    def watch_title(self, title: str) -> None:
        """Show the title."""
        self._show_title(title, self.active)

    def watch_active(self, active: bool) -> None:
        """Mark the title of the active pane."""
        self._show_title(self.title, active)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Post that this pane was entered."""
        self.post_message(self.Entered(self))

    def _show_title(self, title: str, active: bool) -> None:
        self._heading.update(Content(f"{'▸' if active else ' '} {safe_line(title)}"))
