"""A side: one setting being talked to, with its conversation and the reply it is writing."""

import time
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from tui.conversation.conversation import Conversation, Ending, Message, answer, ask, edit, go, until
from tui.conversation.reply_record import KnobChange, Prefix, ReplyRecord, Stats
from tui.conversation.thinking import Thought
from tui.conversation.trace import TokenTrace
from tui.engine.protocol import Finished, KnobsTurned, Load, Refused, ReplyRequest, Thinking, Token
from tui.knobs.load_knobs import LoadKnobs
from tui.knobs.pair import KnobPair
from tui.knobs.setting import Setting
from tui.knobs.table import KNOBS, Knobs, fixed, knob
from tui.presets.library import ResolvedSetting
from tui.presets.preset import Preset
from tui.session.undo import UndoHistory


class RunningReply:
    """A reply while it is written, and until the next one begins."""

    def __init__(self, reply_id: str, pair: KnobPair, prefix: Prefix | None = None) -> None:
        """`onto` is what is there of it already."""
        before = (prefix and prefix.record) or ReplyRecord("", "", pair.answer)
        self.id, self.pair, self.prefix = reply_id, pair, prefix
        self.text = prefix.text if prefix else ""
        self.first_index = before.first_index
        """The index of the first token of `traces`: above 0 where a person wrote what comes before."""
        self.traces: list[TokenTrace] = list(before.traces)
        """How every token was chosen, the one that ended the reply included."""
        self.offsets: list[int] = list(before.offsets)
        """Where in the text each of them begins."""
        self.records: list[bytes] = list(before.records)
        self.inherited = len(self.traces)
        """How many of them were there before."""
        self.requested = pair
        """The knobs that it was asked for with."""
        self.thought: Thought | None = None
        """What of its text is thought."""
        self.knob_changes: list[KnobChange] = []
        """How they were turned since."""
        self.ending: Ending | None = None
        self.stats: Stats | None = None
        self._began = self._first = self._last = time.perf_counter()

    @property
    def knobs(self) -> Knobs:
        """The knobs for its answer."""
        return self.pair.answer

    @property
    def ids(self) -> list[int]:
        """Every token chosen, the one that ended the reply included."""
        return [trace.id for trace in self.traces]

    @property
    def trace(self) -> TokenTrace | None:
        """How the newest token was chosen."""
        return self.traces[-1] if self.traces else None

    @property
    def applied_knobs(self) -> Knobs:
        """What the engine writes it with: a turn may be refused."""
        return self.knob_changes[-1].knobs if self.knob_changes else self.requested.answer

    @property
    def count(self) -> int:
        """How many tokens were written since it was asked for."""
        return len(self.traces) - self.inherited

    @property
    def rate(self) -> float | None:
        """Tokens a second so far."""
        seconds = self._last - self._first
        return (self.count - 1) / seconds if seconds > 0 else None

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request to the first token."""
        return (self._first - self._began) * 1000 if self.count else None

    def append(self, token: Token) -> None:
        """Take in the next token."""
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
        """What is kept of it."""
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
    """What a reply is written from beside what is said: both may be others by the time that it is done."""

    preset: Preset
    load: Load | None


class Side:
    """One setting being talked to. It owns what is turned and what is said; the engine holds only caches."""

    def __init__(
        self, chosen: ResolvedSetting, load: Load | None = None, conversation: Conversation | None = None
    ) -> None:
        self.preset = chosen.preset
        self.pair = chosen.pair
        self.load = load
        """What the engine that it talks to was told to load; None before `Talk.settle` finds it one."""
        self.loaded_for = self.needs if load else None
        """What it needed then: a model file is looked at again where that is another by now."""
        self.undo_history: UndoHistory[KnobPair] = UndoHistory()
        """How the knobs came to stand where they do."""
        self.refused: dict[str, str] = {}
        """The knobs that the engine could not take as they stand, each with its reason."""
        self.conversation = conversation or Conversation()
        self.reply: RunningReply | None = None
        """The newest reply."""
        self.used = 0
        """Context tokens it occupies."""
        self.origin = ReplyOrigin(self.preset, load)
        """That of the newest reply."""
        self.origins: dict[int, ReplyOrigin] = {}
        """Those of the replies that were written here, by their places in the conversation."""
        self._before, self._is_alternative = self.conversation, False
        """The conversation before a reply, and whether it stands beside another."""

    @property
    def busy(self) -> bool:
        """Whether a reply is being written."""
        return self.reply is not None and self.reply.ending is None

    @property
    def needs(self) -> tuple[str, Path | None, LoadKnobs]:
        """What decides which engine it needs: the model that its preset names, and the knobs it is loaded with."""
        return self.preset.model, self.preset.path, fixed(self.knobs)

    @property
    def knobs(self) -> Knobs:
        """Knobs for the answer."""
        return self.pair.answer

    @property
    def turned(self) -> tuple[str, ...]:
        """The knobs that are not where the preset has them."""
        return self.pair.differing(self.preset.pair)

    @property
    def title(self) -> str:
        """The preset and what is turned away from it."""
        changes = (f"{name} {knob(name).show(self.pair.value(name))}" for name in self.turned)
        return " · ".join((self.preset.name, *changes))

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything the model is to read."""
        return self.preset.opening + self.conversation.messages

    def use_preset(self, preset: Preset, pair: KnobPair | None = None) -> None:
        """Switch the preset: its knobs, or these, and its system prompt hold from the next reply on."""
        self.undo_history = self.undo_history.push(self.pair)
        self.preset, self.refused = preset, {}
        self.pair = pair or preset.pair

    def set_pair(self, pair: KnobPair, stroke: object = None) -> None:
        """Put the knobs where these are, also those of the reply being written.

        Turns of one `stroke`, such as a drag, are one step to take back.
        """
        if pair != self.pair:
            self.undo_history = self.undo_history.push(self.pair, stroke)
            self._set_pair(pair)

    def step(self, steps: UndoHistory[KnobPair], pair: KnobPair) -> None:
        """Go a step back, or again, to where the knobs were."""
        self.undo_history = steps
        self._set_pair(pair)

    def _set_pair(self, pair: KnobPair) -> None:
        changed = pair.differing(self.pair)
        self.pair = pair
        for name in changed:
            self.refused.pop(name, None)
        if self.busy and self.reply:
            # Those alone: the preset may have been switched for the next reply.
            for name in changed:
                self.reply.pair = self.reply.pair.turn(name, pair.value(name))

    def fork(self, turn: int | None = None) -> "Side":
        """Another side that stands where this one does, or at a turn of its conversation."""
        here = self.conversation if turn is None else until(self.conversation, turn)
        other = Side(ResolvedSetting(Setting(), self.preset, self.pair), self.load, here)
        other.used, other.origins = self.used, dict(self.origins)
        return other

    @property
    def question(self) -> str:
        """What was asked last."""
        asked = [turn.message.content for turn in self.conversation.path if turn.message.role == "user"]
        return asked[-1] if asked else ""

    @property
    def discarded(self) -> bool:
        """Whether nothing came of the newest reply, which was to stand beside another: that one is there again."""
        nothing = self.reply is not None and not self.reply.count and self.reply.ending != "stop"
        return self._is_alternative and nothing and not self.busy

    def clear(self) -> None:
        """Begin a new conversation."""
        self.conversation, self.reply, self.used, self.origins = Conversation(), None, 0, {}

    def ask(self, text: str) -> None:
        """Add a question."""
        self.conversation = ask(self.conversation, text)

    def edit(self, index: int, text: str) -> None:
        """Put another wording of a turn beside it."""
        self.conversation = edit(self.conversation, index, text)

    def go(self, index: int) -> None:
        """Read on through another version of a turn."""
        self.conversation = go(self.conversation, index)

    def start_reply(
        self, reply_id: str, seed: int, *, instead_of: int | None = None, prefix: Prefix | None = None
    ) -> ReplyRequest:
        """Start a reply to the last question: what to ask the engine for.

        `instead_of` is the reply that it is to stand beside, `onto` what is there of it already.
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

    def on_token(self, event: Token | Thinking) -> None:
        """Take in a token, or that a thought begins or ends with the next."""
        if isinstance(event, Thinking) and self.reply:
            self.reply.thought = event.thought
        elif isinstance(event, Token) and self.reply:
            self.reply.append(event)
            self.used = event.used

    def on_knobs(self, event: KnobsTurned | Refused) -> None:
        """Take in whether a turn of the knobs is taken."""
        if not self.reply:
            return
        if isinstance(event, KnobsTurned):
            self.reply.knob_changes.append(KnobChange(event.index, event.after))
        else:
            self.refused |= dict.fromkeys(self.reply.knobs.differing(self.reply.applied_knobs), event.reason)

    def mark_refused(self, reason: str) -> None:
        """Take in that the engine could not use a knob, where the reason begins with its name."""
        name = reason.partition(":")[0]
        if name in KNOBS:
            self.refused[name] = reason

    def on_finished(self, event: Finished) -> None:
        """Take in the end of the reply."""
        if self.reply:
            there = self.reply.prefix or Prefix("")
            self.reply.stats, self.reply.thought = event.stats, event.thought
            tokens = () if self.reply.first_index else (*there.tokens, *event.tokens)
            if event.ending == "stop" and not self.reply.count:
                tokens = tokens[:-1]  # the token put there was the one that ends a reply
            self._close(there.text + event.text, event.ending, tokens)

    def end_reply(self, ending: Ending) -> None:
        """Close a reply that the engine will not end; its text stays."""
        if self.reply and self.busy:
            self._close(self.reply.text, ending, () if self.reply.first_index else tuple(self.reply.ids))

    def _close(self, text: str, ending: Ending, tokens: tuple[int, ...] = ()) -> None:
        if not self.reply:
            return
        self.reply.text, self.reply.ending = text, ending
        if self.discarded:
            self.conversation = self._before
        else:
            written = self.reply.record(self.origin.preset)
            self.origins[len(self.conversation.turns)] = self.origin
            self.conversation = answer(self.conversation, text, ending, tokens, written)


def describe_turn(before: Knobs, after: Knobs) -> str:
    """What a change of knobs did, such as `temperature 0.8→1.4`."""
    return ", ".join(
        f"{name} {KNOBS[name].show(getattr(before, name))}→{KNOBS[name].show(getattr(after, name))}"
        for name in after.differing(before)
    )
