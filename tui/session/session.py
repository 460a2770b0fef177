"""The running session: sides that are asked together, and the engines that answer."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import NamedTuple, Protocol

from tui.conversation.conversation import Conversation, ask, edit, until
from tui.conversation.reply_record import Prefix, branched, whole
from tui.conversation.thinking import find_tags, given_tags
from tui.conversation.trace import Candidate, TokenTrace
from tui.engine.loaded_model import ModelInfo
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
    LoadFailed,
    Preview,
    Previewed,
    Refused,
    Remembered,
    ReplyRequest,
    SetKnobs,
    Stop,
    Thinking,
    Token,
    WhatIfs,
)
from tui.errors import EngineError, Refusal, TwiddleError
from tui.knobs.knob import Value
from tui.knobs.pair import KnobPair
from tui.knobs.table import KNOBS, common_seed, fixed, turn
from tui.presets.gotemplate import TemplateError
from tui.presets.ollama_prompt import OllamaPrompt
from tui.session.side import Side
from tui.session.undo import UndoHistory
from tui.session.what_if import WhatIfAnswer, WhatIfRequests


class Asked(NamedTuple):
    """A question that is prepared but not sent: the conversations of the sides asked, without and with it."""

    before: dict[Side, Conversation]
    after: dict[Side, Conversation]


class ReplyStart(NamedTuple):
    """A reply to be requested: from scratch, beside another version, or as the continuation of a prefix."""

    side: Side
    instead_of: int | None = None
    """Index of the turn that it is another version of."""
    prefix: Prefix | None = None


class NextToken(NamedTuple):
    """Preview of a side's next token."""

    side: Side
    trace: TokenTrace
    record: bytes
    """Logits: see `tui.engine.sampling.logit_record`."""


class Engines(Protocol):
    """Pool of engines, one for each model loaded: see `tui.engine.process.pool`."""

    def fit(self, loads: Iterable[Load]) -> None:
        """Load these models and unload the others."""

    def send(self, command: Command, load: Load | None) -> None:
        """Send a command to the engine that holds `load`."""


class Session:
    """Owner of the sides: sends their requests to the engines and applies the engines' events to them."""

    def __init__(self, sides: Sequence[Side], engines: Engines) -> None:
        self.sides = list(sides)
        self._engines = engines
        self._ids = map(str, count(1))
        self._previews: dict[str, Side] = {}
        """Sides by the id of the preview that they wait for."""
        self._fatal: list[Conversation] = []
        """Conversations that an engine died over: no preview sends them again."""
        self.next_token: NextToken | None = None
        self.models: dict[Load, ModelInfo] = {}
        """Models loaded so far."""
        self.what_if = WhatIfRequests(lambda side, command: self._send_if_alive(command, side))

    @property
    def busy(self) -> bool:
        """True while a reply is running on any side."""
        return any(side.busy for side in self.sides)

    def require_idle(self) -> None:
        """Raise Refusal while a reply is running."""
        if self.busy:
            raise Refusal("A reply is being written; press Esc to stop it first.")

    # --- settings ---------------------------------------------------------------------------------------------------

    def apply_settings(self) -> None:
        """Have the engines load what the sides are set to.

        Raises ModelError, EngineError and Refusal; no engine has changed then. `undo_on_error` restores the sides.
        """
        loads = [side.load if side.load and side.loaded_for == side.needs else _load(side) for side in self.sides]
        changed = [side for side, load in zip(self.sides, loads, strict=True) if side.load not in (None, load)]
        if changed and self.busy:
            raise Refusal("This loads the model anew; a reply is being written, so press Esc first.")
        self._engines.fit(loads)
        for side, load in zip(self.sides, loads, strict=True):
            side.load, side.loaded_for = load, side.needs
        for side in changed:
            self.what_if.forget(side)

    @contextmanager
    def undo_on_error(self) -> Iterator[None]:
        """Undo all changes of presets and knobs made in this block if it raises TwiddleError."""
        before = [(side, side.preset, side.pair, side.undo_history, side.refused) for side in self.sides]
        try:
            yield
        except TwiddleError:
            for side, preset, pair, history, refused in before:
                side.preset, side.pair, side.undo_history, side.refused = preset, pair, history, refused
            raise

    def turn(self, side: Side, name: str, value: Value, stroke: object = None) -> None:
        """Set a knob; a running reply uses the value from its next token on. Raises KnobError and Refusal.

        Turns of one `stroke`, such as a drag, are one step to undo.
        """
        self.set_pair(side, side.pair.turn(name, value), stroke)

    def set_pair(
        self, side: Side, pair: KnobPair, stroke: object = None, history: UndoHistory[KnobPair] | None = None
    ) -> None:
        """Set all knobs of a side, as if each had been turned; raises Refusal.

        `history` is the side's undo history after this change, where the change is an undo or a redo.
        """
        load_knobs = {name: getattr(pair.answer, name) for name, row in KNOBS.items() if not row.live}
        reloading = [name for name in pair.differing(side.pair) if name in load_knobs]
        if self.busy and reloading:
            raise Refusal(f"{reloading[0]} loads the model anew; a reply is being written, so press Esc first.")
        side.set_pair(pair, stroke, history)
        for other in self.sides:
            if other.load == side.load:  # sides that share an engine share its load knobs
                other.set_pair(other.pair._replace(answer=turn(other.knobs, **load_knobs)))
        if side.busy and side.reply:
            running = side.reply.pair
            self._send_if_alive(SetKnobs(side.reply.id, running.answer, running.while_thinking), side)

    def can_think(self, side: Side) -> bool:
        """Return True if a side's replies can think, as far as is known, or if it has knobs for the thought."""
        model = self.models.get(side.load) if side.load else None
        found = find_tags(side.preset.template) if side.preset.template else model and model.thought
        return bool(side.pair.thought or given_tags(side.knobs) or found)

    def can_switch_thinking(self, side: Side) -> bool:
        """Return True if a side's chat template has a switch for thinking, or if that is not known yet."""
        if side.preset.template:
            with suppress(TemplateError):
                return OllamaPrompt(side.preset.template).has_switch
        model = self.models.get(side.load) if side.load else None
        return model is None or model.think_switch

    # --- requests ---------------------------------------------------------------------------------------------------

    def prepare(self, text: str, only: Side | None = None) -> Asked:
        """Build the question to all sides, or to one, without sending it: it can be stored first."""
        before = {side: side.conversation for side in self._asked_sides(only)}
        return Asked(before, {side: ask(conversation, text) for side, conversation in before.items()})

    def prepare_edit(self, side: Side, index: int, text: str) -> Asked:
        """Build another version of a turn, without sending it."""
        return Asked({side: side.conversation}, {side: edit(side.conversation, index, text)})

    def commit(self, asked: Asked) -> None:
        """Give the sides their new conversations, and request replies to those that end in a question.

        Raises EngineError, and Refusal if a conversation has changed since it was prepared.
        """
        self.require_idle()
        if any(side not in self.sides or side.conversation is not was for side, was in asked.before.items()):
            raise Refusal("The conversation changed while your question was saved; send it again.")
        for side, conversation in asked.after.items():
            side.conversation = conversation
        questioned = [side for side in asked.after if side.conversation.path[-1].message.role == "user"]
        self._start_replies([ReplyStart(side) for side in questioned])

    def answer_again(self, only: Side | None = None, turn: int | None = None) -> None:
        """Request another version of the last reply of every side, or of a turn of one side."""
        asked = [side for side in self._asked_sides(only) if side.conversation.turns]
        starts = []
        for side in asked:
            index = side.conversation.tip if turn is None else turn
            if index is not None and side.conversation.turns[index].message.role == "user":
                side.conversation, index = until(side.conversation, index), None
            starts.append(ReplyStart(side, index))
        self._start_replies(starts)

    def branch(self, side: Side, index: int, token: int, other: Candidate) -> None:
        """Request a reply that copies the tokens before index `token` of turn `index`, then has another candidate.

        Where a reply was stopped, `token` may be the index after the last: that of the next token.
        """
        turn = side.conversation.turns[index]
        if turn.record is None:
            raise Refusal("How this reply was written is not known, so it has no tokens to branch from.")
        record, text = turn.record, turn.message.content
        if token == len(record.traces) and self.next_token and self.next_token.side is side:
            record = record.with_next(text, self.next_token.trace, self.next_token.record)
        self._start_replies([ReplyStart(side, index, branched(text, record, token, other))])

    def continue_reply(self, side: Side, index: int) -> None:
        """Request a reply that goes on from the end of turn `index`."""
        turn = side.conversation.turns[index]
        self._start_replies([ReplyStart(side, index, whole(turn.message.content, turn.message.tokens, turn.record))])

    def _asked_sides(self, only: Side | None) -> list[Side]:
        return [only] if only else self.sides

    def _start_replies(self, starts: Sequence[ReplyStart]) -> None:
        """Request replies, with one seed for all sides that have none set; one command an engine."""
        if not starts:
            return
        self._previews, self.next_token = {}, None
        common = common_seed(*(start.side.knobs for start in starts))
        requests: dict[Load | None, list[ReplyRequest]] = {}
        for start in starts:
            seed = start.side.knobs.seed if start.side.knobs.seed >= 0 else common
            if start.prefix and start.prefix.record and start.side.knobs.seed < 0:
                seed = start.prefix.record.knobs.seed  # the random draws go on as in the first reply
            request = start.side.start_reply(next(self._ids), seed, instead_of=start.instead_of, prefix=start.prefix)
            requests.setdefault(start.side.load, []).append(request)
        for load, replies in requests.items():
            self._engines.send(Generate(tuple(replies)), load)

    def preview(self, side: Side) -> None:
        """Request the distribution of the next token, unless a reply is running or an engine died over this."""
        if self.busy or any(side.conversation.messages == each.messages for each in self._fatal):
            return
        name, pair = next(self._ids), side.pair
        self._previews, self.next_token = {name: side}, None
        template = side.preset.template or ""
        self._send_if_alive(Preview(name, side.messages, pair.answer, template, pair.while_thinking), side)

    def stop(self, only: Side | None = None) -> None:
        """Request that running replies end, of all sides or of one."""
        for side in self._asked_sides(only):
            if side.busy and side.reply:
                self._send_if_alive(Stop(side.reply.id), side)

    def end_replies(self, only: Side | None = None) -> None:
        """End running replies with the text so far, without waiting for the engine."""
        self.stop(only)
        for side in self._asked_sides(only):
            side.end_reply("stopped")

    def clear(self) -> None:
        """Start a new conversation on every side."""
        self.end_replies()
        for side in self.sides:
            side.clear()

    def _send_if_alive(self, command: Command, side: Side) -> None:
        """Send a command that a dead engine may miss; its death is an event of its own."""
        with suppress(EngineError):
            self._engines.send(command, side.load)

    # --- events -----------------------------------------------------------------------------------------------------

    def on_event(self, event: Event, load: Load | None = None) -> Side | WhatIfAnswer | None:
        """Apply an event of the engine that holds `load`; return the side or the what-if answer that it is about."""
        side = _find_replying(self.sides, event)
        match event:
            case Token() if side:
                side.on_token(event)
            case Thinking() if side:
                side.on_thinking(event)
            case KnobsTurned() if side:
                side.on_knobs_turned(event)
            case Refused() if side:
                side.on_refused(event)
            case Finished() if side:
                side.on_finished(event)
            case Failed() if side:
                side.mark_refused(event.reason)
                side.end_reply("failed")
            case Previewed() | Failed() if event.id in self._previews:
                return self._on_previewed(event)
            case Loaded() | LoadFailed() | Died():
                self._on_engine_changed(event, load)
            case Remembered():
                self.what_if.on_remembered(event)
            case WhatIfs():
                return self.what_if.on_answer(event)
            case Refused() | Failed():
                self.what_if.on_error(event)
        return side

    def _on_previewed(self, event: Previewed | Failed) -> Side | None:
        side = self._previews.pop(event.id)
        if isinstance(event, Failed):
            side.mark_refused(event.reason)
            return None
        self.next_token, side.used = NextToken(side, event.trace, event.record), event.used
        return side

    def _on_engine_changed(self, event: Loaded | LoadFailed | Died, load: Load | None) -> None:
        if isinstance(event, Loaded) and load:
            self.models[load] = event.info
        for side in self.sides if isinstance(event, Died) else ():
            if side.load == load:
                fatal = isinstance(event, Died) and not event.asked and (side.busy or side in self._previews.values())
                side.end_reply("died")
                self._fatal += [side.conversation] if fatal else []
        self.what_if.on_engine_changed()


def _find_replying(sides: Sequence[Side], event: Event) -> Side | None:
    """Return the side whose running reply the event is about: one that was ended here takes nothing more."""
    reply_id = getattr(event, "id", None)
    return next((side for side in sides if side.busy and side.reply and side.reply.id == reply_id), None)


def _load(side: Side) -> Load:
    return Load(str(side.preset.find_model()), fixed(side.knobs))
