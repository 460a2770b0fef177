"""A talk: what a person says to one side or to several at once, and what the engine says back."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import NamedTuple, Protocol

from tui.conversation.conversation import Conversation, until
from tui.conversation.reply_record import Prefix, branched, whole
from tui.conversation.thinking import find_tags, given_tags
from tui.conversation.trace import Candidate, TokenTrace
from tui.engine.protocol import (
    Command,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    KnobsTurned,
    Load,
    Loaded,
    ModelInfo,
    Preview,
    Previewed,
    Refused,
    ReplyRequest,
    SetKnobs,
    Stop,
    Thinking,
    Token,
)
from tui.errors import EngineError, TwiddleError
from tui.knobs.knob import Value
from tui.knobs.pair import KnobPair
from tui.knobs.table import KNOBS, common_seed, fixed, turn
from tui.presets.gotemplate import TemplateError
from tui.presets.ollama_prompt import OllamaPrompt
from tui.session.side import Side
from tui.session.undo import UndoHistory
from tui.session.what_if import WhatIfRequests


class ReplyStart(NamedTuple):
    """A reply to be begun."""

    side: Side
    instead_of: int | None = None
    prefix: Prefix | None = None


class NextToken(NamedTuple):
    """How the next token of a side would be chosen."""

    side: Side
    trace: TokenTrace
    record: bytes
    """The scores that it was found from."""


class Engines(Protocol):
    """What holds the models of the sides: see `tui.engine.process.pool`."""

    def fit(self, loads: Iterable[Load]) -> None: ...
    def send(self, command: Command, load: Load | None) -> None: ...


class Session:
    """Between the sides and their engines: it asks for replies and keeps each side up to date with what comes."""

    def __init__(self, sides: Sequence[Side], engines: Engines) -> None:
        self.sides = list(sides)
        self._engines = engines
        self._ids = map(str, count(1))
        self._previews: dict[str, Side] = {}
        self._fatal: list[Conversation] = []
        """What engines died over: only a person sends it again."""
        self.next_token: NextToken | None = None
        """The answer to the latest look at the next token."""
        self.models: dict[Load, ModelInfo] = {}
        """What is loaded."""
        self.what_if = WhatIfRequests(lambda side, command: self._send_if_alive(command, side))
        """What if finished replies had been written with other knobs."""

    @property
    def busy(self) -> bool:
        """Whether any side is writing."""
        return any(side.busy for side in self.sides)

    def apply_settings(self) -> None:
        """Have the engines hold what the sides are set to now.

        Raises ModelError and EngineError; then no engine has changed. See `trying` for the sides.
        """
        loads = [side.load if side.load and side.loaded_for == side.needs else _load(side) for side in self.sides]
        changed = [side for side, load in zip(self.sides, loads, strict=True) if side.load not in (None, load)]
        if changed and self.busy:
            raise EngineError("This loads the model anew; a reply is being written, so press Esc first.")
        self._engines.fit(loads)
        for side, load in zip(self.sides, loads, strict=True):
            side.load, side.loaded_for = load, side.needs
        for side in changed:
            self.what_if.forget(side)

    @contextmanager
    def undo_on_error(self) -> Iterator[None]:
        """What is changed of how the sides are set is changed back where a TwiddleError says that it cannot be had."""
        before = [(side, side.preset, side.pair, side.undo_history, side.refused) for side in self.sides]
        try:
            yield
        except TwiddleError:
            for side, preset, pair, steps, refused in before:
                side.preset, side.pair, side.undo_history, side.refused = preset, pair, steps, refused
            raise

    def ask(self, text: str, only: Side | None = None) -> None:
        """Put a question to every side, or to one; raises EngineError."""
        for side in self._asked_sides(only):
            side.ask(text)
        self.reply(only)

    def reply(self, only: Side | None = None) -> None:
        """Have every side, or one, answer its last question, with one seed where none is set."""
        self._start_replies([ReplyStart(side) for side in self._asked_sides(only)])

    def answer_again(self, only: Side | None = None, turn: int | None = None) -> None:
        """Have every side answer its last question anew, or one side a turn of its own, beside the answer there is.

        A side on which nothing was asked has nothing to answer.
        """
        asked = [side for side in self._asked_sides(only) if side.conversation.turns]
        self._start_replies([self._anew(side, side.conversation.tip if turn is None else turn) for side in asked])

    def branch(self, side: Side, index: int, place: int, other: Candidate) -> None:
        """Have a side write a reply again from one of its tokens on, with another candidate in that token's place.

        The place after the last is that of the next token, where a reply was cut.
        """
        turn = side.conversation.turns[index]
        if turn.record is None:
            raise EngineError("How this reply was written is not known, so it has no tokens to branch from.")
        written, text = turn.record, turn.message.content
        if place == len(written.traces) and self.next_token and self.next_token.side is side:
            written = written.with_next(text, self.next_token.trace, self.next_token.record)
        self._start_replies([ReplyStart(side, index, branched(text, written, place, other))])

    def continue_reply(self, side: Side, index: int) -> None:
        """Have a side go on with a reply from its end."""
        turn = side.conversation.turns[index]
        self._start_replies([ReplyStart(side, index, whole(turn.message.content, turn.message.tokens, turn.record))])

    def edit(self, side: Side, index: int, text: str) -> None:
        """Put another wording of a turn beside it; a question is then answered anew."""
        side.edit(index, text)
        if side.conversation.turns[index].message.role == "user":
            self.reply(side)

    @staticmethod
    def _anew(side: Side, turn: int | None) -> "ReplyStart":
        if turn is not None and side.conversation.turns[turn].message.role == "user":
            side.conversation = until(side.conversation, turn)
            return ReplyStart(side)
        return ReplyStart(side, turn)

    def _asked_sides(self, only: Side | None) -> list[Side]:
        return [only] if only else self.sides

    def _start_replies(self, starts: Sequence["ReplyStart"]) -> None:
        self._previews, self.next_token = {}, None
        common = common_seed(*(start.side.knobs for start in starts))
        asked: dict[Load | None, list[ReplyRequest]] = {}
        for start in starts:
            seed = start.side.knobs.seed if start.side.knobs.seed >= 0 else common
            if start.prefix and start.prefix.record and start.side.knobs.seed < 0:
                seed = start.prefix.record.knobs.seed  # the draws after the beginning are those that followed it
            reply = start.side.start_reply(next(self._ids), seed, instead_of=start.instead_of, prefix=start.prefix)
            asked.setdefault(start.side.load, []).append(reply)
        for load, replies in asked.items():
            self._engines.send(Generate(tuple(replies)), load)

    def clear(self) -> None:
        """Begin a new conversation on every side."""
        self.end_replies()
        for side in self.sides:
            side.clear()

    def end_replies(self, only: Side | None = None) -> None:
        """End what is being written as it stands, without waiting for an engine to say so."""
        self.stop(only)
        for side in [only] if only else self.sides:
            side.end_reply("stopped")

    def stop(self, only: Side | None = None) -> None:
        """Ask every reply being written to end, or only that of one side."""
        for side in [only] if only else self.sides:
            if side.busy and side.reply:
                self._send_if_alive(Stop(side.reply.id), side)

    def turn(self, side: Side, name: str, value: Value, stroke: object = None) -> None:
        """Turn a knob; a reply being written takes it at its next token. Raises KnobError and EngineError.

        Turns of one `stroke`, such as a drag, are one step to take back.
        """
        self.set_pair(side, side.pair.turn(name, value), stroke)

    def set_pair(
        self, side: Side, pair: KnobPair, stroke: object = None, steps: UndoHistory[KnobPair] | None = None
    ) -> None:
        """Put all knobs of a side where these are, as if each had been turned; raises EngineError.

        `steps` are those that the side has then, where this is one of them taken back or again.
        """
        binding = {name: getattr(pair.answer, name) for name, row in KNOBS.items() if not row.live}
        anew = [name for name in pair.differing(side.pair) if name in binding]
        if self.busy and anew:
            raise EngineError(f"{anew[0]} loads the model anew; a reply is being written, so press Esc first.")
        if steps:
            side.step(steps, pair)
        else:
            side.set_pair(pair, stroke)
        # What a model is loaded with is the same for all who share its engine.
        for other in self.sides:
            if other.load == side.load:
                other.set_pair(other.pair._replace(answer=turn(other.knobs, **binding)))
        if side.busy and side.reply:
            self._send_if_alive(SetKnobs(side.reply.id, side.reply.knobs, side.reply.pair.while_thinking), side)

    def can_think(self, side: Side) -> bool:
        """Whether a side's replies can think, as far as is known, or have knobs for it."""
        model = self.models.get(side.load) if side.load else None
        found = find_tags(side.preset.template) if side.preset.template else model and model.thought
        return bool(side.pair.thought or given_tags(side.knobs) or found)

    def can_switch_thinking(self, side: Side) -> bool:
        """Whether a side's chat template can be told to think or not; yes while that is not known."""
        if side.preset.template:
            with suppress(TemplateError):
                return OllamaPrompt(side.preset.template).has_switch
        model = self.models.get(side.load) if side.load else None
        return model is None or model.think_switch

    def preview(self, side: Side) -> None:
        """Ask how the next token would be chosen, unless a reply is being written or an engine died over this."""
        if self.busy or any(side.conversation.messages == each.messages for each in self._fatal):
            return
        look = next(self._ids)
        self._previews, self.next_token = {look: side}, None
        look_at = Preview(look, side.messages, side.knobs, side.preset.template or "", side.pair.while_thinking)
        self._send_if_alive(look_at, side)

    def on_event(self, event: Event, load: Load | None = None) -> Side | None:
        """Bring the sides up to date with an event of the engine that holds `load`; the side it is about, if any."""
        if isinstance(event, Previewed):
            side = self._previews.pop(event.id, None)
            if side:
                self.next_token, side.used = NextToken(side, event.trace, event.record), event.used
            return side
        if isinstance(event, Failed) and event.id in self._previews:
            self._previews.pop(event.id).mark_refused(event.reason)
            return None
        if isinstance(event, Loaded) and load:
            self.models[load] = event.info
        if isinstance(event, Died):
            for side in self.sides:
                if side.load == load:
                    self._lose_engine(side, event)
            return None
        side = self._replying(event)
        match event:
            case Token() | Thinking() if side:
                side.on_token(event)
            case Finished() if side:
                side.on_finished(event)
            case KnobsTurned() | Refused() if side:
                side.on_knobs(event)
            case Failed() if side:
                side.mark_refused(event.reason)
                side.end_reply("failed")
        return side

    def _send_if_alive(self, command: Command, side: Side) -> None:
        """Send what a dead engine need not hear; that it died is an event of its own."""
        with suppress(EngineError):
            self._engines.send(command, side.load)

    def _lose_engine(self, side: Side, died: Died) -> None:
        """Have a side do without its engine."""
        over = not died.asked and (side.busy or side in self._previews.values())
        side.end_reply("died")
        if over:
            self._fatal.append(side.conversation)

    def _replying(self, event: Event) -> Side | None:
        reply_id = getattr(event, "id", None)
        return next((side for side in self.sides if side.reply and side.reply.id == reply_id), None)


def _load(side: Side) -> Load:
    return Load(str(side.preset.find_model()), fixed(side.knobs))
