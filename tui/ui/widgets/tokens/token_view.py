"""Token view: a reply token by token, coloured by probability, as written or as it would be with other knobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widgets import Static

from tui.conversation.reply_record import ReplyRecord
from tui.conversation.token_measures import LEVELS, MEASURES, Likelihood, Measure, likelihood
from tui.conversation.trace import TokenTrace
from tui.knobs.table import Knobs
from tui.terminal import safe_line
from tui.ui.bindings import bind
from tui.ui.widgets.tokens.candidates import percent, visible
from tui.ui.widgets.tokens.heatmap import Heatmap
from tui.ui.widgets.tokens.token_field import TokenField
from tui.ui.widgets.tokens.token_lines import token_spans


class Legend(Heatmap):
    """Levels of a measure in their colours, and which of them count as unlikely."""

    ALLOW_SELECT = False

    measure: reactive[Measure] = reactive(MEASURES[0])
    """Measure of the levels."""

    unlikely: reactive[int] = reactive(5)
    """First level that counts as unlikely."""

    def render_line(self, y: int) -> Strip:
        """Return the line; the words go first if it is short."""
        measure, label, width = self.measure, self.colour_of("label"), self.size.width
        chips = [Segment(f" {name} ", self.colour_of(str(level))) for level, name in enumerate(measure.labels)]
        chips.append(Segment(f" {measure.unit}", label))
        rest = f"   n: {measure.beyond(self.unlikely)}"
        room = width - sum(chip.cell_length for chip in chips)
        words = ((measure.name, rest), (measure.short, rest), (measure.short, ""), ("", ""))
        before, after = next(each for each in words if len(each[0]) + 2 + len(each[1]) <= room or not each[0])
        parts = [Segment(f" {before} ", label), *chips, Segment(after, label)]
        return Strip(parts).adjust_cell_length(width, label)


class TokenView(Vertical):
    """Tokens of one reply, the likelihood of the whole, and a line on the token with the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "alternatives", "Others", id="token.alternatives", show=True,
             tooltip="To the candidates for this token: go on with another one"),
        bind("n", "unlikely(1)", "Unlikely", id="token.next-guess", show=True,
             tooltip="The next token that was unlikely"),
        bind("N", "unlikely(-1)", "Unlikely before", id="token.previous-guess", tooltip="The unlikely token before"),
        bind("m", "measure", "Measure", id="token.measure", show=True,
             tooltip="Colour by probability, raw probability, rank or entropy"),
        bind("s", "screen.run('/picture')", "Picture", id="token.picture", tooltip="Save it as a picture (SVG)"),
        bind("less_than_sign", "threshold(-1)", "Fewer", id="token.lower", tooltip="n finds more tokens"),
        bind("greater_than_sign", "threshold(1)", "More", id="token.higher", tooltip="n finds fewer tokens"),
    ]  # fmt: skip

    @dataclass
    class Picked(Message):
        """The cursor moved to a token."""

        view: "TokenView"
        place: int

    @dataclass
    class Entered(Message):
        """The user wants to see the candidates for the token."""

        view: "TokenView"

    def __init__(self) -> None:
        super().__init__()
        self.field, self._legend = TokenField(), Legend()
        self._head, self._foot = Static(markup=False), Static(markup=False)
        self._text = ""
        self._record = ReplyRecord("", "", Knobs())
        self._p: list[float] = []
        self._cut: list[str] = []
        self._before: Likelihood | None = None
        """Likelihood as written, once the reply is complete."""

    def compose(self) -> ComposeResult:
        """Yield the likelihood, the tokens, the line on one token, and the legend."""
        yield self._head
        yield self.field
        yield self._foot
        yield self._legend

    # --- what is shown ----------------------------------------------------------------------------------------------

    @property
    def picked(self) -> int:
        """Token with the cursor, or -1."""
        return self.field.picked

    @property
    def count(self) -> int:
        """Number of tokens."""
        return len(self._p)

    @property
    def trace(self) -> TokenTrace | None:
        """Trace of the token with the cursor."""
        return self._record.traces[self.picked] if 0 <= self.picked < len(self._p) else None

    @property
    def measure(self) -> Measure:
        """Measure of the colours."""
        return self._legend.measure

    def show(self, text: str, record: ReplyRecord, ended: bool) -> None:
        """Show a reply from its first token on."""
        self.field.clear()
        self._text, self._record, self._p, self._cut, self._before = "", record.truncate(0), [], [], None
        self.extend(text, record, ended)

    def extend(self, text: str, record: ReplyRecord, ended: bool) -> None:
        """Show the tokens that are new, and the likelihood once the reply has ended."""
        start = len(self._p)
        self._text, self._record = text, record
        for trace in record.traces[start:]:
            self._p.append(trace.p)
            self._cut.append(trace.cut)
        self.field.add(list(token_spans(text, record, start=start, ended=ended)), self._levels(start))
        self._before = likelihood(self._p) if ended else None
        self._show_likelihood(self._before)

    def show_what_if(self, first: int, p: Sequence[float], cut: Sequence[str]) -> None:
        """Show tokens from `first` on as they would be with other knobs."""
        end = first + len(p)
        self._p[first:end], self._cut[first:end] = p, cut
        self.field.colour(first, self._levels(first, end), [bool(stage) for stage in cut])
        if first <= self.picked < end:
            self._show_token()

    def show_likelihood(self, label: str) -> None:
        """Show the likelihood of the whole with other knobs, named by `label`."""
        self._show_likelihood(likelihood(self._p), label)

    def restore(self) -> None:
        """Show the reply as it was written."""
        traces = self._record.traces
        self.show_what_if(0, [trace.p for trace in traces], [trace.cut for trace in traces])
        self._show_likelihood(self._before)

    def _levels(self, start: int, end: int | None = None) -> list[int]:
        measure = self.measure
        if measure is MEASURES[0]:
            return [measure.level(p) for p in self._p[start:end]]
        return [measure.level(measure.of(trace)) for trace in self._record.traces[start:end]]

    def _show_likelihood(self, now: Likelihood | None, label: str = "") -> None:
        before = self._before
        if now is None or before is None:
            self._head.update(Content(f"being written · {len(self._p)} tokens"), layout=False)
            return
        cut = f"{now.cut} cut" if now.cut else ""
        if label:
            perplexity = f"{_figure(before.perplexity)} → {_figure(now.perplexity)}"
            bits = f"{_signed(before.bits)} → {_signed(now.bits)}"
            words = ("what if", f"perplexity {perplexity}", cut, f"log₂p {bits}", safe_line(label))
        else:
            bits, tokens = f"log₂p {_signed(now.bits)}", f"{now.tokens} tokens"
            words = ("as written", f"perplexity {_figure(now.perplexity)}", cut, bits, tokens)
        self._head.update(Content(" · ".join(filter(None, words))), layout=False)

    def _show_token(self) -> None:
        place = self.picked
        if not 0 <= place < len(self._p):
            return
        trace, p, stage = self._record.traces[place], self._p[place], self._cut[place]
        shares = f"{percent(trace.p_raw)} → {percent(trace.p)}"
        if p != trace.p:
            shares += f" → if so {percent(p)}"
        words = (
            visible(trace.text),
            f"{shares} %",
            f"cut by {stage}" if stage else "",
            f"rank {trace.rank + 1}",
            f"{trace.entropy_raw:.2f} bits",
            f"{place + 1} of {len(self._p)}",
        )
        self._foot.update(Content("   ".join(filter(None, words))), layout=False)

    # --- what the person does ---------------------------------------------------------------------------------------

    def on_token_field_picked(self, event: TokenField.Picked) -> None:
        """Show the token with the cursor, and post it."""
        event.stop()
        self._show_token()
        self.post_message(self.Picked(self, event.place))

    def action_alternatives(self) -> None:
        """Post that the user wants the candidates."""
        self.post_message(self.Entered(self))

    def action_measure(self) -> None:
        """Colour by the next measure."""
        self._legend.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        self.field.colour(0, self._levels(0), [bool(stage) for stage in self._cut])

    def action_threshold(self, by: int) -> None:
        """Count one level more or fewer as unlikely."""
        self._legend.unlikely = max(1, min(self._legend.unlikely + by, LEVELS - 1))

    def action_unlikely(self, by: int) -> None:
        """Move to the next token that counts as unlikely, and round at the end."""
        levels = self._levels(0)
        for step in range(1, len(levels) + 1):
            place = (self.picked + by * step) % len(levels)
            if levels[place] >= self._legend.unlikely:
                self.field.pick(place)
                return
        self._foot.update(Content(f"no token is {self.measure.beyond(self._legend.unlikely)}"), layout=False)


def _figure(number: float) -> str:
    return f"{number:.2f}" if number < 1000 else f"{number:.0e}"


def _signed(number: float) -> str:
    return f"{number:.1f}".replace("-", "−")
