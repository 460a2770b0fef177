"""A talk: what a person says to one side or to several at once, and what the engine says back."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from tui.engine.protocol import (
    Command,
    Died,
    Event,
    Failed,
    Finished,
    Generate,
    KnobsTurned,
    Load,
    Preview,
    Previewed,
    Refused,
    SetKnobs,
    Stop,
    Token,
)
from tui.errors import EngineError, KnobError, ModelError
from tui.knob import Value
from tui.knobs import KNOBS, Knobs, common_seed, fixed, knob, turn
from tui.models.reference import find_model
from tui.presets.preset import Preset
from tui.side import Side
from tui.steps import Steps
from tui.trace import TokenTrace


class Talk:
    """Between the sides and an engine: it asks for replies and keeps each side up to date with what comes."""

    def __init__(self, sides: Sequence[Side], send: Callable[[Command], None]) -> None:
        self.sides = list(sides)
        self._send = send
        self._ids = map(str, count(1))
        self._looks: dict[str, Side] = {}
        self.next: TokenTrace | None = None
        """The answer to the latest look at the next token."""

    @property
    def busy(self) -> bool:
        """Whether any side is writing."""
        return any(side.busy for side in self.sides)

    def load(self) -> Load:
        """What the engine has to load for these sides; raises ModelError."""
        loads = {
            Load(str(find_model(side.preset.model, _folder(side.preset))), fixed(side.knobs)) for side in self.sides
        }
        if len(loads) > 1:
            raise ModelError(
                "These sides need two models, or one loaded in two ways, and the screen holds one: "
                "`twiddle compare A B -p PROMPT` compares them without it."
            )
        return loads.pop()

    def ask(self, text: str) -> None:
        """Put a question to every side; raises EngineError."""
        for side in self.sides:
            side.ask(text)
        self.reply()

    def reply(self) -> None:
        """Have every side answer its last question, with one seed where none is set."""
        self._looks, self.next = {}, None
        common = common_seed(*(side.knobs for side in self.sides))
        seeds = [side.knobs.seed if side.knobs.seed >= 0 else common for side in self.sides]
        replies = tuple(side.begin(next(self._ids), seed) for side, seed in zip(self.sides, seeds, strict=True))
        self._send(Generate(replies))

    def clear(self) -> None:
        """Begin a new conversation on every side. What was being written is ended and forgotten."""
        self.stop()
        for side in self.sides:
            side.forget()

    def stop(self, only: Side | None = None) -> None:
        """Ask every reply being written to end, or only that of one side."""
        for side in [only] if only else self.sides:
            if side.busy and side.writing:
                self._mention(Stop(side.writing.id))

    def turn(self, side: Side, name: str, value: Value, stroke: object = None) -> None:
        """Turn a knob; a reply being written takes it at its next token. Raises KnobError and EngineError.

        Turns of one `stroke`, such as a drag, are one step to take back.
        """
        self.put(side, turn(side.knobs, **{name: value}), stroke)

    def put(self, side: Side, knobs: Knobs, stroke: object = None) -> None:
        """Put all knobs of a side where these are, as if each had been turned; raises EngineError."""
        self._check_free(side.knobs, knobs)
        side.put(knobs, stroke)
        self._share(side)

    def reset(self, side: Side) -> None:
        """Put all knobs of a side back to its preset; raises EngineError."""
        self.put(side, side.preset.knobs)

    def copy(self, side: Side) -> None:
        """Put the knobs of the other sides where this one has them; raises EngineError."""
        others = [each for each in self.sides if each is not side]
        if not others:
            raise EngineError("There is no other side to copy the knobs to; F3 opens one.")
        for other in others:
            self.put(other, side.knobs)

    def undo(self, side: Side) -> None:
        """Take the last turn of a side's knobs back; raises KnobError and EngineError."""
        self._step(side, side.steps.back(side.knobs), "There is no turn of a knob to take back.")

    def redo(self, side: Side) -> None:
        """Make the turn that was taken back last once more; raises KnobError and EngineError."""
        self._step(side, side.steps.again(side.knobs), "There is no turn of a knob to make again.")

    def _step(self, side: Side, step: tuple[Steps[Knobs], Knobs] | None, without: str) -> None:
        if not step:
            raise KnobError(without)
        self._check_free(side.knobs, step[1])
        side.step(*step)
        self._share(side)

    def _check_free(self, before: Knobs, after: Knobs) -> None:
        """That the model can be loaded anew now, if that is what this change asks for; raises EngineError."""
        binding = [name for name in after.differing(before) if not knob(name).live]
        if self.busy and binding:
            raise EngineError(f"{binding[0]} loads the model anew; a reply is being written, so press Esc first.")

    def _share(self, side: Side) -> None:
        """Tell of a side's knobs: the engine, and the other sides, since a model is loaded in one way for all."""
        for other in self.sides:
            binding = {name: getattr(side.knobs, name) for name in KNOBS if not KNOBS[name].live}
            other.put(turn(other.knobs, **binding))
        if side.busy and side.writing:
            self._mention(SetKnobs(side.writing.id, side.writing.knobs))

    def look(self, side: Side) -> None:
        """Ask how the next token would be chosen, unless a reply is being written."""
        if self.busy:
            return
        look = next(self._ids)
        self._looks, self.next = {look: side}, None
        self._mention(Preview(look, side.messages, side.knobs, side.preset.template or ""))

    def take(self, event: Event) -> Side | None:
        """Bring the sides up to date with an event; the side it is about, if there is one."""
        if isinstance(event, Previewed):
            side = self._looks.pop(event.id, None)
            if side:
                self.next, side.used = event.trace, event.used
            return side
        if isinstance(event, Failed) and event.id in self._looks:
            self._looks.pop(event.id).refuse(event.reason)
            return None
        if isinstance(event, Died):
            for side in self.sides:
                side.give_up("died")
            return None
        side = self._writer(event)
        match event:
            case Token() if side:
                side.note(event)
            case Finished() if side:
                side.end(event)
            case KnobsTurned() | Refused() if side:
                side.heed(event)
            case Failed() if side:
                side.refuse(event.reason)
                side.give_up("failed")
        return side

    def parted(self) -> int | None:
        """Index of the newest token that the first two sides both have, if they differ there."""
        if len(self.sides) < 2:
            return None
        left, right = (side.writing.ids if side.writing else [] for side in self.sides[:2])
        newest = min(len(left), len(right)) - 1
        return newest if newest >= 0 and left[newest] != right[newest] else None

    def _mention(self, command: Command) -> None:
        """Send what a dead engine need not hear; that it died is an event of its own."""
        with suppress(EngineError):
            self._send(command)

    def _writer(self, event: Event) -> Side | None:
        reply_id = getattr(event, "id", None)
        return next((side for side in self.sides if side.writing and side.writing.id == reply_id), None)


def _folder(preset: Preset) -> Path | None:
    return preset.path.parent if preset.path else None
