"""Running replies: knobs, text and end of one reply. Its strategy finds the tokens."""

import time
from collections.abc import Callable, Sequence

from tui.conversation.conversation import Ending
from tui.conversation.reply_record import Stats
from tui.engine.backend import Backend
from tui.engine.constraint.constraint import Constraint, Grammars, is_bound
from tui.engine.decode.branch import Branch, Move
from tui.engine.protocol import (
    Event,
    Failed,
    Finished,
    Hypotheses,
    Hypothesis,
    KnobsTurned,
    Prefill,
    ReplyRequest,
    Shifted,
    Thinking,
    Token,
)
from tui.engine.reply.reply_text import ReadableText, ReplyText
from tui.engine.reply.thinking import ThoughtFirst, ThoughtWatch
from tui.engine.sampling.chain import Chain, draw
from tui.engine.sampling.distribution import Distribution, TokenChoice
from tui.engine.sampling.knob_schedule import KnobSchedule
from tui.engine.sampling.strategies import make_strategy
from tui.engine.sampling.strategies.strategy import Strategy
from tui.knobs.pair import KnobPair
from tui.knobs.table import CONSTRAINTS, Knobs

Emit = Callable[[Event], None]


class HiddenStatesMissing(Exception):
    """A reply cannot go on from a branch before the hidden states of all its tokens are there."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch


class Generation:
    """One running reply."""

    def __init__(
        self,
        reply: ReplyRequest,
        prompt: Sequence[int],
        first_index: int,
        count_system: Callable[[], int],
        grammars: Grammars,
        backend: Backend,
        emit: Emit,
        watch: ThoughtWatch,
        pending_bytes: bytes = b"",
    ) -> None:
        """Start a reply after `prompt`; raises EngineError for a constraint that cannot be used.

        `first_index`: index of the first token to generate, the number of trailing prompt tokens that belong to the
        reply; `pending_bytes`: bytes that those hold past its text. `count_system`: counts the leading tokens of the
        system prompt, once the context is full.
        """
        self.id, self.backend = reply.id, backend
        self.start = len(prompt) - first_index
        """Position in the context of the reply's first token."""
        self.first_index = self.count = first_index
        """Index of the first token generated here, and of the next token."""
        self._at_end = first_index > 0 and backend.is_end(prompt[-1])
        self._prompt, self._count_system, self._reused = len(prompt), count_system, -1
        self._grammars, self._emit = grammars, emit
        self.watch, self.crossed = watch, False
        """`crossed`: True from the token that begins or ends a thought until the next is chosen."""
        self._check_bias(reply.pair)
        before = watch.read(prompt[self.start :])
        self.schedule = KnobSchedule(reply, inside=watch.inside)
        self.constraint = self._constraint(self.knobs, prompt[self.start + before :])
        """Constraint on the next token, if any."""
        self._constraint_start = self.start
        self._strategy: Strategy = make_strategy(self)
        self.reply_text = ReplyText(self.knobs.stop, watch, pending_bytes)
        """Tokens and text generated here."""
        self.ended = False
        self.best: tuple[Hypothesis, ...] = ()
        """Hypotheses that the reply was chosen from, the best first."""
        self._started = time.perf_counter()
        self._first = self._last = 0.0
        self._emit_thought()

    # --- knobs ------------------------------------------------------------------------------------------------------

    @property
    def knobs(self) -> Knobs:
        """Knobs in effect."""
        return self.schedule.knobs

    def set_knobs(self, knobs: KnobPair) -> None:
        """Set other knobs from the next token on; scheduled knob changes are dropped. Raises EngineError."""
        self._grammars.constraint(knobs.answer)
        self._check_bias(knobs)
        self.schedule.ask(knobs)

    def _check_bias(self, pair: KnobPair) -> None:
        """Raise EngineError for a bias on a token that the vocabulary does not have."""
        for knobs in (pair.answer, pair.effective_at(True)):
            if knobs.logit_bias:
                self.backend.stage("logit_bias", knobs)

    def _apply_knobs(self) -> None:
        """Apply the knobs of the next token: as set, as scheduled, or as the thinking tag before it requires."""
        before, index = self.knobs, self._strategy.index
        after = self.schedule.due(index, inside=self.watch.inside)
        changed = self.schedule.turn(index, after, crossed=self.crossed)
        if self._constraint_changes(before, after):
            self.constraint = self._constraint(after, ())  # what is written already need not fit it
            self._constraint_start = self.start + self.count
        if self._search_restarts(before, after):
            self._strategy = make_strategy(self)
        self.crossed = False
        self.reply_text.stop_at(after.stop)
        if changed:
            self._emit(KnobsTurned(self.id, index, before, after))

    def _constraint_changes(self, before: Knobs, after: Knobs) -> bool:
        """Return True if another constraint applies from now on, or it begins or ends here."""
        turned = any(getattr(after, name) != getattr(before, name) for name in CONSTRAINTS)
        return turned or (self.crossed and is_bound(after))

    def _search_restarts(self, before: Knobs, after: Knobs) -> bool:
        """Return True if the strategy must start anew after this change of the knobs."""
        return before.strategy != after.strategy or self._constraint_changes(before, after)

    def _constraint(self, knobs: Knobs, written: Sequence[int]) -> Constraint | None:
        """Build the constraint after the tokens `written` of the answer; None within the thought."""
        constraint = None if self.watch.inside else self._grammars.constraint(knobs)
        if constraint and self.watch.may_open and knobs.thinking != "off":
            constraint = ThoughtFirst(constraint, self.watch.opening, self.backend.info.vocabulary)
        for token in written if constraint else ():
            if constraint and constraint.mask()[token]:
                constraint.accept(token)
        return constraint

    @property
    def hidden(self) -> bool:
        """True if the strategy needs hidden states."""
        return self.knobs.strategy == "contrastive"

    def chance(self, stream: int = 0) -> float:
        """Return the random number for the next token, from 0 to 1; stream 1 is XTC's."""
        return draw(self.knobs.seed, self.count, stream)

    # --- writing ----------------------------------------------------------------------------------------------------

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Choose the next tokens on its branches, whose logits are there; none when the reply is complete."""
        due = self.schedule.due(self._strategy.index, inside=self.watch.inside)
        if self._search_restarts(self.knobs, due):
            branch = self._strategy.write_best(branches)
            if branch is None:
                return []
            branches = [branch]
        self._apply_knobs()
        if self._at_end:
            self.finish("stop")
            return []
        if self.left == 0:
            self.finish("length")
            return []
        branch = branches[0]
        if self.hidden and branch.cached and len(branch.cached.hidden) < len(branch.tokens):
            raise HiddenStatesMissing(branch)
        return self._strategy.choose(branches)

    @property
    def left(self) -> int:
        """Number of tokens it may still generate; -1 without a limit."""
        most = self.knobs.num_predict
        return max(0, most - (self.count - self.first_index)) if most >= 0 else -1

    def write(self, choice: TokenChoice, used: int) -> bool:
        """Add the next token; return True if the reply goes on. `used`: context tokens that the reply then occupies."""
        token = choice.trace.id
        self._last = time.perf_counter()
        self._first = self._first or self._last
        ending = "stop" if self.backend.is_end(token) else None
        text, crossed = ReadableText("", crossed=False) if ending else self.reply_text.add(token)
        if crossed:
            self.crossed = True
            self._emit_thought()
        occupied = min(used, self.backend.info.context)
        self._emit(Token(self.id, self.count, text, choice.trace, occupied, choice.record))
        self.count += 1
        if self.constraint:
            self.constraint.accept(token)
        if ending or self.reply_text.stopped:
            self.finish("stop")
        elif self.left == 0 or (used >= self.backend.info.context and self.keeps() is None):
            self.finish("length")
        else:
            return True
        return False

    def _emit_thought(self) -> None:
        if self.watch.thought:
            self._emit(Thinking(self.id, self.count, self.watch.thought))

    def crosses(self, tokens: Sequence[int]) -> bool:
        """Return True if these tokens cross a thinking tag after which other knobs or a constraint apply."""
        return (bool(self.schedule.asked.thought) or is_bound(self.knobs)) and self.watch.crosses(tokens)

    def odds(self, branch: Branch, chain: Chain, constraint: Constraint | None) -> Distribution:
        """Return the distribution at a branch, computed once for all replies with the same stages and constraint."""
        chance = self.chance(1)
        values = (getattr(self.knobs, name) for name in CONSTRAINTS)
        bound = (self._constraint_start, constraint.opening, *values) if constraint else ()
        return branch.odds(
            (*chain.key, chance <= self.knobs.xtc_probability, bound),
            lambda logits: chain.run(logits, branch.tokens, chance, constraint.mask() if constraint else None),
        )

    def emit_hypotheses(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Show what may come next, the likeliest first."""
        self._emit(Hypotheses(self.id, self.count, tuple(hypotheses)))

    # --- events -----------------------------------------------------------------------------------------------------

    def on_prefix(self, reused: int) -> None:
        """Record how many prompt tokens the first prefill took from the cache, for the statistics."""
        self._reused = reused if self._reused < 0 else self._reused

    def on_progress(self, done: int, total: int) -> None:
        """Emit the progress of the prefill."""
        self._emit(Prefill(self.id, done, total))

    def keeps(self) -> int | None:
        """Return the number of first tokens that a context shift keeps; None if the knobs forbid a shift."""
        many = self.knobs.strategy in ("beam", "contrastive")
        return None if self.knobs.context_full == "stop" or many else max(self._count_system(), self.knobs.num_keep)

    def on_shift(self, dropped: int) -> None:
        """Emit that the oldest tokens of the context were dropped."""
        self._emit(Shifted(self.id, self.count, dropped))

    def on_context_full(self) -> None:
        """End the reply as cut by length, or as failed if it has no token yet."""
        if self.count > self.first_index:
            self.end("length")
        else:
            self.fail("The context has no room for another reply beside the ones that are running.")

    def fail(self, reason: str) -> None:
        """Emit the reason why the reply ends without a result."""
        self._emit(Failed(self.id, reason))

    def end(self, ending: Ending) -> None:
        """End the reply with the best hypothesis of its strategy."""
        self._strategy.write_best(())
        if not self.ended:
            self.finish(ending)

    def finish(self, ending: Ending) -> None:
        """End the reply with the tokens written so far."""
        self.ended = True
        tail = self.reply_text.close()
        seconds, written = self._last - self._first, self.count - self.first_index
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
                text=self.reply_text.text,
                ending=ending,
                seed=self.knobs.seed,
                tokens=tuple(self.reply_text.tokens),
                stats=stats,
                tail=tail,
                knob_changes=tuple(self.schedule.changes),
                hypotheses=self.best,
                thought=self.watch.thought,
            )
        )
