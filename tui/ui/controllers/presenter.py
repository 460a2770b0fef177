"""What the screen shows of the talk: each side in its pane, the active one's knobs and candidates, the status line."""

from collections.abc import Sequence

from tui.engine.process.pool import EnginePool, SlotEvent
from tui.engine.protocol import (
    Answers,
    Died,
    Event,
    Failed,
    Finished,
    Hypotheses,
    KnobsTurned,
    Loaded,
    LoadFailed,
    Prefill,
    Refused,
    Shifted,
    Silent,
    Token,
    Waits,
)
from tui.session.session import Session
from tui.session.side import Side, describe_turn
from tui.ui.controllers.comparison_view import ComparisonView
from tui.ui.controllers.token_inspector import TokenInspector
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.status import Status
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.transcript.reply_footer import footnote
from tui.ui.widgets.transcript.transcript import Transcript

LONGEST = 200
"""Characters shown of what a search has not settled yet."""


class Presenter:
    """Tells the widgets what happened. It decides nothing."""

    def __init__(
        self,
        session: Session,
        engines: EnginePool,
        view: ComparisonView,
        panes: Sequence[Pane],
        knobs: KnobPanel,
        candidates: Candidates,
        status: Status,
    ) -> None:
        """`panes` stays in step with the sides of the talk: a `Comparison` adds and removes both."""
        self._session, self._engines, self._view, self._panes = session, engines, view, panes
        self._knobs, self._candidates, self._status = knobs, candidates, status
        self.inspector = TokenInspector(session, panes, candidates)
        """Which replies are looked at token by token, and whose odds are shown."""
        self._shown = session.sides[0]
        """The side that was the active one when it was shown last."""

    def show(self, active: int) -> None:
        """Show how the sides are set, and the knobs of the active one."""
        side = self._session.sides[active]
        self._knobs.set_reactive(KnobPanel.refused, dict(side.refused))
        self._knobs.sets.thinks = self._session.can_think(side)
        self._knobs.show(side, side.preset.pair, side.pair)
        hidden = self._view.hidden
        self._status.preset = "blind" if hidden else side.preset.name
        self._status.turned = bool(side.turned) and not hidden
        self._shown = side
        self._view.show(active)
        self.show_engine()
        self.inspector.show(active)

    def show_engine(self) -> None:
        """Show how it is with the engine of the active side, and which models there are."""
        status, slot = self._status, self._engines.slot_of(self._shown.load)
        writing = self._session.busy and slot.state == "ready"
        status.state = "silent" if slot.silent else "writing" if writing else slot.state
        status.progress = slot.progress
        loads = dict.fromkeys(side.load for side in self._session.sides)
        infos = [info for info in (self._engines.slot_of(load).info for load in loads) if info]
        if self._view.hidden:
            status.model, status.context, status.place = "", 0, ""
            return
        if infos:
            status.model = " | ".join(info.name or info.description for info in infos)
        if slot.info:
            status.context, status.place = slot.info.context, slot.info.place
            self._candidates.vocabulary = slot.info.vocabulary

    def draw(self, active: int) -> None:
        """Draw what changes with every token: candidates, rates, context."""
        side, status = self._session.sides[active], self._status
        writing = None if self._view.hidden else side.reply
        stats = writing.stats if writing else None
        status.rate = stats.tokens_per_second if stats else writing.rate if writing else None
        status.ttft_ms = stats.ttft_ms if stats else writing.ttft_ms if writing else None
        status.used = side.used
        self._knobs.refused, self._knobs.sets.thinks = dict(side.refused), self._session.can_think(side)
        self._view.draw()
        self.inspector.draw(active)

    def begin(self) -> None:
        """Replies were asked for."""
        self._view.begin()
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            if side.busy and side.reply:
                pane.transcript.messages.know(side.conversation)
                pane.transcript.reply.begin(text=side.reply.text)
        self.show_engine()

    def on_event(self, said: SlotEvent, side: Side | None) -> None:
        """Show one event; `side` is whom it is about, or else all those whose engine said it."""
        self.inspector.tell(said.event)
        pairs = zip(self._panes, self._session.sides, strict=True)
        theirs = [(pane.transcript, each) for pane, each in pairs if each.load == said.load]
        match said.event:
            case Loaded() | LoadFailed() | Silent() | Answers() as event:
                if news := _news(event):
                    for transcript, _ in theirs:
                        transcript.notice(news)
            case Died() as event:
                for transcript, each in theirs:
                    _die(event, transcript, each)
            case Hypotheses() | Refused() if self._view.hidden:
                pass  # what is searched for how, and which knob cannot be had, would tell which side it is
            case event if side:
                self._say(event, side)

    def _say(self, event: Event, side: Side) -> None:
        transcript = self._panes[self._session.sides.index(side)].transcript
        match event:
            case Waits() | Prefill() | Hypotheses():
                transcript.reply.progress(_progress(event))
            case KnobsTurned():
                transcript.reply.progress("")
                if label := describe_turn(event.before, event.after):
                    transcript.reply.mark(label)
            case Token():
                transcript.reply.append(event.text, side.reply.thought if side.reply else None)
                self._view.look()
            case Shifted():
                transcript.reply.mark(f"context full, {event.dropped} oldest tokens forgotten")
            case Refused():
                transcript.notice(event.reason)
            case Finished():
                transcript.reply.append(event.tail, event.thought)
                transcript.reply.end("" if self._view.hidden else footnote(side.conversation.path[-1]))
            case Failed():
                transcript.reply.end(event.reason, failed=True)
        if isinstance(event, Finished | Failed):
            reason = event.reason if isinstance(event, Failed) else "stopped before its first word"
            _close(transcript, side, reason)


def _progress(event: Waits | Prefill | Hypotheses) -> str:
    """What happens before the next token is there."""
    match event:
        case Waits():
            return "waits for its turn: reproducible is on"
        case Prefill(done=done, total=total):
            return f"reading the prompt: {done} of {total} tokens"
        case Hypotheses(hypotheses=hypotheses):
            best = hypotheses[0].text.replace("\n", " ")
            return f"{len(hypotheses)} hypotheses, the best:{best[-LONGEST:]}"


def _news(event: Loaded | LoadFailed | Silent | Answers) -> str:
    """What a person should know of it; empty where there is nothing."""
    match event:
        case Loaded(info):
            return info.notice
        case LoadFailed(reason):
            return reason
        case Silent(seconds):
            return (
                f"The engine has not answered for {seconds:.0f} seconds: it is suspended, or memory is short. "
                "What is written stays. F12 ends the engine and starts it again."
            )
        case Answers():
            return "The engine answers again."


def _close(transcript: Transcript, side: Side, reason: str) -> None:
    """A reply is over: show what became of the conversation; where nothing came of it, say why."""
    if side.discarded:
        transcript.show(side.conversation)
        transcript.notice(reason)
    else:
        transcript.messages.know(side.conversation)


def _die(event: Died, transcript: Transcript, side: Side) -> None:
    then = " Your next prompt starts a new one; F12 shows its log."
    if event.spent:
        then = " It was lost too often to be started by a prompt; F12 shows its log, and starts it again."
    reason = event.account + ("" if event.asked else then)
    if transcript.reply.ended:
        transcript.notice(reason)
    else:
        transcript.reply.end(reason, failed=True)
        _close(transcript, side, reason)
