"""The odds at one position: what the stages left, and how it came to that."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.engine.backend import Candidates, Logits
from tui.engine.sampling.logit_record import HOPELESS, KEPT, pack

SHOWN = 20
"""Number of the likeliest candidates in a trace."""

NEAR = (4.0, 8.0, 16.0)
"""Distances below the highest logit at which to look for the likeliest tokens, until there are enough."""

HEAD = 1024
"""Number of candidates sorted for the draw when nothing was cut."""


class TokenChoice(NamedTuple):
    """A token with everything known about how it was chosen."""

    trace: TokenTrace
    record: bytes
    """Packed logits: see `tui.engine.sampling.logit_record`."""


class Survivors(NamedTuple):
    """Candidates that came through the stages."""

    left: Candidates
    steps: tuple[StageTrace, ...]
    cut: dict[int, str]
    """Stage that cut each watched token, by token id."""
    untouched: Candidates | None
    """Candidates before adaptive-p, where it ran."""

    def untouched_p(self, token: int) -> float:
        """Probability of a token before adaptive-p, or 0 where that did not run."""
        if self.untouched is None:
            return 0.0
        ids, p, _ = distribution(self.untouched[np.isfinite(self.untouched["logit"])])
        return float(p[ids == token].sum())


class Distribution:
    """The distribution that a token is drawn from, with what is needed to explain it."""

    def __init__(
        self,
        logits: Logits,
        passed: Survivors,
        top: npt.NDArray[np.int64],
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """`top` are the likeliest tokens by logit, `allowed` what a constraint allows."""
        self._logits, self._passed, self._top = logits, passed, top
        self._best = float(logits[top[0]])
        self._gaps = np.minimum(self._best - logits, HOPELESS)  # e^-200 is 0, but 0 times -inf would not be
        weights = np.exp(-self._gaps)
        self._total = float(weights.sum())
        self.allowed = float(weights[allowed].sum()) / self._total if allowed is not None else 1.0
        """The share of the raw probability that a constraint has left."""
        self.entropy_raw = _bits(self._total, -float(np.dot(weights, self._gaps)))
        self.ids, self.p, self.entropy = distribution(passed.left)

    def draw(self, share: float) -> int:
        """Return the token at a share (0 to 1) of the cumulative probability, from the likeliest on."""
        index = int(np.searchsorted(np.cumsum(self.p), share, side="right"))
        return int(self.ids[min(index, len(self.ids) - 1)])

    def best(self, count: int) -> list[tuple[int, float]]:
        """Return the likeliest tokens after the stages, with their probabilities."""
        return [(token, p) for token, p in zip(self.ids[:count].tolist(), self.p[:count].tolist(), strict=True) if p]

    def p_of(self, token: int) -> float:
        """Probability of a token after the stages."""
        return float(self.p[self.ids == token].sum())

    def untouched(self, token: int) -> float:
        """Probability of a token before adaptive-p, or 0 where that did not run."""
        return self._passed.untouched_p(token)

    def raw(self, token: int) -> float:
        """Probability of a token before any stage."""
        return float(np.exp(-self._gaps[token])) / self._total

    def choice(self, token: int, label: Callable[[int], str]) -> TokenChoice:
        """Return the trace and the logit record of a token; -1 if none is chosen yet."""
        kept = token if token >= 0 else int(self._top[0])
        return TokenChoice(self.trace(token, label), pack(self._logits, self._top, self._gaps, self._total, kept))

    def trace(self, token: int, label: Callable[[int], str]) -> TokenTrace:
        """Build the trace of a token; -1 when none is chosen yet."""
        names = self._top[:SHOWN].tolist()
        if token >= 0 and token not in names:
            names.append(token)
        left = dict(zip(self.ids[:HEAD].tolist(), self.p[:HEAD].tolist(), strict=True))
        p = [left[name] if name in left else self.p_of(name) for name in names]
        raw = (np.exp(-self._gaps[names]) / self._total).tolist()
        cut = self._passed.cut
        own = names.index(token) if token >= 0 else -1
        return TokenTrace(
            id=token,
            text=label(token) if token >= 0 else "",
            p_raw=raw[own] if token >= 0 else 0.0,
            p=p[own] if token >= 0 else 0.0,
            rank=self._rank(token) if token >= 0 else -1,
            entropy_raw=self.entropy_raw,
            entropy=self.entropy,
            stages=self._passed.steps,
            candidates=tuple(
                Candidate(name, label(name), before, after, cut.get(name))
                for name, before, after in zip(names, raw, p, strict=True)
            ),
        )

    def _rank(self, token: int) -> int:
        """Return the number of tokens with a higher logit."""
        score = self._logits[token]
        top = self._logits[self._top]
        return int(np.count_nonzero((top if score > top[-1] else self._logits) > score))


def among(tokens: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return a mask of the tokens that are among others: `np.isin` for ids below the size of a vocabulary."""
    there = np.zeros(int(max(tokens.max(initial=0), others.max(initial=0))) + 1, np.bool_)
    there[others] = True
    found: npt.NDArray[np.bool_] = there[tokens]
    return found


def likeliest(logits: Logits, count: int = KEPT) -> npt.NDArray[np.int64]:
    """Ids of the highest logits, highest first, equal ones by id."""
    count, best = min(count, len(logits)), logits.max()
    for (
        reach
    ) in NEAR:  # few tokens are near the best: looking at those alone is quicker than parting a whole vocabulary
        near = np.flatnonzero(logits > best - reach)
        if len(near) >= count:
            break
    else:
        near = np.argpartition(logits, -count)[-count:]
    if len(near) > 4 * count:
        near = near[np.argpartition(logits[near], -count)[-count:]]
    return near[np.lexsort((near, -logits[near]))][:count]


def distribution(candidates: Candidates) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], float]:
    """Ids and probabilities from the likeliest on, and their entropy in bits."""
    logits = candidates["logit"].astype(np.float64)
    logits -= logits.max()
    order = _ranked(logits, candidates["id"])
    logits = logits[order]
    weights = np.exp(logits)
    total = float(weights.sum())
    return candidates["id"][order], weights / total, _bits(total, float(np.dot(weights, logits)))


def _ranked(logits: npt.NDArray[np.float64], ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Rank the indices from the likeliest on, only the first HEAD: sorting a whole vocabulary takes 5 ms."""
    if len(logits) <= HEAD:
        return np.lexsort((ids, -logits))
    parted = np.argpartition(-logits, HEAD)
    head, tail = parted[:HEAD], np.sort(parted[HEAD:])
    return np.concatenate((head[np.lexsort((ids[head], -logits[head]))], tail))


def _bits(total: float, weighted: float) -> float:
    """Entropy in bits of weights e^x, from their sum and the sum of x e^x."""
    return max(0.0, float(np.log(total) - weighted / total) / float(np.log(2)))
