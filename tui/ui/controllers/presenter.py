"""Presenter: paints the session's state and the engines' events into the widgets."""

from collections.abc import Sequence

from tui.engine.process.pool import EnginePool, SlotEvent
from tui.engine.protocol import (
    Answers,
    Died,
    Failed,
    Finished,
    Hypotheses,
    KnobsTurned,
    Loaded,
    LoadFailed,
    Notice,
    Prefill,
    Refused,
    Shifted,
    Silent,
    Token,
    Waits,
)
from tui.session.session import Session
from tui.session.side import Side, describe_turn
from tui.session.what_if import WhatIfAnswer
from tui.ui.controllers.comparison_view import ComparisonView
from tui.ui.controllers.host import Column, pane_of
from tui.ui.controllers.token_inspector import TokenInspector
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.status import Status
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.transcript.reply_footer import footnote
from tui.ui.widgets.transcript.transcript import Transcript

LIMIT = 200
"""Characters shown of a beam search's best hypothesis."""


class Presenter:
    """Painter of the chat screen: transcripts, knobs, candidates, status line. It decides nothing."""

    def __init__(
        self,
        session: Session,
        engines: EnginePool,
        view: ComparisonView,
        columns: Sequence[Column],
        knobs: KnobPanel,
        candidates: Candidates,
        status: Status,
    ) -> None:
        self._session, self._engines, self._view, self._columns = session, engines, view, columns
        self._knobs, self._candidates, self._status = knobs, candidates, status
        self.inspector = TokenInspector(session, columns, candidates)
        self._shown = columns[0].side
        """Active side at the last `show`."""

    def show(self, active: int) -> None:
        """Show the settings of the sides, and the knobs of the active one."""
        side = self._columns[active].side
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
        """Show the state of the active side's engine, and the models of all sides."""
        status, slot = self._status, self._engines.slot_of(self._shown.load)
        writing = self._session.busy and slot.state == "ready"
        status.state = "silent" if slot.silent else "writing" if writing else slot.state
        status.progress = slot.progress
        loads = dict.fromkeys(column.side.load for column in self._columns)
        infos = [info for info in (self._engines.slot_of(load).info for load in loads) if info]
        if self._view.hidden:
            status.model, status.context, status.place = "", 0, ""
            return
        if infos:
            status.model = " | ".join(info.name or info.description for info in infos)
        if slot.info:
            status.context, status.place = slot.info.context, slot.info.placement
            self._candidates.vocabulary = slot.info.vocabulary

    def draw(self, active: int) -> None:
        """Show what changes with every token: candidates, rates, context."""
        side, status = self._columns[active].side, self._status
        reply = None if self._view.hidden else side.reply
        stats = reply.stats if reply else None
        status.rate = stats.tokens_per_second if stats else reply.rate if reply else None
        status.ttft_ms = stats.ttft_ms if stats else reply.ttft_ms if reply else None
        status.used = side.used
        self._knobs.refused, self._knobs.sets.thinks = dict(side.refused), self._session.can_think(side)
        self._view.draw()
        self.inspector.draw(active)

    def show_started(self) -> None:
        """Show the replies that have just been requested."""
        self._view.watch_replies()
        for column in self._columns:
            if column.side.busy and column.side.reply:
                column.pane.transcript.messages.set_indices(column.side.conversation)
                column.pane.transcript.reply.start(text=column.side.reply.text)
        self.show_engine()

    def on_event(self, slot_event: SlotEvent, subject: Side | WhatIfAnswer | None) -> None:
        """Show one event; `subject` is what `Session.on_event` says that it is about."""
        side = subject if isinstance(subject, Side) else None
        transcript = pane_of(self._columns, side).transcript if side else None
        self.inspector.update(subject if isinstance(subject, WhatIfAnswer) else None)
        match slot_event.event:
            case Hypotheses() | Refused() | Notice() if self._view.hidden:
                pass  # each would reveal which side is which
            case Loaded() | LoadFailed() | Silent() | Answers() as event:
                self._notice(slot_event, _describe(event))
            case Died() as event:
                self._show_death(slot_event, event)
            case Waits() | Prefill() | Hypotheses() as event if transcript:
                transcript.reply.progress(_describe(event))
            case KnobsTurned() as event if transcript:
                transcript.reply.progress("")
                if label := describe_turn(event.before, event.after):
                    transcript.reply.mark(label)
            case Token(text=text) if transcript and side:
                transcript.reply.append(text, side.reply.thought if side.reply else None)
                self._view.mark_forks()
            case Shifted(dropped=dropped) if transcript:
                transcript.reply.mark(f"context full, {dropped} oldest tokens forgotten")
            case Refused(reason=text) | Notice(text=text) if transcript:
                transcript.notice(text)
            case Finished() as event if transcript and side:
                transcript.reply.append(event.tail, event.thought)
                transcript.reply.end("" if self._view.hidden else footnote(side.conversation.path[-1]))
                _show_ended(transcript, side, "stopped before its first word")
            case Failed(reason=reason) if transcript and side:
                transcript.reply.end(reason, failed=True)
                _show_ended(transcript, side, reason)

    def _sharing(self, slot_event: SlotEvent) -> list[Column]:
        return [column for column in self._columns if column.side.load == slot_event.load]

    def _notice(self, slot_event: SlotEvent, text: str) -> None:
        for column in self._sharing(slot_event) if text else ():
            column.pane.transcript.notice(text)

    def _show_death(self, slot_event: SlotEvent, event: Died) -> None:
        then = " Your next prompt starts a new one; F12 shows its log."
        if event.spent:
            then = " It was lost too often to be started by a prompt; F12 shows its log, and starts it again."
        reason = event.account + ("" if event.asked else then)
        for column in self._sharing(slot_event):
            if column.pane.transcript.reply.ended:
                column.pane.transcript.notice(reason)
            else:
                column.pane.transcript.reply.end(reason, failed=True)
                _show_ended(column.pane.transcript, column.side, reason)


def _describe(event: Loaded | LoadFailed | Silent | Answers | Waits | Prefill | Hypotheses) -> str:
    """Return the sentence to show for an event, or an empty text."""
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
        case Waits():
            return "waits for its turn: reproducible is on"
        case Prefill(done=done, total=total):
            return f"reading the prompt: {done} of {total} tokens"
        case Hypotheses(hypotheses=hypotheses):
            best = hypotheses[0].text.replace("\n", " ")
            return f"{len(hypotheses)} hypotheses, the best:{best[-LIMIT:]}"


def _show_ended(transcript: Transcript, side: Side, reason: str) -> None:
    """Show the conversation after a reply; where an alternative stayed empty, show the version before and why."""
    if side.discarded:
        transcript.show(side.conversation)
        transcript.notice(reason)
    else:
        transcript.messages.set_indices(side.conversation)
