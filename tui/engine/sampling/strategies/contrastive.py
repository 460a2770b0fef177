"""Contrastive search (Su et al. 2022), as in Hugging Face's `generate`: likely, and unlike the text before.

Of the `contrastive_k` likeliest tokens v, each is evaluated, all in one batch, and the one with the highest

    (1 - alpha) p(v) - alpha max_j cos(h_v, h_j)

is taken, where h are the last hidden states and j runs over the prompt and the reply so far.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from tui.conversation.trace import StageTrace
from tui.engine.backend import Hidden
from tui.engine.decode.branch import Branch, Move
from tui.engine.sampling.chain import Chain
from tui.engine.sampling.distribution import TokenChoice
from tui.engine.sampling.strategies.strategy import StrategyReply


class PastStates:
    """Directions of the hidden states of all tokens before, in an array that grows."""

    def __init__(self, hidden: Sequence[Hidden]) -> None:
        self._count = len(hidden)
        self._rows = np.stack([_direction(each) for each in hidden])

    def likeness(self, hidden: Hidden) -> float:
        """Return the highest cosine similarity to any state before."""
        return float((self._rows[: self._count] @ _direction(hidden)).max())

    def append(self, hidden: Hidden) -> None:
        """Add the state of the next token."""
        if self._count == len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self._rows[self._count] = _direction(hidden)
        self._count += 1


class ContrastiveSearch:
    """Search that evaluates `contrastive_k` candidates for each token and keeps one."""

    def __init__(self, reply: StrategyReply) -> None:
        self._reply = reply
        self._past: PastStates | None = None
        self._candidates: dict[int, TokenChoice] = {}
        """Candidates for the next token, by id."""
        self._p: dict[int, float] = {}

    @property
    def index(self) -> int:
        """Index of the token that it chooses next."""
        return self._reply.count

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Write the best of the last candidates, and decode the candidates for the token after it."""
        branch = self.write_best(branches)
        if branch and self._reply.crossed:
            return self._reply.choose([branch])  # a thought has begun or ended: what comes next is chosen otherwise
        return self._propose(branch) if branch else []

    def write_best(self, branches: Sequence[Branch]) -> Branch | None:
        """Write the candidate that is likeliest and least like the text before, and return its branch."""
        if not branches:
            return None
        if self._past is None:
            self._past = PastStates(_hidden(branches[0]))
        if not self._candidates:
            return branches[0]
        alpha = self._reply.knobs.penalty_alpha
        likeness = [self._past.likeness(_hidden(branch)[-1]) for branch in branches]
        scores = [
            (1 - alpha) * self._p[branch.tokens[-1]] - alpha * like
            for branch, like in zip(branches, likeness, strict=True)
        ]
        branch = branches[int(np.argmax(scores))]
        self._past.append(_hidden(branch)[-1])
        choice, self._candidates = self._candidates[branch.tokens[-1]], {}
        return branch if self._reply.write(choice, len(branch.tokens)) else None

    def _propose(self, branch: Branch) -> list[Move]:
        reply = self._reply
        odds = reply.odds(branch, Chain(reply.knobs, reply.backend.stage, branch.tokens), reply.constraint)
        self._p = dict(odds.best(reply.knobs.contrastive_k))
        self._candidates = {token: _mark_cut(odds.choice(token, reply.backend.label), self._p) for token in self._p}
        return [Move(branch, token) for token in self._p]


def _mark_cut(choice: TokenChoice, among: dict[int, float]) -> TokenChoice:
    """Return a choice with the candidates that were not evaluated marked as cut."""
    trace = choice.trace
    candidates = tuple(
        each if each.cut or each.id in among else replace(each, cut="contrastive") for each in trace.candidates
    )
    return choice._replace(
        trace=replace(trace, stages=(*trace.stages, StageTrace("contrastive", len(among))), candidates=candidates)
    )


def _hidden(branch: Branch) -> list[Hidden]:
    assert branch.cached
    return branch.cached.hidden


def _direction(hidden: Hidden) -> npt.NDArray[np.float32]:
    direction: npt.NDArray[np.float32] = hidden / np.maximum(np.linalg.norm(hidden), 1e-12)
    return direction
