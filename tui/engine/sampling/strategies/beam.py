"""Beam search, as Hugging Face's `generate` defines it (`BeamSearchScorer`): the likeliest whole reply, nearly.

All hypotheses are branches of one tree and are decoded in one batch. Tokens that all
have in common are written at once; the rest is shown as hypotheses.
"""

from collections.abc import Sequence
from itertools import takewhile
from math import log
from typing import NamedTuple

from tui.engine.constraint.constraint import Constraint
from tui.engine.decode.branch import Branch, Move
from tui.engine.protocol import Hypothesis
from tui.engine.sampling.chain import Chain
from tui.engine.sampling.distribution import Distribution, TokenChoice
from tui.engine.sampling.strategies.strategy import StrategyReply


class BeamHypothesis(NamedTuple):
    """Tokens of a hypothesis, after those that are written."""

    tokens: tuple[int, ...] = ()
    choices: tuple[TokenChoice, ...] = ()
    """Choice of each token, with its trace."""
    length: int = 0
    """Number of tokens, those already written included."""
    total: float = 0.0
    """Sum of the log-probabilities of all these tokens."""
    constraint: Constraint | None = None
    complete: bool = False

    def score(self, length_penalty: float) -> float:
        """Return the score by which hypotheses of different lengths are compared."""
        return float(self.total / max(self.length, 1) ** length_penalty)


class BeamStep(NamedTuple):
    """A token that a hypothesis could go on with."""

    total: float
    beam: BeamHypothesis
    branch: Branch
    token: int
    odds: Distribution


class BeamSearch:
    """Search that keeps the `num_beams` best hypotheses."""

    def __init__(self, reply: StrategyReply) -> None:
        self._reply = reply
        self._base = -1
        """Position in the context where the hypotheses begin."""
        self._live = [BeamHypothesis(constraint=reply.constraint.copy() if reply.constraint else None)]
        self._complete: list[BeamHypothesis] = []

    @property
    def index(self) -> int:
        """Index of the token that the longest live beam gets next."""
        return self._reply.count + max((len(beam.tokens) for beam in self._live), default=0)

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Extend every live beam by a token; write the best hypothesis when the search ends."""
        if self._base < 0:
            self._base = len(branches[0].tokens)
        steps = self._steps(branches)
        moves = self._stop_at_tags(self._advance(steps))
        if self._decided(steps):
            self._close(*self._complete)
        elif not moves or self._exhausted():
            self._close(*self._complete, *self._live)
        elif self._write_agreed():
            self._reply.emit_hypotheses(self._hypotheses(*self._live))
            return moves
        return []

    def write_best(self, branches: Sequence[Branch]) -> Branch | None:
        """Write the best beam so far, and return its branch."""
        pairs = {tuple(branch.tokens[self._base :]): branch for branch in branches}
        best = self._ranked(*self._live, *(() if branches else self._complete))[0]
        self._reply.best = () if branches else self._hypotheses(*self._complete, *self._live, whole=True)
        return pairs.get(best.tokens) if self._write(best.choices) else None

    # --- searching --------------------------------------------------------------------------------------------------

    def _steps(self, branches: Sequence[Branch]) -> list[BeamStep]:
        """Return the best steps: twice as many as beams, so that enough remain if half of them end."""
        reply, most = self._reply, 2 * self._reply.knobs.num_beams
        pairs = {tuple(branch.tokens[self._base :]): branch for branch in branches}
        steps = []
        for beam in self._live:
            branch = pairs[beam.tokens]
            odds = reply.odds(branch, Chain(reply.knobs, reply.backend.stage, branch.tokens), beam.constraint)
            for token, p in odds.best(most):
                total = beam.total + log(p) + log(odds.allowed)
                steps.append(BeamStep(total, beam, branch, token, odds))
        return sorted(steps, key=lambda step: -step.total)[:most]

    def _advance(self, steps: Sequence[BeamStep]) -> list[Move]:
        """Extend the hypotheses by the best steps; complete ones are set aside, if among the `num_beams` best."""
        beams = self._reply.knobs.num_beams
        moves: list[Move] = []
        self._live = []
        for rank, step in enumerate(steps):
            if len(moves) == beams:
                break
            beam = self._extended(step)
            if beam.complete and rank < beams:
                self._complete.append(beam)
            elif not beam.complete:
                self._live.append(beam)
                moves.append(Move(step.branch, step.token))
        self._complete = self._ranked(*self._complete)[:beams]
        return moves

    def _stop_at_tags(self, moves: list[Move]) -> list[Move]:
        """Keep one hypothesis where a thought begins or ends, since knobs and constraint may change there.

        The best hypothesis decides: if it has no tag, those that came to one are dropped.
        """
        crossing = [self._reply.crosses(beam.tokens) for beam in self._live]
        if crossing and crossing[0]:
            self._live, self._complete = self._live[:1], []
            return moves[:1]
        plain = [index for index, crosses in enumerate(crossing) if not crosses]
        self._live = [self._live[index] for index in plain]
        return [moves[index] for index in plain]

    def _extended(self, step: BeamStep) -> BeamHypothesis:
        reply, beam = self._reply, step.beam
        tokens = (*beam.tokens, step.token)
        choice = step.odds.choice(step.token, reply.backend.label)
        constraint = beam.constraint.copy() if beam.constraint else None
        if constraint:
            constraint.accept(step.token)
        ends = reply.backend.is_end(step.token) or reply.reply_text.would_stop(tokens)
        return BeamHypothesis(tokens, (*beam.choices, choice), beam.length + 1, step.total, constraint, ends)

    def _decided(self, steps: Sequence[BeamStep]) -> bool:
        """Return True if the search ends, by `early_stopping`."""
        reply, knobs = self._reply, self._reply.knobs
        if len(self._complete) < knobs.num_beams or not steps:
            return not steps
        length, written = steps[0].beam.length + 1, len(steps[0].beam.tokens) + 1
        if knobs.early_stopping == "never" and knobs.length_penalty > 0:
            room = reply.backend.info.context - self._base - written
            length += min(room, reply.left - written) if reply.left >= 0 else room
        attainable = steps[0].total / length**knobs.length_penalty
        return knobs.early_stopping == "yes" or self._complete[-1].score(knobs.length_penalty) >= attainable

    def _exhausted(self) -> bool:
        """Return True if there is no room for another token."""
        written = len(self._live[0].tokens)
        return written == self._reply.left or self._base + written >= self._reply.backend.info.context

    # --- writing ----------------------------------------------------------------------------------------------------

    def _close(self, *beams: BeamHypothesis) -> None:
        """End the reply with the best of these."""
        found = self._ranked(*beams)[: self._reply.knobs.num_beams]
        self._reply.best = self._hypotheses(*found, whole=True)
        if self._write(found[0].choices):
            self._reply.finish("stop" if found[0].complete else "length")

    def _write_agreed(self) -> bool:
        """Write the tokens that all hypotheses begin with; return False if that ended the reply."""
        beams = [*self._live, *self._complete]
        together = zip(*(beam.tokens for beam in beams), strict=False)
        agreed = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, together))
        choices = beams[0].choices[:agreed]
        self._live, self._complete = (
            [beam._replace(tokens=beam.tokens[agreed:], choices=beam.choices[agreed:]) for beam in each]
            for each in (self._live, self._complete)
        )
        self._base += agreed
        return self._write(choices, self._base - agreed)

    def _write(self, choices: Sequence[TokenChoice], base: int | None = None) -> bool:
        start = self._base if base is None else base
        return all(self._reply.write(choice, start + count) for count, choice in enumerate(choices, 1))

    def _ranked(self, *beams: BeamHypothesis) -> list[BeamHypothesis]:
        return sorted(beams, key=lambda beam: -beam.score(self._reply.knobs.length_penalty))

    def _hypotheses(self, *beams: BeamHypothesis, whole: bool = False) -> tuple[Hypothesis, ...]:
        penalty = self._reply.knobs.length_penalty
        return tuple(
            Hypothesis(self._reply.reply_text.with_next(beam.tokens, whole=whole), beam.score(penalty), beam.complete)
            for beam in self._ranked(*beams)
        )
