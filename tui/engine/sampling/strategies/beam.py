"""Beam search, as Hugging Face's `generate` defines it (`BeamSearchScorer`): the likeliest whole reply, nearly.

All hypotheses are branches of one tree and are decoded in one batch. What they agree on is written at once; the rest
is shown as it stands.
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
    """A hypothesis: what would be written after what is."""

    tokens: tuple[int, ...] = ()
    choices: tuple[TokenChoice, ...] = ()
    """Choice of each token, with its trace."""
    length: int = 0
    """In tokens, what is written already included."""
    total: float = 0.0
    """The sum of the log-probabilities of all of them."""
    constraint: Constraint | None = None
    complete: bool = False

    def score(self, length_penalty: float) -> float:
        """Return the score by which hypotheses of different lengths are compared."""
        return float(self.total / max(self.length, 1) ** length_penalty)


class BeamStep(NamedTuple):
    """A token that a hypothesis could go on with."""

    total: float
    line: BeamHypothesis
    branch: Branch
    token: int
    odds: Distribution


class BeamSearch:
    """As many hypotheses side by side as `num_beams` says."""

    def __init__(self, reply: StrategyReply) -> None:
        self._reply = reply
        self._base = -1
        """Position in the context where the hypotheses begin."""
        self._live = [BeamHypothesis(constraint=reply.constraint.copy() if reply.constraint else None)]
        self._complete: list[BeamHypothesis] = []

    @property
    def index(self) -> int:
        """Index of the token that the longest live beam gets next."""
        return self._reply.count + max((len(line.tokens) for line in self._live), default=0)

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Extend every live beam by a token; write the best hypothesis when the search ends."""
        if self._base < 0:
            self._base = len(branches[0].tokens)
        steps = self._steps(branches)
        moves = self._part(self._advance(steps))
        if self._decided(steps):
            self._close(*self._complete)
        elif not moves or self._exhausted():
            self._close(*self._complete, *self._live)
        elif self._write_agreed():
            self._reply.emit_hypotheses(self._hypotheses(*self._live))
            return moves
        return []

    def settle(self, branches: Sequence[Branch]) -> Branch | None:
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
        for line in self._live:
            branch = pairs[line.tokens]
            odds = reply.odds(branch, Chain(reply.knobs, reply.backend.stage, branch.tokens), line.constraint)
            for token, p in odds.best(most):
                total = line.total + log(p) + log(odds.allowed)
                steps.append(BeamStep(total, line, branch, token, odds))
        return sorted(steps, key=lambda step: -step.total)[:most]

    def _advance(self, steps: Sequence[BeamStep]) -> list[Move]:
        """Take the best steps; those that end a reply are put aside, if they are among the very best."""
        beams = self._reply.knobs.num_beams
        moves: list[Move] = []
        self._live = []
        for rank, step in enumerate(steps):
            if len(moves) == beams:
                break
            line = self._longer(step)
            if line.complete and rank < beams:
                self._complete.append(line)
            elif not line.complete:
                self._live.append(line)
                moves.append(Move(step.branch, step.token))
        self._complete = self._ranked(*self._complete)[:beams]
        return moves

    def _part(self, moves: list[Move]) -> list[Move]:
        """Keep one hypothesis where a thought begins or ends, since knobs and constraint may change there.

        The best one decides; while it goes on as it was, those that came to a tag are let go.
        """
        crossing = [self._reply.crosses(line.tokens) for line in self._live]
        if crossing and crossing[0]:
            self._live, self._complete = self._live[:1], []
            return moves[:1]
        kept = [place for place, crosses in enumerate(crossing) if not crosses]
        self._live = [self._live[place] for place in kept]
        return [moves[place] for place in kept]

    def _longer(self, step: BeamStep) -> BeamHypothesis:
        reply, line = self._reply, step.line
        tokens = (*line.tokens, step.token)
        choice = step.odds.choice(step.token, reply.backend.label)
        constraint = line.constraint.copy() if line.constraint else None
        if constraint:
            constraint.accept(step.token)
        ends = reply.backend.is_end(step.token) or reply.said.would_stop(tokens)
        return BeamHypothesis(tokens, (*line.choices, choice), line.length + 1, step.total, constraint, ends)

    def _decided(self, steps: Sequence[BeamStep]) -> bool:
        """Return True if the search ends, by `early_stopping`."""
        reply, knobs = self._reply, self._reply.knobs
        if len(self._complete) < knobs.num_beams or not steps:
            return not steps
        length, written = steps[0].line.length + 1, len(steps[0].line.tokens) + 1
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

    def _close(self, *lines: BeamHypothesis) -> None:
        """End the reply with the best of these."""
        found = self._ranked(*lines)[: self._reply.knobs.num_beams]
        self._reply.best = self._hypotheses(*found, whole=True)
        if self._write(found[0].choices):
            self._reply.finish("stop" if found[0].complete else "length")

    def _write_agreed(self) -> bool:
        """Write what every hypothesis begins with; False when that ended the reply."""
        lines = [*self._live, *self._complete]
        together = zip(*(line.tokens for line in lines), strict=False)
        agreed = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, together))
        choices = lines[0].choices[:agreed]
        self._live, self._complete = (
            [line._replace(tokens=line.tokens[agreed:], choices=line.choices[agreed:]) for line in each]
            for each in (self._live, self._complete)
        )
        self._base += agreed
        return self._write(choices, self._base - agreed)

    def _write(self, choices: Sequence[TokenChoice], base: int | None = None) -> bool:
        start = self._base if base is None else base
        return all(self._reply.write(choice, start + place) for place, choice in enumerate(choices, 1))

    def _ranked(self, *lines: BeamHypothesis) -> list[BeamHypothesis]:
        return sorted(lines, key=lambda line: -line.score(self._reply.knobs.length_penalty))

    def _hypotheses(self, *lines: BeamHypothesis, whole: bool = False) -> tuple[Hypothesis, ...]:
        penalty = self._reply.knobs.length_penalty
        return tuple(
            Hypothesis(self._reply.said.with_next(line.tokens, whole=whole), line.score(penalty), line.complete)
            for line in self._ranked(*lines)
        )
