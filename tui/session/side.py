"""A side: a preset with its knobs, one conversation, and the reply that is running."""

import time
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from tui.conversation.conversation import Conversation, Ending, Message, answer, until
from tui.conversation.reply_record import KnobChange, Prefix, ReplyRecord, Stats
from tui.conversation.thinking import Thought
from tui.conversation.trace import TokenTrace
from tui.engine.protocol import Finished, KnobsTurned, Load, Refused, ReplyRequest, Thinking, Token
from tui.knobs.load_knobs import LoadKnobs
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.knobs.table import KNOBS, Knobs, fixed, knob
from tui.models.reference import STARTER
from tui.presets.library import ResolvedSetting, read_setting, resolve
from tui.presets.preset import Preset, anchored, with_parts
from tui.session.undo import UndoHistory
from tui.store.records import SideRow


class RunningReply:
    """A reply while it streams, and then until the next one starts."""

    def __init__(self, reply_id: str, pair: KnobPair, prefix: Prefix | None = None) -> None:
        """`prefix` is the part of the reply that exists already."""
        before = (prefix and prefix.record) or ReplyRecord("", "", pair.answer)
        self.id, self.pair, self.prefix = reply_id, pair, prefix
        self.text = prefix.text if prefix else ""
        self.first_index = before.first_index
        """Index of the first token of `traces`; above 0 where a person wrote the text before it."""
        self.traces: list[TokenTrace] = list(before.traces)
        """One for each token, the end token included."""
        self.offsets: list[int] = list(before.offsets)
        """Index of the character that each token begins at."""
        self.records: list[bytes] = list(before.records)
        self.inherited = len(self.traces)
        """Number of tokens copied from the reply that it branches from."""
        self.requested = pair
        """Knobs in its request."""
        self.thought: Thought | None = None
        self.knob_changes: list[KnobChange] = []
        """Changes that the engine has applied since."""
        self.ending: Ending | None = None
        self.stats: Stats | None = None
        self._began = self._first = self._last = time.perf_counter()

    @property
    def knobs(self) -> Knobs:
        """Knobs for its answer, turns that the engine has not applied yet included."""
        return self.pair.answer

    @property
    def ids(self) -> list[int]:
        """Ids of its tokens, the end token included."""
        return [trace.id for trace in self.traces]

    @property
    def trace(self) -> TokenTrace | None:
        """Trace of the newest token."""
        return self.traces[-1] if self.traces else None

    @property
    def applied_knobs(self) -> Knobs:
        """Knobs that the engine uses: a turn may be refused."""
        return self.knob_changes[-1].knobs if self.knob_changes else self.requested.answer

    @property
    def count(self) -> int:
        """Number of tokens generated for its request."""
        return len(self.traces) - self.inherited

    @property
    def rate(self) -> float | None:
        """Tokens a second, without the first."""
        seconds = self._last - self._first
        return (self.count - 1) / seconds if seconds > 0 else None

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request to the first token."""
        return (self._first - self._began) * 1000 if self.count else None

    def append(self, token: Token) -> None:
        """Add the next token."""
        self._last = time.perf_counter()
        if not self.count:
            self._first = self._last
            self.first_index = token.index - self.inherited
        self.offsets.append(len(self.text))
        self.traces.append(token.trace)
        self.records.append(token.record)
        self.text += token.text
        if self.thought and self.thought.end is None:
            self.thought = replace(self.thought, tokens=self.thought.tokens + 1)

    def record(self, preset: Preset) -> ReplyRecord:
        """Return the record to keep with the conversation."""
        return ReplyRecord(
            preset=preset.name,
            model=preset.model,
            knobs=self.requested.answer,
            template=preset.template or "",
            thinking=self.requested.while_thinking,
            inherited=self.inherited,
            first_index=self.first_index,
            knob_changes=tuple(self.knob_changes),
            offsets=tuple(self.offsets),
            traces=tuple(self.traces),
            records=tuple(self.records),
            stats=self.stats,
            thought=self.thought,
        )


class ReplyOrigin(NamedTuple):
    """Preset and model of a reply: a side may have switched both by the time that the reply ends."""

    preset: Preset
    load: Load | None


class Side:
    """A preset, its knobs and a conversation. All state is here; the engine only caches."""

    def __init__(
        self, chosen: ResolvedSetting, load: Load | None = None, conversation: Conversation | None = None
    ) -> None:
        self.preset = chosen.preset
        self.pair = chosen.pair
        self.load = load
        """Model and load knobs of its engine; None before `Session.apply_settings`."""
        self.loaded_for = self.needs if load else None
        """`needs` when `load` was found; the model file is searched for again once they differ."""
        self.undo_history: UndoHistory[KnobPair] = UndoHistory()
        self.refused: dict[str, str] = {}
        """Reasons of the engine, by the names of the knobs that it refused."""
        self.conversation = conversation or Conversation()
        self.reply: RunningReply | None = None
        """Newest reply, running or complete."""
        self.used = 0
        """Context tokens in use."""
        self.origin = ReplyOrigin(self.preset, load)
        """Origin of the newest reply."""
        self.origins: dict[int, ReplyOrigin] = {}
        """Origins of the replies generated in this run, by turn index."""
        self._before, self._is_alternative = self.conversation, False
        """`_before`: the conversation before the newest reply, restored if an alternative stays empty."""

    @property
    def busy(self) -> bool:
        """True while a reply is running."""
        return self.reply is not None and self.reply.ending is None

    @property
    def needs(self) -> tuple[str, Path | None, LoadKnobs]:
        """Model reference, the folder it may be in, and load knobs: together they decide the engine."""
        return self.preset.model, self.preset.path, fixed(self.knobs)

    @property
    def model(self) -> str:
        """Model in use, by a reference that holds in every folder."""
        return anchored(self.preset).model

    @property
    def knobs(self) -> Knobs:
        """Knobs for the answer."""
        return self.pair.answer

    @property
    def turned(self) -> tuple[str, ...]:
        """Names of the knobs whose values differ from the preset."""
        return self.pair.differing(self.preset.pair)

    @property
    def title(self) -> str:
        """Name of the preset and the turned knobs, such as `precise · top_k 3`."""
        changes = (f"{name} {knob(name).show(self.pair.value(name))}" for name in self.turned)
        return " · ".join((self.preset.name, *changes))

    @property
    def messages(self) -> tuple[Message, ...]:
        """Messages for the model: the preset's opening and the conversation."""
        return self.preset.opening + self.conversation.messages

    def use_preset(self, preset: Preset, pair: KnobPair | None = None) -> None:
        """Switch the preset from the next reply on, with its knobs or with `pair`."""
        self.undo_history = self.undo_history.push(self.pair)
        self.preset, self.refused = preset, {}
        self.pair = pair or preset.pair

    def set_pair(self, pair: KnobPair, stroke: object = None, history: UndoHistory[KnobPair] | None = None) -> None:
        """Set all knobs, also those of the running reply.

        Turns of one `stroke`, such as a drag, are one step to undo. `history` takes the place of the undo history,
        where this is an undo or a redo.
        """
        changed = pair.differing(self.pair)
        if history is None and pair == self.pair:
            return
        self.undo_history = history or self.undo_history.push(self.pair, stroke)
        self.pair = pair
        for name in changed:
            self.refused.pop(name, None)
            if self.busy and self.reply:
                # Only these: the preset may have been switched for the next reply.
                self.reply.pair = self.reply.pair.turn(name, pair.value(name))

    def fork(self, turn: int | None = None) -> "Side":
        """Build a side with the same setting, whose conversation ends here or at `turn`."""
        here = self.conversation if turn is None else until(self.conversation, turn)
        other = Side(ResolvedSetting(Setting(), self.preset, self.pair), self.load, here)
        other.used, other.origins = self.used, dict(self.origins)
        return other

    @property
    def question(self) -> str:
        """Last question."""
        asked = [turn.message.content for turn in self.conversation.path if turn.message.role == "user"]
        return asked[-1] if asked else ""

    @property
    def discarded(self) -> bool:
        """True if the newest reply was another version and stayed empty: the version before is shown again."""
        nothing = self.reply is not None and not self.reply.count and self.reply.ending != "stop"
        return self._is_alternative and nothing and not self.busy

    def clear(self) -> None:
        """Start a new conversation."""
        self.conversation, self.reply, self.used, self.origins = Conversation(), None, 0, {}

    def start_reply(
        self, reply_id: str, seed: int, *, instead_of: int | None = None, prefix: Prefix | None = None
    ) -> ReplyRequest:
        """Start a reply to the last question and build its request.

        `instead_of` is the turn that it is another version of, `prefix` the part that exists already.
        """
        self.origin, self._before = ReplyOrigin(self.preset, self.load), self.conversation
        if instead_of is not None:
            self.conversation = until(self.conversation, self.conversation.turns[instead_of].parent)
        self._is_alternative = instead_of is not None
        self.reply, self.refused = RunningReply(reply_id, self.pair.turn("seed", seed), prefix), {}
        there = (Message("assistant", prefix.message, prefix.tokens),) if prefix else ()
        template, pair = self.preset.template or "", self.reply.pair
        return ReplyRequest(
            reply_id, (*self.messages, *there), pair.answer, template=template, thinking=pair.while_thinking
        )

    def on_token(self, event: Token) -> None:
        """Add a token to the running reply."""
        if self.reply:
            self.reply.append(event)
            self.used = event.used

    def on_thinking(self, event: Thinking) -> None:
        """Set the extent of the thought; it begins or ends with the next token."""
        if self.reply:
            self.reply.thought = event.thought

    def on_knobs_turned(self, event: KnobsTurned) -> None:
        """Record that the engine uses other knobs from a token on."""
        if self.reply:
            self.reply.knob_changes.append(KnobChange(event.index, event.after))

    def on_refused(self, event: Refused) -> None:
        """Record why the engine refused the latest turn of the knobs."""
        if self.reply:
            self.refused |= dict.fromkeys(self.reply.knobs.differing(self.reply.applied_knobs), event.reason)

    def mark_refused(self, reason: str) -> None:
        """Record that the engine refused a knob, if `reason` begins with the name of one and a colon."""
        name = reason.partition(":")[0]
        if name in KNOBS:
            self.refused[name] = reason

    def on_finished(self, event: Finished) -> None:
        """Complete the reply with the engine's final text and tokens."""
        if self.reply:
            prefix = self.reply.prefix or Prefix("")
            self.reply.stats, self.reply.thought = event.stats, event.thought
            tokens = () if self.reply.first_index else (*prefix.tokens, *event.tokens)
            if event.ending == "stop" and not self.reply.count:
                tokens = tokens[:-1]  # the candidate chosen for the branch was the end token
            self._complete(prefix.text + event.text, event.ending, tokens)

    def end_reply(self, ending: Ending) -> None:
        """Complete a running reply without the engine; its text stays."""
        if self.reply and self.busy:
            self._complete(self.reply.text, ending, () if self.reply.first_index else tuple(self.reply.ids))

    def _complete(self, text: str, ending: Ending, tokens: tuple[int, ...] = ()) -> None:
        if not self.reply:
            return
        self.reply.text, self.reply.ending = text, ending
        if self.discarded:
            self.conversation = self._before
        else:
            record = self.reply.record(self.origin.preset)
            self.origins[len(self.conversation.turns)] = self.origin
            self.conversation = answer(self.conversation, text, ending, tokens, record)


def describe_turn(before: Knobs, after: Knobs) -> str:
    """Return the difference in words, such as `temperature 0.8→1.4`."""
    return ", ".join(
        f"{name} {KNOBS[name].show(getattr(before, name))}→{KNOBS[name].show(getattr(after, name))}"
        for name in after.differing(before)
    )


def restore_setting(row: SideRow) -> ResolvedSetting:
    """Return a stored side's preset and knobs, with its own system prompt and model; raises TwiddleError."""
    chosen = resolve(read_setting(row.setting), row.model or STARTER)
    preset = chosen.preset
    if row.system not in (None, preset.system):
        preset = with_parts(preset, system=row.system)
    if row.model not in ("", preset.model):
        preset = with_parts(preset, model=row.model)
    return replace(chosen, preset=preset)
