"""A side: one setting being talked to, with its conversation and the reply it is writing."""

import time

from msgspec.structs import replace

from tui.chat import Conversation, Ending, Message, answer, ask, retract
from tui.engine.protocol import Finished, KnobsTurned, Refused, Reply, Stats, Token
from tui.knob import Value
from tui.knobs import KNOBS, Knobs, turn
from tui.presets.library import Chosen
from tui.presets.preset import Preset
from tui.settings import Setting
from tui.steps import Steps
from tui.trace import TokenTrace


class Writing:
    """A reply while it is written, and until the next one begins."""

    def __init__(self, reply_id: str, knobs: Knobs) -> None:
        self.id, self.knobs = reply_id, knobs
        self.acting = knobs
        """What the engine writes it with: a turn may be refused."""
        self.text = ""
        self.ids: list[int] = []
        """Every token chosen, the one that ended the reply included."""
        self.starts: list[int] = []
        """Where in the text each of them begins."""
        self.trace: TokenTrace | None = None
        """How the newest token was chosen."""
        self.ending: Ending | None = None
        self.stats: Stats | None = None
        self._asked = self._first = self._last = time.perf_counter()

    @property
    def rate(self) -> float | None:
        """Tokens a second so far."""
        seconds = self._last - self._first
        return (len(self.ids) - 1) / seconds if seconds > 0 else None

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request to the first token."""
        return (self._first - self._asked) * 1000 if self.ids else None

    def note(self, token: Token) -> None:
        """Take in the next token."""
        self._last = time.perf_counter()
        if not self.ids:
            self._first = self._last
        self.ids.append(token.trace.id)
        self.starts.append(len(self.text))
        self.text += token.text
        self.trace = token.trace


class Side:
    """One setting being talked to. It owns what is turned and what is said; the engine holds only caches."""

    def __init__(self, chosen: Chosen, conversation: Conversation | None = None) -> None:
        self.preset = chosen.preset
        self.knobs = chosen.knobs
        self.steps: Steps[Knobs] = Steps()
        """How the knobs came to stand where they do."""
        self.refused: dict[str, str] = {}
        """The knobs that the engine could not take as they stand, each with its reason."""
        self.conversation = conversation or Conversation()
        self.writing: Writing | None = None
        """The newest reply."""
        self.used = 0
        """Context tokens it occupies."""

    @property
    def busy(self) -> bool:
        """Whether a reply is being written."""
        return self.writing is not None and self.writing.ending is None

    @property
    def turned(self) -> tuple[str, ...]:
        """The knobs that are not where the preset has them."""
        return self.knobs.differing(self.preset.knobs)

    @property
    def title(self) -> str:
        """The preset and what is turned away from it."""
        changes = (f"{name} {KNOBS[name].show(getattr(self.knobs, name))}" for name in self.turned)
        return " · ".join((self.preset.name, *changes))

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything the model is to read."""
        return self.preset.opening + self.conversation.messages

    def use(self, preset: Preset) -> None:
        """Switch the preset: its knobs and system prompt hold from the next reply on; the conversation stays."""
        self.steps = self.steps.left(self.knobs)
        self.preset, self.knobs, self.refused = preset, preset.knobs, {}

    def turn(self, name: str, value: Value) -> None:
        """Turn a knob, also of the reply being written; raises KnobError."""
        self.put(turn(self.knobs, **{name: value}))

    def put(self, knobs: Knobs, stroke: object = None) -> None:
        """Put the knobs where these are, also those of the reply being written.

        Turns of one `stroke`, such as a drag, are one step to take back.
        """
        if knobs != self.knobs:
            self.steps = self.steps.left(self.knobs, stroke)
            self._stand(knobs)

    def step(self, steps: Steps[Knobs], knobs: Knobs) -> None:
        """Go a step back, or again, to where the knobs were."""
        self.steps = steps
        self._stand(knobs)

    def _stand(self, knobs: Knobs) -> None:
        changed = {name: getattr(knobs, name) for name in knobs.differing(self.knobs)}
        self.knobs = knobs
        for name in changed:
            self.refused.pop(name, None)
        if self.busy and self.writing:
            # Those alone: the preset may have been switched for the next reply.
            self.writing.knobs = turn(self.writing.knobs, **changed)

    def fork(self) -> "Side":
        """Another side that stands where this one does."""
        other = Side(Chosen(setting=Setting(), preset=self.preset, knobs=self.knobs), self.conversation)
        other.used = self.used
        return other

    @property
    def question(self) -> str:
        """What was asked last."""
        asked = [turn.message.content for turn in self.conversation.path if turn.message.role == "user"]
        return asked[-1] if asked else ""

    def forget(self) -> None:
        """Begin a new conversation."""
        self.conversation, self.writing, self.used = Conversation(), None, 0

    def ask(self, text: str) -> None:
        """Add a question."""
        self.conversation = ask(self.conversation, text)

    def retract(self) -> None:
        """Go back to the last question, for another answer."""
        self.conversation = retract(self.conversation)

    def begin(self, reply_id: str, seed: int) -> Reply:
        """Start the reply to the last question: what to ask the engine for."""
        self.writing, self.refused = Writing(reply_id, replace(self.knobs, seed=seed)), {}
        return Reply(reply_id, self.messages, self.writing.knobs, template=self.preset.template or "")

    def note(self, event: Token) -> None:
        """Take in a token."""
        if self.writing:
            self.writing.note(event)
            self.used = event.used

    def heed(self, event: KnobsTurned | Refused) -> None:
        """Take in whether a turn of the knobs is taken."""
        if not self.writing:
            return
        if isinstance(event, KnobsTurned):
            self.writing.acting = event.after
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
            self.writing.stats = event.stats
            self._close(event.text, event.ending, event.tokens)

    def give_up(self, ending: Ending) -> None:
        """Close a reply that the engine will not end; its text stays."""
        if self.writing and self.busy:
            self._close(self.writing.text, ending)

    def _close(self, text: str, ending: Ending, tokens: tuple[int, ...] = ()) -> None:
        if self.writing:
            self.writing.text, self.writing.ending = text, ending
        self.conversation = answer(self.conversation, text, ending, tokens)


def describe_turn(event: KnobsTurned) -> str:
    """What a change of knobs did, such as `temperature 0.8→1.4`."""
    return ", ".join(
        f"{name} {KNOBS[name].show(getattr(event.before, name))}→{KNOBS[name].show(getattr(event.after, name))}"
        for name in event.after.differing(event.before)
    )
