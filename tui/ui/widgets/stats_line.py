"""Line of statistics under a pane."""

from collections.abc import Iterator

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.session.reply_stats import ReplyStats


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
    start = f"first after {first:.0f} ms" if first else ""
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
