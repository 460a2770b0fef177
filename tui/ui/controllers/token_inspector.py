"""Looking closely: a reply token by token, the odds of one of them beside it, and what if knobs are turned."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tui.conversation.conversation import Turn
from tui.conversation.reply_record import ReplyRecord
from tui.conversation.trace import TokenTrace
from tui.engine.protocol import Event
from tui.errors import EngineError
from tui.knobs.table import KNOBS, Knobs
from tui.session.session import Session
from tui.session.side import Side, describe_turn
from tui.session.what_if import WhatIfAnswer, question
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.tokens.token_view import TokenView

Look = TokenView.Picked | TokenView.Entered | Candidates.Chosen | Candidates.Left
"""What a person does while looking closely."""


class TokenPlace(NamedTuple):
    """A token of a reply."""

    side: Side
    turn: int
    token: int


class InspectedReply(NamedTuple):
    """A finished reply that is shown token by token."""

    number: int
    """Of its turn, in the conversation."""
    turn: Turn
    looked: tuple[int, TokenTrace] | None = None
    """A token with how it would be chosen, where the knobs have been turned since."""
    known: Knobs | None = None
    """The knobs with which it is known how likely every token would be."""

    @property
    def written(self) -> ReplyRecord:
        """How it came to be."""
        assert self.turn.record
        return self.turn.record

    def turned(self, now: Knobs) -> str:
        """How the knobs that choose tokens differ from those that it was written with."""
        before = self.written.knob_changes[-1].knobs if self.written.knob_changes else self.written.knobs
        loaded = {name: getattr(before, name) for name in KNOBS if name == "seed" or not KNOBS[name].live}
        return describe_turn(before, replace(now, **loaded))


class TokenInspector:
    """Between the talk, the token views of the panes and the candidates."""

    def __init__(self, session: Session, panes: Sequence[Pane], candidates: Candidates) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._session, self._panes, self._candidates = session, panes, candidates
        self.recall: Callable[[Side, int], Awaitable[None]] = _at_hand
        """Fetches how the tokens of a reply were chosen, where that is not at hand; raises TwiddleError."""
        self._inspected: dict[TokenView, InspectedReply | None] = {}
        """What is in each view that is filled; None while its reply is being written."""
        self._shown: Side | None = None
        """Whose odds are shown."""

    def show(self, active: int) -> None:
        """The knobs may have been turned: finished replies are shown as they would be with these."""
        self._reconsider()
        self.draw(active)

    def _reconsider(self) -> None:
        self._keep_up()
        for view, side, inspected in self._finished():
            if inspected.turned(side.knobs):
                self._wonder(view, side, inspected)
            else:
                self._inspected[view] = inspected._replace(looked=None, known=None)
                view.restore()

    def draw(self, active: int) -> None:
        """Show what has come: in the views of running replies, and the odds that are worth a look now."""
        self._keep_up()
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            if pane.tokens in self._inspected and side.busy:
                self._grow(pane.tokens, side)
        side, view, candidates = self._session.sides[active], self._panes[active].tokens, self._candidates
        if view and (trace := self._trace(view)):
            heading = f"token {view.picked + 1}"
        elif side.busy and side.reply and (trace := side.reply.trace):
            heading = "newest token"
        elif not self._session.busy and (coming := self._session.next_token) and coming.side is side:
            heading, trace = "next token", coming.trace
        elif self._shown is side:
            return
        else:
            heading, trace = candidates.heading, None  # a token of another side's is none of this one's
        candidates.heading, candidates.trace, self._shown = heading, trace, side

    def tell(self, event: Event) -> None:
        """Show what an event says of the replies that are looked at."""
        if answer := self._session.what_if.on_event(event):
            self._suppose(answer)
        self._keep_up()

    def view(self, active: int) -> TokenView | None:
        """The view that the active side has open."""
        return self._panes[active].tokens

    def inspected(self, active: int) -> int | None:
        """The turn whose reply is in that view."""
        view = self.view(active)
        found = self._inspected.get(view) if view else None
        return found.number if found else None

    async def follow(self, event: Look | None, active: int) -> None:
        """Go where the person goes: into the tokens and out of them, from one to another, to the candidates and back.

        Raises TwiddleError where there is nothing to look at.
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
        """Show the reply that the transcript's cursor is on, or the last, token by token; then as text again."""
        pane, side = self._panes[active], self._session.sides[active]
        if pane.tokens:
            self._close(pane)
        elif side.busy:
            self._grow(await pane.open_tokens(), side)
        else:
            turn = reply(side, pane.transcript.messages.picked)
            await self.recall(side, turn)
            self._fill(await pane.open_tokens(), side, turn)

    def _pick(self, view: TokenView) -> None:
        for each, side, inspected in self._finished():
            if each is view and inspected.turned(side.knobs):
                self._wonder(view, side, inspected)

    def _go_to_candidates(self) -> None:
        if self._candidates.parent:
            self._candidates.parent.add_class("-looked")  # they may be out of sight
        self._candidates.call_after_refresh(self._candidates.focus)

    def _go_back(self, active: int) -> None:
        if self._candidates.parent:
            self._candidates.parent.remove_class("-looked")
        pane = self._panes[active]
        (pane.tokens.field if pane.tokens else pane.transcript).focus()

    def place(self, active: int) -> TokenPlace:
        """The token that another one is chosen for; raises EngineError."""
        side, view = self._session.sides[active], self._panes[active].tokens
        if view and (inspected := self._inspected.get(view)):
            return TokenPlace(side, inspected.number, view.picked)
        tip = side.conversation.tip
        turn = side.conversation.turns[tip] if tip is not None else None
        if tip is not None and turn and turn.record and not side.busy:
            traces = len(turn.record.traces)
            if _has_end(turn):
                return TokenPlace(side, tip, traces - 1)
            coming = self._session.next_token
            if turn.ending != "stop" and coming and coming.side is side:  # it was cut: it goes on from there
                return TokenPlace(side, tip, traces)
        raise EngineError("Pick a token of a finished reply first: Ctrl+T shows them.")

    # --- views ------------------------------------------------------------------------------------------------------

    def _finished(self) -> Iterator[tuple[TokenView, Side, InspectedReply]]:
        """The views of finished replies."""
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            if pane.tokens and (inspected := self._inspected.get(pane.tokens)):
                yield pane.tokens, side, inspected

    def _keep_up(self) -> None:
        """Show a reply that is complete by now as it was written, and the text again where there is none any more."""
        for dropped in self._inspected.keys() - {pane.tokens for pane in self._panes}:
            del self._inspected[dropped]
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            view, turns, tip = pane.tokens, side.conversation.turns, side.conversation.tip
            if view is None or view not in self._inspected or side.busy:
                continue
            inspected = self._inspected[view]
            if inspected is None and tip is not None and _has_tokens(turns[tip]):
                self._fill(view, side, tip, place=-1 if view.field.following else view.picked)
            elif inspected is None or inspected.number >= len(turns) or turns[inspected.number] is not inspected.turn:
                self._close(pane)

    def _close(self, pane: Pane) -> None:
        if pane.tokens:
            self._inspected.pop(pane.tokens, None)
        pane.close_tokens()

    def _fill(self, view: TokenView, side: Side, index: int, place: int = -1) -> None:
        """Show a finished reply, with the cursor on one of its tokens."""
        turn = side.conversation.turns[index]
        if turn.record is None:
            return
        self._inspected[view] = InspectedReply(index, turn)
        view.show(turn.message.content, turn.record, ended=True)
        if place >= 0:
            view.field.pick(place)
        self._reconsider()

    def _grow(self, view: TokenView, side: Side) -> None:
        """Show what there is of a running reply."""
        if side.reply:
            grows = view in self._inspected and self._inspected[view] is None and view.count <= len(side.reply.traces)
            self._inspected[view] = None
            show = view.grow if grows else view.show
            show(side.reply.text, side.reply.record(side.preset), ended=False)

    def _trace(self, view: TokenView) -> TokenTrace | None:
        """How the token under the cursor was chosen, or would be."""
        inspected = self._inspected.get(view)
        if inspected and inspected.looked and inspected.looked[0] == view.picked:
            return inspected.looked[1]
        return view.trace

    def _wonder(self, view: TokenView, side: Side, inspected: InspectedReply) -> None:
        """Ask how the reply would be with the knobs as they are."""
        if asked := question(side, inspected.number, view.picked, alone=inspected.known == side.knobs):
            self._session.what_if.ask(asked)

    def _suppose(self, answer: WhatIfAnswer) -> None:
        asked, part = answer.question, answer.part
        for view, side, inspected in self._finished():
            label = inspected.turned(side.knobs)
            if side is not asked.side or inspected.written is not asked.record or not label:
                continue
            view.suppose(answer.first, part.p, part.cut)
            if part.looked:
                inspected = inspected._replace(looked=(asked.explained, part.looked))
            if part.complete and not asked.explained_only:
                inspected = inspected._replace(known=asked.knobs)
                view.conclude(inspected.turned(asked.knobs))
            self._inspected[view] = inspected


def _has_end(turn: Turn) -> bool:
    """Whether the last of a reply's tokens is the one that ended it, so that the next one would be in its place."""
    return turn.record is not None and len(turn.record.traces) == len(turn.message.tokens) + 1


def _has_tokens(turn: Turn) -> bool:
    return turn.record is not None and bool(turn.record.traces)


async def _at_hand(side: Side, index: int) -> None:
    """Nothing is kept elsewhere."""


def reply(side: Side, picked: int | None) -> int:
    """The reply meant: the one picked, or the last; raises EngineError where it is not known how it was written."""
    turns = side.conversation.turns
    replies = [index for index in side.conversation.indices if turns[index].message.role == "assistant"]
    index = picked if picked in replies else replies[-1] if replies else None
    if index is None:
        raise EngineError("There is no reply to look at yet.")
    if turns[index].record is None:
        raise EngineError("How this reply was written is not known: a person wrote it.")
    return index
