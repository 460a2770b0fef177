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
        assert self.turn.written
        return self.turn.written

    def turned(self, now: Knobs) -> str:
        """How the knobs that choose tokens differ from those that it was written with."""
        before = self.written.lane[-1].knobs if self.written.lane else self.written.knobs
        loaded = {name: getattr(before, name) for name in KNOBS if name == "seed" or not KNOBS[name].live}
        return describe_turn(before, replace(now, **loaded))


class TokenInspector:
    """Between the talk, the token views of the panes and the candidates."""

    def __init__(self, talk: Session, panes: Sequence[Pane], candidates: Candidates) -> None:
        """`panes` stays in step with the sides of the talk."""
        self._talk, self._panes, self._candidates = talk, panes, candidates
        self.recall: Callable[[Side, int], Awaitable[None]] = _at_hand
        """Fetches how the tokens of a reply were chosen, where that is not at hand; raises TwiddleError."""
        self._reread: dict[TokenView, InspectedReply | None] = {}
        """What is in each view that is filled; None while its reply is being written."""
        self._shown: Side | None = None
        """Whose odds are shown."""

    def show(self, active: int) -> None:
        """The knobs may have been turned: finished replies are shown as they would be with these."""
        self._reconsider()
        self.draw(active)

    def _reconsider(self) -> None:
        self._keep_up()
        for view, side, reread in self._finished():
            if reread.turned(side.knobs):
                self._wonder(view, side, reread)
            else:
                self._reread[view] = reread._replace(looked=None, known=None)
                view.restore()

    def draw(self, active: int) -> None:
        """Show what has come: in the views of running replies, and the odds that are worth a look now."""
        self._keep_up()
        for pane, side in zip(self._panes, self._talk.sides, strict=True):
            if pane.tokens in self._reread and side.busy:
                self._grow(pane.tokens, side)
        side, view, candidates = self._talk.sides[active], self._panes[active].tokens, self._candidates
        if view and (trace := self._trace(view)):
            heading = f"token {view.picked + 1}"
        elif side.busy and side.writing and (trace := side.writing.trace):
            heading = "newest token"
        elif not self._talk.busy and (coming := self._talk.next) and coming.side is side:
            heading, trace = "next token", coming.trace
        elif self._shown is side:
            return
        else:
            heading, trace = candidates.heading, None  # a token of another side's is none of this one's
        candidates.heading, candidates.trace, self._shown = heading, trace, side

    def tell(self, event: Event) -> None:
        """Show what an event says of the replies that are looked at."""
        if answer := self._talk.hindsight.take(event):
            self._suppose(answer)
        self._keep_up()

    def view(self, active: int) -> TokenView | None:
        """The view that the active side has open."""
        return self._panes[active].tokens

    def reread(self, active: int) -> int | None:
        """The turn whose reply is in that view."""
        view = self.view(active)
        found = self._reread.get(view) if view else None
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
        pane, side = self._panes[active], self._talk.sides[active]
        if pane.tokens:
            self._close(pane)
        elif side.busy:
            self._grow(await pane.open_tokens(), side)
        else:
            turn = reply(side, pane.transcript.picked)
            await self.recall(side, turn)
            self._fill(await pane.open_tokens(), side, turn)

    def _pick(self, view: TokenView) -> None:
        for each, side, reread in self._finished():
            if each is view and reread.turned(side.knobs):
                self._wonder(view, side, reread)

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
        side, view = self._talk.sides[active], self._panes[active].tokens
        if view and (reread := self._reread.get(view)):
            return TokenPlace(side, reread.number, view.picked)
        tip = side.conversation.tip
        turn = side.conversation.turns[tip] if tip is not None else None
        if tip is not None and turn and turn.written and not side.busy:
            traces = len(turn.written.traces)
            if _has_end(turn):
                return TokenPlace(side, tip, traces - 1)
            coming = self._talk.next
            if turn.ending != "stop" and coming and coming.side is side:  # it was cut: it goes on from there
                return TokenPlace(side, tip, traces)
        raise EngineError("Pick a token of a finished reply first: Ctrl+T shows them.")

    # --- views ------------------------------------------------------------------------------------------------------

    def _finished(self) -> Iterator[tuple[TokenView, Side, InspectedReply]]:
        """The views of finished replies."""
        for pane, side in zip(self._panes, self._talk.sides, strict=True):
            if pane.tokens and (reread := self._reread.get(pane.tokens)):
                yield pane.tokens, side, reread

    def _keep_up(self) -> None:
        """Show a reply that is complete by now as it was written, and the text again where there is none any more."""
        for dropped in self._reread.keys() - {pane.tokens for pane in self._panes}:
            del self._reread[dropped]
        for pane, side in zip(self._panes, self._talk.sides, strict=True):
            view, turns, tip = pane.tokens, side.conversation.turns, side.conversation.tip
            if view is None or view not in self._reread or side.busy:
                continue
            reread = self._reread[view]
            if reread is None and tip is not None and _has_tokens(turns[tip]):
                self._fill(view, side, tip, place=-1 if view.field.following else view.picked)
            elif reread is None or reread.number >= len(turns) or turns[reread.number] is not reread.turn:
                self._close(pane)

    def _close(self, pane: Pane) -> None:
        if pane.tokens:
            self._reread.pop(pane.tokens, None)
        pane.close_tokens()

    def _fill(self, view: TokenView, side: Side, index: int, place: int = -1) -> None:
        """Show a finished reply, with the cursor on one of its tokens."""
        turn = side.conversation.turns[index]
        if turn.written is None:
            return
        self._reread[view] = InspectedReply(index, turn)
        view.show(turn.message.content, turn.written, ended=True)
        if place >= 0:
            view.field.pick(place)
        self._reconsider()

    def _grow(self, view: TokenView, side: Side) -> None:
        """Show what there is of a running reply."""
        if side.writing:
            grows = view in self._reread and self._reread[view] is None and view.count <= len(side.writing.traces)
            self._reread[view] = None
            show = view.grow if grows else view.show
            show(side.writing.text, side.writing.written(side.preset), ended=False)

    def _trace(self, view: TokenView) -> TokenTrace | None:
        """How the token under the cursor was chosen, or would be."""
        reread = self._reread.get(view)
        if reread and reread.looked and reread.looked[0] == view.picked:
            return reread.looked[1]
        return view.trace

    def _wonder(self, view: TokenView, side: Side, reread: InspectedReply) -> None:
        """Ask how the reply would be with the knobs as they are."""
        if asked := question(side, reread.number, view.picked, alone=reread.known == side.knobs):
            self._talk.hindsight.ask(asked)

    def _suppose(self, answer: WhatIfAnswer) -> None:
        asked, part = answer.question, answer.part
        for view, side, reread in self._finished():
            label = reread.turned(side.knobs)
            if side is not asked.side or reread.written is not asked.written or not label:
                continue
            view.suppose(answer.first, part.p, part.cut)
            if part.looked:
                reread = reread._replace(looked=(asked.looked, part.looked))
            if part.complete and not asked.alone:
                reread = reread._replace(known=asked.knobs)
                view.conclude(reread.turned(asked.knobs))
            self._reread[view] = reread


def _has_end(turn: Turn) -> bool:
    """Whether the last of a reply's tokens is the one that ended it, so that the next one would be in its place."""
    return turn.written is not None and len(turn.written.traces) == len(turn.message.tokens) + 1


def _has_tokens(turn: Turn) -> bool:
    return turn.written is not None and bool(turn.written.traces)


async def _at_hand(side: Side, index: int) -> None:
    """Nothing is kept elsewhere."""


def reply(side: Side, picked: int | None) -> int:
    """The reply meant: the one picked, or the last; raises EngineError where it is not known how it was written."""
    turns = side.conversation.turns
    replies = [index for index in side.conversation.places if turns[index].message.role == "assistant"]
    index = picked if picked in replies else replies[-1] if replies else None
    if index is None:
        raise EngineError("There is no reply to look at yet.")
    if turns[index].written is None:
        raise EngineError("How this reply was written is not known: a person wrote it.")
    return index
