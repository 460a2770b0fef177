"""One running reply: its knobs, what it has written, and when it ends. How its tokens are found is its strategy's."""

import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tui.chat import Ending
from tui.engine.backend import Backend
from tui.engine.branch import Branch, Move
from tui.engine.constraint import Constraint, Grammars
from tui.engine.odds import Choice, Odds
from tui.engine.protocol import (
    Event,
    Failed,
    Finished,
    Hypotheses,
    Hypothesis,
    KnobsTurned,
    Prefill,
    Reply,
    Shifted,
    Token,
)
from tui.engine.sampling import Chain, draw
from tui.engine.strategies import Strategy, make_strategy
from tui.engine.text import StopTexts, Utf8
from tui.knobs import CONSTRAINTS, Knobs
from tui.written import Change, Stats

Emit = Callable[[Event], None]


_BEFORE = 32
"""How many tokens already written a stop text may reach back over."""


class Unseen(Exception):
    """A reply cannot go on from a branch before the hidden states of all its tokens are there."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch


class Generation:
    """One running reply."""

    def __init__(
        self,
        reply: Reply,
        prompt: Sequence[int],
        begun: int,
        kept: Callable[[], int],
        grammars: Grammars,
        backend: Backend,
        emit: Emit,
        unsaid: bytes = b"",
    ) -> None:
        """Of the prompt's tokens the last `begun` are the reply's own; the first `kept` are the system prompt, which
        are counted when the context is full; `unsaid` is what those of the reply say that its text does not.
        Raises EngineError for a constraint that cannot be used.
        """
        self.id, self.knobs, self.backend = reply.id, reply.knobs, backend
        self.start = len(prompt) - begun
        """Where in the context the reply begins."""
        self.begun = self.count = begun
        """The index of its first token to be written here, and of the next one."""
        self._over = begun > 0 and backend.is_end(prompt[-1])
        self._prompt, self._kept, self._reused = len(prompt), kept, -1
        self._grammars, self._emit = grammars, emit
        self._coming, self._lane = list(reply.lane), list[Change]()
        self._asked: Knobs | None = None
        self.constraint = self._constraint(reply.knobs, prompt[self.start :])
        """What may still be written, if that is bounded."""
        self._bound = self.start
        self._strategy: Strategy = make_strategy(self)
        self._utf8, self._stops = Utf8(unsaid), StopTexts(reply.knobs.stop)
        self._tokens: list[int] = []
        self._text = ""
        self.ended = False
        self.best: tuple[Hypothesis, ...] = ()
        """What the reply was chosen from, where there were several."""
        self._started = time.perf_counter()
        self._first = self._last = 0.0

    # --- knobs ------------------------------------------------------------------------------------------------------

    def turn(self, knobs: Knobs) -> None:
        """Ask for other knobs from the next token on; what was to come in its lane is off. Raises EngineError."""
        knobs = replace(knobs, seed=self.knobs.seed) if knobs.seed < 0 else knobs
        self._constraint(knobs, ())
        self._asked, self._coming = knobs, []

    @property
    def due(self) -> Knobs:
        """The knobs as they are, or are asked to be."""
        return self._asked or self.knobs

    def _due(self) -> Knobs | None:
        """What was asked, or is next in the lane, and takes effect now; None when nothing changes."""
        while self._coming and self._coming[0].index <= self._strategy.index:
            self._asked = self._coming.pop(0).knobs
        return self._asked if self._asked != self.knobs else None

    def _turn(self) -> None:
        before, after, self._asked = self.knobs, self._due(), None
        if after is None:
            return
        self.knobs = after
        if any(getattr(after, name) != getattr(before, name) for name in CONSTRAINTS):
            self.constraint = self._constraint(after, ())  # what is written already need not fit it
            self._bound = self.start + self.count
        if _another_search(before, after):
            self._strategy = make_strategy(self)
        self._stops.stops = after.stop
        index = self._strategy.index
        self._lane.append(Change(index, after))
        self._emit(KnobsTurned(self.id, index, before, after))

    def _constraint(self, knobs: Knobs, written: Sequence[int]) -> Constraint | None:
        constraint = self._grammars.constraint(knobs)
        for token in written if constraint else ():
            if constraint and constraint.mask()[token]:
                constraint.accept(token)
        return constraint

    @property
    def hidden(self) -> bool:
        """Whether the strategy needs hidden states."""
        return self.knobs.strategy == "contrastive"

    def chance(self, stream: int = 0) -> float:
        """The random number for the next token."""
        return draw(self.knobs.seed, self.count, stream)

    # --- writing ----------------------------------------------------------------------------------------------------

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """How to go on from the branches it stands on, whose logits are there; nothing when it is complete."""
        due = self._due()
        if due and _another_search(self.knobs, due):
            settled = self._strategy.settle(branches)
            if settled is None:
                return []
            branches = [settled]
        self._turn()
        if self._over:
            self.finish("stop")
            return []
        if self.left == 0:
            self.finish("length")
            return []
        branch = branches[0]
        if self.hidden and branch.held and len(branch.held.hidden) < len(branch.tokens):
            raise Unseen(branch)
        return self._strategy.choose(branches)

    @property
    def left(self) -> int:
        """How many tokens it may still write; -1 for as many as it likes."""
        most = self.knobs.num_predict
        return max(0, most - (self.count - self.begun)) if most >= 0 else -1

    def write(self, choice: Choice, used: int) -> bool:
        """Add the next token, and say whether to go on; `used` is what the context then holds of it."""
        token = choice.trace.id
        self._last = time.perf_counter()
        self._first = self._first or self._last
        ending = "stop" if self.backend.is_end(token) else None
        text = "" if ending else self._stops.decode(self._utf8.decode(self.backend.piece(token)))
        if not ending:
            self._tokens.append(token)
        self._text += text
        taken = min(used, self.backend.info.context)
        self._emit(Token(self.id, self.count, text, choice.trace, taken, choice.record))
        self.count += 1
        if self.constraint:
            self.constraint.accept(token)
        if ending or self._stops.found is not None:
            self.finish("stop")
        elif self.left == 0 or (used >= self.backend.info.context and self.keeps() is None):
            self.finish("length")
        else:
            return True
        return False

    def odds(self, branch: Branch, chain: Chain, constraint: Constraint | None) -> Odds:
        """The odds at a branch; replies that ask for the same share the work."""
        chance = self.chance(1)
        bound = (self._bound, *(getattr(self.knobs, name) for name in CONSTRAINTS)) if constraint else ()
        return branch.odds(
            (*chain.key, chance <= self.knobs.xtc_probability, bound),
            lambda logits: chain.run(logits, branch.tokens, chance, constraint.mask() if constraint else None),
        )

    def stops(self, tokens: Sequence[int]) -> bool:
        """Whether the last of these tokens, to be written next, completes a stop text."""
        if not self._stops.stops:
            return False
        said = [*self._tokens[-_BEFORE:], *tokens]
        *before, last = map(self.backend.piece, said)
        start, text = len(b"".join(before)), b"".join((*before, last))
        stops = [stop.encode() for stop in self._stops.stops]
        return any(stop in text[max(0, start - len(stop) + 1) :] for stop in stops)

    def says(self, tokens: Sequence[int], *, whole: bool = False) -> str:
        """What these tokens say if they are written next, after the whole reply or by themselves."""
        tokens = [*self._tokens, *tokens] if whole else tokens
        text = b"".join(map(self.backend.piece, tokens)).decode("utf-8", "replace")
        ends = [text.find(stop) for stop in self._stops.stops if stop in text]
        return text[: min(ends)] if ends else text

    def suppose(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Show what may come next, the likeliest first."""
        self._emit(Hypotheses(self.id, self.count, tuple(hypotheses)))

    # --- its way ----------------------------------------------------------------------------------------------------

    def rooted(self, reused: int) -> None:
        self._reused = reused if self._reused < 0 else self._reused

    def waiting(self, done: int, total: int) -> None:
        self._emit(Prefill(self.id, done, total))

    def keeps(self) -> int | None:
        many = self.knobs.strategy in ("beam", "contrastive")
        return None if self.knobs.context_full == "stop" or many else max(self._kept(), self.knobs.num_keep)

    def shifted(self, dropped: int) -> None:
        self._emit(Shifted(self.id, self.count, dropped))

    def crowded(self) -> None:
        if self.count > self.begun:
            self.end("length")
        else:
            self.fail("The context has no room for another reply beside the ones that are running.")

    def fail(self, reason: str) -> None:
        self._emit(Failed(self.id, reason))

    def end(self, ending: Ending) -> None:
        """Close the reply with the best that its strategy has found."""
        self._strategy.settle(())
        if not self.ended:
            self.finish(ending)

    def finish(self, ending: Ending) -> None:
        """Close the reply as it is written."""
        self.ended = True
        tail = self._stops.decode(self._utf8.flush()) + self._stops.flush()
        self._text += tail
        seconds, written = self._last - self._first, self.count - self.begun
        stats = Stats(
            prompt_tokens=self._prompt,
            reused_tokens=max(0, self._reused),
            generated_tokens=written,
            ttft_ms=round(max(0.0, self._first - self._started) * 1000, 1),
            tokens_per_second=round((written - 1) / seconds, 1) if seconds > 0 else 0.0,
        )
        self._emit(
            Finished(
                id=self.id,
                text=self._text,
                ending=ending,
                seed=self.knobs.seed,
                tokens=tuple(self._tokens),
                stats=stats,
                tail=tail,
                lane=tuple(self._lane),
                hypotheses=self.best,
            )
        )


def _another_search(before: Knobs, after: Knobs) -> bool:
    """Whether a turn of the knobs makes the strategy begin anew."""
    return any(getattr(after, name) != getattr(before, name) for name in ("strategy", *CONSTRAINTS))
