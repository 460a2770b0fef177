"""Token inspector: replies token by token, the candidates of one token, and what-if with other knobs."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tui.conversation.conversation import Turn
from tui.conversation.reply_record import ReplyRecord
from tui.conversation.trace import TokenTrace
from tui.errors import Refusal
from tui.knobs.table import KNOBS, Knobs
from tui.session.session import Session
from tui.session.side import Side, describe_turn
from tui.session.what_if import WhatIfAnswer, question
from tui.ui.controllers.host import Column
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.tokens.token_view import TokenView

LookEvent = TokenView.Picked | TokenView.Entered | Candidates.Chosen | Candidates.Left
"""Moves between transcript, token view and candidates."""


class TokenPosition(NamedTuple):
    """Token of a reply, by turn and by index in the reply."""

    side: Side
    turn: int
    token: int


class InspectedReply(NamedTuple):
    """A finished reply in a token view."""

    number: int
    """Index of its turn."""
    turn: Turn
    explained: tuple[int, TokenTrace] | None = None
    """Index of a token and its trace with the current knobs, where they differ from the reply's."""
    known: Knobs | None = None
    """Knobs for which the what-if answer is complete."""

    @property
    def record(self) -> ReplyRecord:
        """Record of the reply."""
        assert self.turn.record
        return self.turn.record

    def turned(self, now: Knobs) -> str:
        """Return in words how the knobs that choose tokens differ from the reply's."""
        changes = self.record.knob_changes
        before = changes[-1].knobs if changes else self.record.knobs
        loaded = {name: getattr(before, name) for name in KNOBS if name == "seed" or not KNOBS[name].live}
        return describe_turn(before, replace(now, **loaded))


class TokenInspector:
    """Controller of the token views and of the candidates beside them."""

    def __init__(self, session: Session, columns: Sequence[Column], candidates: Candidates) -> None:
        self._session, self._columns, self._candidates = session, columns, candidates
        self.recall: Callable[[Side, int], Awaitable[None]] = _loaded_already
        """Loads the traces of an older reply; raises TwiddleError."""
        self._inspected: dict[TokenView, InspectedReply | None] = {}
        """Reply in each open view; None while it is running."""
        self._shown: Side | None = None
        """Side whose candidates are shown."""

    def show(self, active: int) -> None:
        """Show finished replies as they would be with the knobs of their sides."""
        self._request_what_ifs()
        self.draw(active)

    def _request_what_ifs(self) -> None:
        self.update()
        for view, side, inspected in self._finished():
            if inspected.turned(side.knobs):
                self._request_what_if(view, side, inspected)
            else:
                self._inspected[view] = inspected._replace(explained=None, known=None)
                view.restore()

    def draw(self, active: int) -> None:
        """Show the new tokens of running replies, and the candidates of the token that matters most now."""
        self.update()
        for column in self._columns:
            if column.pane.tokens in self._inspected and column.side.busy:
                self._show_running(column.pane.tokens, column.side)
        column, candidates = self._columns[active], self._candidates
        side, view = column.side, column.pane.tokens
        if view and (trace := self._trace(view)):
            heading = f"token {view.picked + 1}"
        elif side.busy and side.reply and (trace := side.reply.trace):
            heading = "newest token"
        elif not self._session.busy and (following := self._session.next_token) and following.side is side:
            heading, trace = "next token", following.trace
        elif self._shown is side:
            return
        else:
            heading, trace = candidates.heading, None  # not the token of another side
        candidates.heading, candidates.trace, self._shown = heading, trace, side

    def view(self, active: int) -> TokenView | None:
        """Return the active side's token view, if it is open."""
        return self._columns[active].pane.tokens

    def inspected(self, active: int) -> int | None:
        """Return the turn index of the finished reply in that view."""
        view = self.view(active)
        found = self._inspected.get(view) if view else None
        return found.number if found else None

    async def on_look(self, event: LookEvent | None, active: int) -> None:
        """Open or close the token view (None), or move between tokens and candidates.

        Raises TwiddleError where there is no reply to show.
        """
        match event:
            case None:
                await self._toggle(active)
            case TokenView.Picked():
                self._pick(event.view)
            case TokenView.Entered():
                self._go_to_candidates()
            case Candidates.Chosen() | Candidates.Left():
                self._go_back(active)
        self.draw(active)

    async def _toggle(self, active: int) -> None:
        """Show the selected reply, or the last, token by token; if it is shown so already, as text."""
        pane, side = self._columns[active].pane, self._columns[active].side
        if pane.tokens:
            self._close(pane)
        elif side.busy:
            self._show_running(await pane.open_tokens(), side)
        else:
            turn = find_reply(side, pane.transcript.messages.picked)
            await self.recall(side, turn)
            self._show_finished(await pane.open_tokens(), side, turn)

    def _pick(self, view: TokenView) -> None:
        for each, side, inspected in self._finished():
            if each is view and inspected.turned(side.knobs):
                self._request_what_if(view, side, inspected)

    def _go_to_candidates(self) -> None:
        if self._candidates.parent:
            self._candidates.parent.add_class("-looked")  # shows them on a narrow screen
        self._candidates.call_after_refresh(self._candidates.focus)

    def _go_back(self, active: int) -> None:
        if self._candidates.parent:
            self._candidates.parent.remove_class("-looked")
        pane = self._columns[active].pane
        (pane.tokens.field if pane.tokens else pane.transcript).focus()

    def branch_position(self, active: int) -> TokenPosition:
        """Return the token that a chosen candidate replaces; raises Refusal."""
        side, view = self._columns[active].side, self.view(active)
        if view and (inspected := self._inspected.get(view)):
            return TokenPosition(side, inspected.number, view.picked)
        tip = side.conversation.tip
        turn = side.conversation.turns[tip] if tip is not None else None
        if tip is not None and turn and turn.record and not side.busy:
            traces = len(turn.record.traces)
            if _has_end(turn):
                return TokenPosition(side, tip, traces - 1)
            following = self._session.next_token
            if turn.ending != "stop" and following and following.side is side:  # stopped: it goes on from there
                return TokenPosition(side, tip, traces)
        raise Refusal("Pick a token of a finished reply first: Ctrl+T shows them.")

    # --- views ------------------------------------------------------------------------------------------------------

    def _finished(self) -> Iterator[tuple[TokenView, Side, InspectedReply]]:
        """Yield the views of finished replies."""
        for column in self._columns:
            view = column.pane.tokens
            if view and (inspected := self._inspected.get(view)):
                yield view, column.side, inspected

    def update(self, answer: WhatIfAnswer | None = None) -> None:
        """Show a what-if answer; show replies that are complete by now as finished, and close views of lost ones."""
        if answer:
            self._show_what_if(answer)
        for dropped in self._inspected.keys() - {column.pane.tokens for column in self._columns}:
            del self._inspected[dropped]
        for column in self._columns:
            side, view = column.side, column.pane.tokens
            turns, tip = side.conversation.turns, side.conversation.tip
            if view is None or view not in self._inspected or side.busy:
                continue
            inspected = self._inspected[view]
            if inspected is None and tip is not None and _has_tokens(turns[tip]):
                self._show_finished(view, side, tip, token=-1 if view.field.following else view.picked)
            elif inspected is None or inspected.number >= len(turns) or turns[inspected.number] is not inspected.turn:
                self._close(column.pane)

    def _close(self, pane: Pane) -> None:
        if pane.tokens:
            self._inspected.pop(pane.tokens, None)
        pane.close_tokens()

    def _show_finished(self, view: TokenView, side: Side, index: int, token: int = -1) -> None:
        """Show a finished reply, with the cursor on `token`, if given."""
        turn = side.conversation.turns[index]
        if turn.record is None:
            return
        self._inspected[view] = InspectedReply(index, turn)
        view.show(turn.message.content, turn.record, ended=True)
        if token >= 0:
            view.field.pick(token)
        self._request_what_ifs()

    def _show_running(self, view: TokenView, side: Side) -> None:
        """Show a running reply as far as it is there."""
        if side.reply:
            grows = view in self._inspected and self._inspected[view] is None and view.count <= len(side.reply.traces)
            self._inspected[view] = None
            show = view.extend if grows else view.show
            show(side.reply.text, side.reply.record(side.preset), ended=False)

    def _trace(self, view: TokenView) -> TokenTrace | None:
        """Return the trace of the token under the cursor, with the current knobs where it is known."""
        inspected = self._inspected.get(view)
        if inspected and inspected.explained and inspected.explained[0] == view.picked:
            return inspected.explained[1]
        return view.trace

    def _request_what_if(self, view: TokenView, side: Side, inspected: InspectedReply) -> None:
        if asked := question(side, inspected.number, view.picked, explained_only=inspected.known == side.knobs):
            self._session.what_if.ask(asked)

    def _show_what_if(self, answer: WhatIfAnswer) -> None:
        asked, part = answer.question, answer.part
        for view, side, inspected in self._finished():
            label = inspected.turned(side.knobs)
            if side is not asked.side or inspected.record is not asked.record or not label:
                continue
            view.show_what_if(answer.first, part.p, part.cut)
            if part.looked:
                inspected = inspected._replace(explained=(asked.explained, part.looked))
            if part.complete and not asked.explained_only:
                inspected = inspected._replace(known=asked.knobs)
                view.show_likelihood(inspected.turned(asked.knobs))
            self._inspected[view] = inspected


def _has_end(turn: Turn) -> bool:
    """Return True if the last token is the end token: a branch replaces it rather than follows it."""
    return turn.record is not None and len(turn.record.traces) == len(turn.message.tokens) + 1


def _has_tokens(turn: Turn) -> bool:
    return turn.record is not None and bool(turn.record.traces)


async def _loaded_already(side: Side, index: int) -> None:
    """Load nothing: without a store all traces are in memory."""


def find_reply(side: Side, picked: int | None) -> int:
    """Return the turn index of the picked reply, or of the last; raises Refusal where it has no record."""
    turns = side.conversation.turns
    replies = [index for index in side.conversation.indices if turns[index].message.role == "assistant"]
    index = picked if picked in replies else replies[-1] if replies else None
    if index is None:
        raise Refusal("There is no reply to look at yet.")
    if turns[index].record is None:
        raise Refusal("How this reply was written is not known: a person wrote it.")
    return index
