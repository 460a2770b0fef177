"""Sampling: each token is drawn from what the stages leave. Greedy search is the same with all but the best cut."""

from collections.abc import Sequence

from tui.engine.decode.branch import Branch, Move
from tui.engine.sampling.chain import Chain
from tui.engine.sampling.strategies.strategy import StrategyReply
from tui.knobs.table import Knobs


class Sampling:
    """One token at a time."""

    def __init__(self, reply: StrategyReply) -> None:
        self._reply = reply
        self._knobs = reply.knobs
        self._chain: Chain | None = None

    @property
    def index(self) -> int:
        """Index of the token that it chooses next."""
        return self._reply.count

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Draw and write the next token."""
        branch, reply = branches[0], self._reply
        chain = self._ready(branch.tokens)
        odds = reply.odds(branch, chain, reply.constraint)
        token = odds.draw(reply.chance())
        chain.accept(token, odds.p_of(token), odds.untouched(token))
        choice = odds.choice(token, reply.backend.label)
        return [Move(branch, token)] if reply.write(choice, len(branch.tokens) + 1) else []

    def write_best(self, branches: Sequence[Branch]) -> Branch | None:
        """Return the only branch: every token is written as soon as it is chosen."""
        return branches[0] if branches else None

    def _ready(self, history: Sequence[int]) -> Chain:
        """Return the chain of the current knobs; mirostat and adaptive-p keep their state if it still holds."""
        knobs = self._reply.knobs
        if self._chain is None or knobs != self._knobs:
            feedback = self._chain.feedback if self._chain and _same_feedback(self._knobs, knobs) else None
            self._knobs, self._chain = knobs, Chain(knobs, self._reply.backend.stage, history, feedback)
        return self._chain


def _same_feedback(before: Knobs, after: Knobs) -> bool:
    """Return True if the state of mirostat or adaptive-p stays valid after this change of the knobs."""
    names = ("mirostat", "mirostat_tau", "adaptive_target", "adaptive_decay")
    return all(getattr(before, name) == getattr(after, name) for name in names)
