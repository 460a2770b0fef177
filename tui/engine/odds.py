"""The odds at one position: what the stages left, and how it came to that."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tui.engine.backend import Candidates, Logits
from tui.trace import Candidate, Stage, TokenTrace

SHOWN = 20
"""How many of the likeliest candidates a trace names."""

NEAR = 12.0
"""Logits further than this below the best (e^-12 of its probability) are looked at only when too few are nearer."""

HEAD = 1024
"""How many candidates are put in order for the draw when nothing was cut."""


class Odds:
    """The distribution that a token is drawn from, with what is needed to explain it."""

    def __init__(
        self,
        logits: Logits,
        candidates: Candidates,
        shown: npt.NDArray[np.int64],
        steps: tuple[Stage, ...],
        cut: dict[int, str],
        untouched: Candidates | None = None,
    ) -> None:
        """`untouched` is what adaptive-p was given, where it ran."""
        self._logits, self._shown, self._steps, self._cut = logits, shown, steps, cut
        self._untouched = untouched
        self._best = float(logits[shown[0]])
        below = np.maximum(logits - self._best, -200)  # e^-200 is 0, but 0 times -inf would not be
        weights = np.exp(below)
        self._total = float(weights.sum(dtype=np.float64))
        self.entropy_raw = _bits(self._total, float(np.dot(weights, below)))
        self.ids, self.p, self.entropy = _distribution(candidates)

    def draw(self, share: float) -> int:
        """The token at a share (0 to 1) of the probability, laid out from the likeliest on."""
        index = int(np.searchsorted(np.cumsum(self.p), share, side="right"))
        return int(self.ids[min(index, len(self.ids) - 1)])

    def p_of(self, token: int) -> float:
        """Probability of a token after the stages."""
        return float(self.p[self.ids == token].sum())

    def untouched(self, token: int) -> float:
        """Probability of a token before adaptive-p, or 0 where that did not run."""
        if self._untouched is None:
            return 0.0
        ids, p, _ = _distribution(self._untouched[np.isfinite(self._untouched["logit"])])
        return float(p[ids == token].sum())

    def raw(self, token: int) -> float:
        """Probability of a token before any stage."""
        return float(np.exp(float(self._logits[token]) - self._best)) / self._total

    def trace(self, token: int, label: Callable[[int], str]) -> TokenTrace:
        """How the token was chosen; -1 when none is yet."""
        names = self._shown.tolist()
        if token >= 0 and token not in names:
            names.append(token)
        kept = np.isin(self.ids, names)
        p = dict(zip(self.ids[kept].tolist(), self.p[kept].tolist(), strict=True))
        return TokenTrace(
            id=token,
            text=label(token) if token >= 0 else "",
            p_raw=self.raw(token) if token >= 0 else 0.0,
            p=p.get(token, 0.0) if token >= 0 else 0.0,
            rank=int(np.count_nonzero(self._logits > self._logits[token])) if token >= 0 else -1,
            entropy_raw=self.entropy_raw,
            entropy=self.entropy,
            stages=self._steps,
            candidates=tuple(Candidate(i, label(i), self.raw(i), p.get(i, 0.0), self._cut.get(i)) for i in names),
        )


def likeliest(logits: Logits, count: int = SHOWN) -> npt.NDArray[np.int64]:
    """Ids of the highest logits, highest first, equal ones by id."""
    near = np.flatnonzero(logits > logits.max() - NEAR)
    if len(near) < count:
        near = np.argpartition(logits, -count)[-count:]
    elif len(near) > 4 * count:
        near = near[np.argpartition(logits[near], -count)[-count:]]
    return near[np.lexsort((near, -logits[near]))][:count]


def _distribution(candidates: Candidates) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], float]:
    """Ids and probabilities from the likeliest on, and their entropy in bits."""
    logits = candidates["logit"].astype(np.float64)
    logits -= logits.max()
    order = _ranked(logits, candidates["id"])
    logits = logits[order]
    weights = np.exp(logits)
    total = float(weights.sum())
    return candidates["id"][order], weights / total, _bits(total, float(np.dot(weights, logits)))


def _ranked(logits: npt.NDArray[np.float64], ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Indices from the likeliest on; past HEAD they stay as they are, since sorting a whole vocabulary takes 5 ms."""
    if len(logits) <= HEAD:
        return np.lexsort((ids, -logits))
    parted = np.argpartition(-logits, HEAD)
    head, tail = parted[:HEAD], np.sort(parted[HEAD:])
    return np.concatenate((head[np.lexsort((ids[head], -logits[head]))], tail))


def _bits(total: float, weighted: float) -> float:
    """Entropy in bits of weights e^x, from their sum and the sum of x e^x."""
    return max(0.0, float(np.log(total) - weighted / total) / float(np.log(2)))
