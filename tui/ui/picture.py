"""Replies token by token as a picture: an SVG file that stands alone, for a page, a talk or a paper.

Textual's own screenshot has the part in view, and fetches its fonts; this has every token, and loads nothing.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from rich.cells import cell_len

from tui.comparison.picture_content import PictureContent, PictureReply
from tui.conversation.conversation import Turn
from tui.conversation.token_measures import Measure, likelihood
from tui.conversation.trace import TokenTrace
from tui.terminal import safe, safe_line
from tui.ui.markdown import Mark
from tui.ui.widgets.tokens.candidates import percent, visible
from tui.ui.widgets.tokens.token_lines import NOBODY, TokenLines, TokenRun, TokenSpan, token_spans
from tui.ui.widgets.transcript.reply_footer import ENDINGS

CELL, LINE, EDGE = 8.4, 21, 24
"""Pixels: width of a character, height of a line, margin."""

_ALONE, _BESIDE, _MANY = 88, 60, 46
"""Characters in a line of one reply, of one of two, of one of more."""
_GAP = 4
"""Characters between replies."""
_QUESTION = 6
"""Lines of the question; the rest is cut."""


def draw(exhibit: PictureContent, measure: Measure) -> str:
    """Return the SVG, each token coloured by a measure; the levels are underlined and bold as well."""
    count = len(exhibit.shown)
    width = (_ALONE, _BESIDE, _MANY)[min(count, 3) - 1]
    across = count * width + (count - 1) * _GAP
    question = _wrapped(exhibit.question, across, _QUESTION)
    parts = [_words(0, y, line, "title") for y, line in enumerate(question)]
    heads = [_heads(shown, width) for shown in exhibit.shown]
    top = bottom = len(question) + 1.75 + max(map(len, heads), default=0)
    for place, (shown, forks) in enumerate(zip(exhibit.shown, exhibit.forks, strict=True)):
        x = place * (width + _GAP)
        parts += (_words(x, len(question) + 1 + row, line, css) for row, (line, css) in enumerate(heads[place]))
        parts.append(_box(x, top - 0.5, width, 1 / LINE, "rule"))
        drawn, height = _tokens(shown.turn, forks, measure, x, top, width)
        parts += drawn
        bottom = max(bottom, top + height)
    parts += _legend(measure, bottom + 1)
    return _sheet(parts, across, bottom + 2, safe_line(" ".join(exhibit.question.split())))


def _sheet(parts: Sequence[str], across: float, down: float, title: str) -> str:
    width, height = across * CELL + 2 * EDGE, down * LINE + 2 * EDGE
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" xml:space="preserve">\n<title>{escape(title)}</title>\n'
        f'<style>\n{style}</style>\n<rect class="paper" width="100%" height="100%"/>\n{"".join(parts)}</svg>\n'
    )


def _heads(shown: PictureReply, width: int) -> list[tuple[str, str]]:
    """Yield the lines above a reply with their styles."""
    turn, written = shown.turn, shown.turn.record
    assert written
    how = likelihood([trace.p for trace in written.traces])
    about = (
        f"{how.tokens} tokens",
        f"perplexity {how.perplexity:.2f}",
        f"seed {written.knobs.seed}",
        ENDINGS.get(turn.ending or "", ""),
        "edited" if turn.edited else "",
    )
    return [
        *((line, "title") for line in _wrapped(shown.title, width, 3)),
        *((line, "note") for line in _wrapped(" · ".join(filter(None, about)), width, 3)),
    ]


def _tokens(
    turn: Turn, forks: frozenset[int], measure: Measure, x: float, y: float, width: int
) -> tuple[list[str], int]:
    """Return the SVG of a reply and its number of lines."""
    written = turn.record
    assert written
    lines, given = TokenLines(width), list[bool]()
    for bit in _with_forks(token_spans(turn.message.content, written), forks):
        lines.add(bit)
        given += [bit.given] if bit.kind == "token" else []
    levels = [measure.level(measure.of(trace)) for trace in written.traces]
    parts: list[str] = []
    for row, runs in enumerate(lines.lines):
        parts += _line(runs, written.traces, levels, given, x, y + row)
    return parts, len(lines.lines)


def _with_forks(row: Iterator[TokenSpan], forks: frozenset[int]) -> Iterator[TokenSpan]:
    token = 0
    for bit in row:
        if bit.kind == "token":
            if token in forks:
                yield TokenSpan(Mark(0, "parts here", "fork").chip.text, "mark")
            token += 1
        yield bit


# --- shapes ---------------------------------------------------------------------------------------------------------


def _line(
    runs: Sequence[TokenRun],
    traces: Sequence[TokenTrace],
    levels: Sequence[int],
    given: Sequence[bool],
    x: float,
    y: float,
) -> Iterator[str]:
    """Return a line of tokens, each with a tooltip."""
    for token, group in groupby(runs, lambda run: run.token):
        together = list(group)
        width = sum(run.width for run in together)
        text = "".join(run.text for run in together)
        if token == NOBODY:
            mark = together[0].kind == "mark"
            yield (_box(x, y, width, 1, "chip") if mark else "") + _words(x, y, text, "mark" if mark else "person")
        else:
            level = levels[token]
            box = _box(x, y, width, 1, f"level l{level}") if level else ""
            words = _words(x, y, text, f"t{level}{' given' if given[token] else ''}")
            yield f"<g><title>{escape(_about(traces[token]))}</title>{box}{words}</g>"
        x += width


def _about(trace: TokenTrace) -> str:
    return (
        f"{visible(trace.text)}   {percent(trace.p_raw)} → {percent(trace.p)} %   rank {trace.rank + 1}   "
        f"{trace.entropy_raw:.2f} bits"
    )


def _legend(measure: Measure, y: float) -> Iterator[str]:
    x = 0.0
    yield _words(x, y, measure.name, "note")
    x += len(measure.name) + 1
    for level, label in enumerate(measure.labels):
        width = len(label) + 2
        yield _box(x, y, width, 1, f"level l{level}" if level else "paper") + _words(x + 1, y, label, f"t{level}")
        x += width
    yield _words(x + 1, y, measure.unit, "note")


def _words(x: float, y: float, text: str, css: str) -> str:
    """Return a text as wide as its cells in a terminal, whatever the font."""
    bare = text.strip(" ")
    if not bare:
        return ""
    x += len(text) - len(text.lstrip(" "))
    left, base, length = EDGE + x * CELL, EDGE + (y + 0.72) * LINE, cell_len(bare) * CELL
    return (
        f'<text class="{css}" x="{left:.1f}" y="{base:.1f}" textLength="{length:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(bare)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, css: str) -> str:
    return (
        f'<rect class="{css}" x="{EDGE + x * CELL:.1f}" y="{EDGE + y * LINE:.1f}" '
        f'width="{width * CELL:.1f}" height="{height * LINE:.1f}"/>'
    )


def _wrapped(text: str, width: int, most: int) -> list[str]:
    lines = TokenLines(width)
    lines.person(" ".join(safe(text).split()))
    wrapped = ["".join(run.text for run in line) for line in lines.lines if line]
    if len(wrapped) > most:
        wrapped[most - 1] = wrapped[most - 1][: width - 1].rstrip() + "…"
    return wrapped[:most]
