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

    def __init__(self, reply_id: str, stand: KnobPair, onto: Prefix | None = None) -> None:
        """`onto` is what is there of it already."""
        before = (onto and onto.written) or ReplyRecord("", "", stand.knobs)
        self.id, self.stand, self.onto = reply_id, stand, onto
        self.text = onto.text if onto else ""
        self.begun = before.begun
        """The index of the first token of `traces`: above 0 where a person wrote what comes before."""
        self.traces: list[TokenTrace] = list(before.traces)
        """How every token was chosen, the one that ended the reply included."""
        self.starts: list[int] = list(before.starts)
        """Where in the text each of them begins."""
        self.records: list[bytes] = list(before.records)
        self.given = len(self.traces)
        """How many of them were there before."""
        self.asked = stand
        """The knobs that it was asked for with."""
        self.thought: Thought | None = None
        """What of its text is thought."""
        self.lane: list[KnobChange] = []
        """How they were turned since."""
        self.ending: Ending | None = None
        self.stats: Stats | None = None
        self._began = self._first = self._last = time.perf_counter()

    @property
    def knobs(self) -> Knobs:
        """The knobs for its answer."""
        return self.stand.knobs

    @property
    def ids(self) -> list[int]:
        """Every token chosen, the one that ended the reply included."""
        return [trace.id for trace in self.traces]

    @property
    def trace(self) -> TokenTrace | None:
        """How the newest token was chosen."""
        return self.traces[-1] if self.traces else None

    @property
    def acting(self) -> Knobs:
        """What the engine writes it with: a turn may be refused."""
        return self.lane[-1].knobs if self.lane else self.asked.knobs

    @property
    def count(self) -> int:
        """How many tokens were written since it was asked for."""
        return len(self.traces) - self.given

    @property
    def rate(self) -> float | None:
        """Tokens a second so far."""
        seconds = self._last - self._first
        return (self.count - 1) / seconds if seconds > 0 else None

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request to the first token."""
        return (self._first - self._began) * 1000 if self.count else None

    def note(self, token: Token) -> None:
        """Take in the next token."""
        self._last = time.perf_counter()
        if not self.count:
            self._first = self._last
            self.begun = token.index - self.given
        self.starts.append(len(self.text))
        self.traces.append(token.trace)
        self.records.append(token.record)
        self.text += token.text
        if self.thought and self.thought.end is None:
            self.thought = replace(self.thought, tokens=self.thought.tokens + 1)

    def written(self, preset: Preset) -> ReplyRecord:
        """What is kept of it."""
        return ReplyRecord(
            preset=preset.name,
            model=preset.model,
            knobs=self.asked.knobs,
            template=preset.template or "",
            thinking=self.asked.thinking,
            given=self.given,
            begun=self.begun,
            lane=tuple(self.lane),
            starts=tuple(self.starts),
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
        self.knobs = chosen.knobs
        self.apart = chosen.apart
        """The knobs that are turned for the thought alone."""
        self.load = load
        """What the engine that it talks to was told to load; None before `Talk.settle` finds it one."""
        self.settled = self.needs if load else None
        """What it needed then: a model file is looked at again where that is another by now."""
        self.steps: UndoHistory[KnobPair] = UndoHistory()
        """How the knobs came to stand where they do."""
        self.refused: dict[str, str] = {}
        """The knobs that the engine could not take as they stand, each with its reason."""
        self.conversation = conversation or Conversation()
        self.writing: RunningReply | None = None
        """The newest reply."""
        self.used = 0
        """Context tokens it occupies."""
        self.origin = ReplyOrigin(self.preset, load)
        """That of the newest reply."""
        self.origins: dict[int, ReplyOrigin] = {}
        """Those of the replies that were written here, by their places in the conversation."""
        self._before, self._beside = self.conversation, False
        """The conversation before a reply, and whether it stands beside another."""

    @property
    def busy(self) -> bool:
        """Whether a reply is being written."""
        return self.writing is not None and self.writing.ending is None

    @property
    def needs(self) -> tuple[str, Path | None, LoadKnobs]:
        """What decides which engine it needs: the model that its preset names, and the knobs it is loaded with."""
        return self.preset.model, self.preset.path, fixed(self.knobs)

    @property
    def stand(self) -> KnobPair:
        """How all its knobs stand."""
        return KnobPair(self.knobs, self.apart)

    @property
    def turned(self) -> tuple[str, ...]:
        """The knobs that are not where the preset has them."""
        return self.stand.differing(self.preset.stand)

    @property
    def title(self) -> str:
        """The preset and what is turned away from it."""
        changes = (f"{name} {knob(name).show(self.stand.of(name))}" for name in self.turned)
        return " · ".join((self.preset.name, *changes))

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything the model is to read."""
        return self.preset.opening + self.conversation.messages

    def use(self, preset: Preset, stand: KnobPair | None = None) -> None:
        """Switch the preset: its knobs, or these, and its system prompt hold from the next reply on."""
        self.steps = self.steps.left(self.stand)
        self.preset, self.refused = preset, {}
        self.knobs, self.apart = stand or preset.stand

    def put(self, stand: KnobPair, stroke: object = None) -> None:
        """Put the knobs where these are, also those of the reply being written.

        Turns of one `stroke`, such as a drag, are one step to take back.
        """
        if stand != self.stand:
            self.steps = self.steps.left(self.stand, stroke)
            self._stand(stand)

    def step(self, steps: UndoHistory[KnobPair], stand: KnobPair) -> None:
        """Go a step back, or again, to where the knobs were."""
        self.steps = steps
        self._stand(stand)

    def _stand(self, stand: KnobPair) -> None:
        changed = stand.differing(self.stand)
        self.knobs, self.apart = stand
        for name in changed:
            self.refused.pop(name, None)
        if self.busy and self.writing:
            # Those alone: the preset may have been switched for the next reply.
            for name in changed:
                self.writing.stand = self.writing.stand.turn(name, stand.of(name))

    def fork(self, turn: int | None = None) -> "Side":
        """Another side that stands where this one does, or at a turn of its conversation."""
        here = self.conversation if turn is None else until(self.conversation, turn)
        other = Side(ResolvedSetting(Setting(), self.preset, self.knobs, self.apart), self.load, here)
        other.used, other.origins = self.used, dict(self.origins)
        return other

    @property
    def question(self) -> str:
        """What was asked last."""
        asked = [turn.message.content for turn in self.conversation.path if turn.message.role == "user"]
        return asked[-1] if asked else ""

    @property
    def undone(self) -> bool:
        """Whether nothing came of the newest reply, which was to stand beside another: that one is there again."""
        nothing = self.writing is not None and not self.writing.count and self.writing.ending != "stop"
        return self._beside and nothing and not self.busy

    def forget(self) -> None:
        """Begin a new conversation."""
        self.conversation, self.writing, self.used, self.origins = Conversation(), None, 0, {}

    def ask(self, text: str) -> None:
        """Add a question."""
        self.conversation = ask(self.conversation, text)

    def edit(self, index: int, text: str) -> None:
        """Put another wording of a turn beside it."""
        self.conversation = edit(self.conversation, index, text)

    def go(self, index: int) -> None:
        """Read on through another version of a turn."""
        self.conversation = go(self.conversation, index)

    def begin(
        self, reply_id: str, seed: int, *, instead_of: int | None = None, onto: Prefix | None = None
    ) -> ReplyRequest:
        """Start a reply to the last question: what to ask the engine for.

        `instead_of` is the reply that it is to stand beside, `onto` what is there of it already.
        """
        self.origin, self._before = ReplyOrigin(self.preset, self.load), self.conversation
        if instead_of is not None:
            self.conversation = until(self.conversation, self.conversation.turns[instead_of].parent)
        self._beside = instead_of is not None
        self.writing, self.refused = RunningReply(reply_id, self.stand.turn("seed", seed), onto), {}
        there = (Message("assistant", onto.message, onto.tokens),) if onto else ()
        template, stand = self.preset.template or "", self.writing.stand
        return ReplyRequest(reply_id, (*self.messages, *there), stand.knobs, template=template, thinking=stand.thinking)

    def note(self, event: Token | Thinking) -> None:
        """Take in a token, or that a thought begins or ends with the next."""
        if isinstance(event, Thinking) and self.writing:
            self.writing.thought = event.thought
        elif isinstance(event, Token) and self.writing:
            self.writing.note(event)
            self.used = event.used

    def heed(self, event: KnobsTurned | Refused) -> None:
        """Take in whether a turn of the knobs is taken."""
        if not self.writing:
            return
        if isinstance(event, KnobsTurned):
            self.writing.lane.append(KnobChange(event.index, event.after))
        else:
            self.refused |= dict.fromkeys(self.writing.knobs.differing(self.writing.acting), event.reason)

    def refuse(self, reason: str) -> None:
        """Take in that the engine could not use a knob, where the reason begins with its name."""
        name = reason.partition(":")[0]
        if name in KNOBS:
            self.refused[name] = reason

    def end(self, event: Finished) -> None:
        """Take in the end of the reply."""
        if self.writing:
            there = self.writing.onto or Prefix("")
            self.writing.stats, self.writing.thought = event.stats, event.thought
            tokens = () if self.writing.begun else (*there.tokens, *event.tokens)
            if event.ending == "stop" and not self.writing.count:
                tokens = tokens[:-1]  # the token put there was the one that ends a reply
            self._close(there.text + event.text, event.ending, tokens)

    def give_up(self, ending: Ending) -> None:
        """Close a reply that the engine will not end; its text stays."""
        if self.writing and self.busy:
            self._close(self.writing.text, ending, () if self.writing.begun else tuple(self.writing.ids))

    def _close(self, text: str, ending: Ending, tokens: tuple[int, ...] = ()) -> None:
        if not self.writing:
            return
        self.writing.text, self.writing.ending = text, ending
        if self.undone:
            self.conversation = self._before
        else:
            written = self.writing.written(self.origin.preset)
            self.origins[len(self.conversation.turns)] = self.origin
            self.conversation = answer(self.conversation, text, ending, tokens, written)


def describe_turn(before: Knobs, after: Knobs) -> str:
    """What a change of knobs did, such as `temperature 0.8→1.4`."""
    return ", ".join(
        f"{name} {KNOBS[name].show(getattr(before, name))}→{KNOBS[name].show(getattr(after, name))}"
        for name in after.differing(before)
    )
