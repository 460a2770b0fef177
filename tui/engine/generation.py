"""One running reply: its knobs, what it has written, and when it ends."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from tui.chat import Ending
from tui.engine.backend import Backend
from tui.engine.odds import Odds
from tui.engine.protocol import (
    Event,
    Failed,
    Finished,
    KnobsTurned,
    Prefill,
    Preview,
    Previewed,
    Reply,
    Stats,
    Token,
)
from tui.engine.sampling import Chain, draw
from tui.engine.text import StopTexts, Utf8
from tui.knobs import Knobs

Emit = Callable[[Event], None]


class Reader(Protocol):
    """Whoever waits for the logits after a run of tokens."""

    id: str
    knobs: Knobs

    def prepare(self, history: Sequence[int]) -> Chain:
        """The stages to choose with, once every change asked for has taken effect."""

    @property
    def chance(self) -> float:
        """The random number for XTC at the next token."""

    def take(self, odds: Odds, used: int) -> int | None:
        """The token to go on with, or None when there is nothing more to read. `used` is the context taken so far."""

    def waiting(self, done: int, total: int) -> None:
        """Be told how much of the prompt is evaluated."""

    def fail(self, reason: str) -> None:
        """Be told that the logits will not come."""


class Generation:
    """One running reply."""

    def __init__(self, reply: Reply, prompt: int, reused: int, backend: Backend, emit: Emit) -> None:
        """`prompt` and `reused` are counts of tokens."""
        self.id, self.knobs = reply.id, reply.knobs
        self._prompt, self._reused = prompt, reused
        self._backend, self._emit = backend, emit
        self._asked: Knobs | None = None
        self._chain: Chain | None = None
        self._utf8, self._stops = Utf8(), StopTexts(reply.knobs.stop)
        self._tokens: list[int] = []
        self._count = 0
        self._text = ""
        self._started = time.perf_counter()
        self._first = self._last = 0.0

    def turn(self, knobs: Knobs) -> None:
        """Ask for other knobs from the next token on. A seed left unset keeps the one being drawn with."""
        self._asked = replace(knobs, seed=self.knobs.seed) if knobs.seed < 0 else knobs

    def prepare(self, history: Sequence[int]) -> Chain:
        if self._asked and self._asked != self.knobs:
            self._emit(KnobsTurned(self.id, self._count, self.knobs, self._asked))
            feedback = self._chain.feedback if self._chain and _same_feedback(self.knobs, self._asked) else None
            self.knobs = self._asked
            self._chain = Chain(self.knobs, self._backend.stage, history, feedback)
            self._stops.stops = self._asked.stop
        self._asked = None
        if self._chain is None:
            self._chain = Chain(self.knobs, self._backend.stage, history)
        return self._chain

    @property
    def chance(self) -> float:
        return draw(self.knobs.seed, self._count, stream=1)

    def take(self, odds: Odds, used: int) -> int | None:
        if 0 <= self.knobs.num_predict <= self._count:
            self.end("length")
            return None
        token = odds.draw(draw(self.knobs.seed, self._count))
        self._last = time.perf_counter()
        self._first = self._first or self._last
        if self._chain:
            self._chain.accept(token, odds)
        ending = "stop" if self._backend.is_end(token) else None
        text = "" if ending else self._stops.decode(self._utf8.decode(self._backend.piece(token)))
        if not ending:
            self._tokens.append(token)
        self._text += text
        self._emit(Token(self.id, self._count, text, odds.trace(token, self._backend.label), used + 1))
        self._count += 1
        if ending or self._stops.found is not None:
            self.end("stop")
        elif self._count == self.knobs.num_predict or used + 1 >= self._backend.info.context:
            self.end("length")
        else:
            return token
        return None

    def waiting(self, done: int, total: int) -> None:
        self._emit(Prefill(self.id, done, total))

    def fail(self, reason: str) -> None:
        self._emit(Failed(self.id, reason))

    def end(self, ending: Ending) -> None:
        """Close the reply."""
        tail = self._stops.decode(self._utf8.flush()) + self._stops.flush()
        self._text += tail
        seconds = self._last - self._first
        stats = Stats(
            prompt_tokens=self._prompt,
            reused_tokens=self._reused,
            generated_tokens=self._count,
            ttft_ms=round(max(0.0, self._first - self._started) * 1000, 1),
            tokens_per_second=round((self._count - 1) / seconds, 1) if seconds > 0 else 0.0,
        )
        self._emit(Finished(self.id, self._text, ending, self.knobs.seed, tuple(self._tokens), stats, tail))


class Look:
    """A look at the next token: what a Preview asks for."""

    def __init__(self, preview: Preview, backend: Backend, emit: Emit) -> None:
        self.id, self.knobs = preview.id, preview.knobs
        self._backend, self._emit = backend, emit

    def prepare(self, history: Sequence[int]) -> Chain:
        return Chain(self.knobs, self._backend.stage, history)

    @property
    def chance(self) -> float:
        return 0.0  # a look shows what XTC does when it acts

    def take(self, odds: Odds, used: int) -> int | None:
        self._emit(Previewed(self.id, odds.trace(-1, self._backend.label), used))
        return None

    def waiting(self, done: int, total: int) -> None:
        """Nobody is shown how far a look is."""

    def fail(self, reason: str) -> None:
        self._emit(Failed(self.id, reason))


def _same_feedback(before: Knobs, after: Knobs) -> bool:
    """Whether what mirostat or adaptive-p learned still holds after a turn of the knobs."""
    names = ("mirostat", "mirostat_tau", "adaptive_target", "adaptive_decay")
    return all(getattr(before, name) == getattr(after, name) for name in names)
