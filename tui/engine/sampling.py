"""The stage chain: it orders the stages, applies them, records what each removed, and draws.

Deciding and explaining are one pass: the token is drawn from the very probabilities that the trace shows. The maths of
each stage is llama.cpp's own; nothing is rewritten here.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tui.engine.backend import CANDIDATE, Candidates, Logits, Stage
from tui.knobs import KNOBS, STAGES, Knobs, Value
from tui.trace import Candidate, TokenTrace
from tui.trace import Stage as StageTrace

SHOWN = 20
"""How many of the likeliest candidates a trace names."""

NEAR = 12.0
"""Logits further than this below the best (e^-12 of its probability) are looked at only when too few are nearer."""


HEAD = 1024
"""How many candidates are put in order for the draw when nothing was cut."""


class Chain:
    """The stages that one set of knobs switches on, with what they remember of one reply."""

    def __init__(self, knobs: Knobs, stage: Callable[[str, Knobs], Stage], history: Sequence[int]) -> None:
        """`stage` makes a stage by name; `history` is the prompt and what was written so far."""
        self._stages = [(name, stage(name, knobs)) for name in STAGES if is_active(name, knobs)]
        self._last_n = knobs.repeat_last_n
        for token in self._seen(history):
            self.accept(token)

    def _seen(self, history: Sequence[int]) -> Sequence[int]:
        """The tokens that the penalties look at."""
        return history if self._last_n < 0 else history[max(0, len(history) - self._last_n) :]

    def accept(self, token: int) -> None:
        """Remember the token chosen."""
        for _, stage in self._stages:
            stage.accept(token)

    def run(self, logits: Logits, history: Sequence[int]) -> "Odds":
        """Apply the stages to the scores of one position; neither the logits nor the chain are changed."""
        candidates = np.empty(len(logits), CANDIDATE)
        candidates["id"] = np.arange(len(logits), dtype=np.int32)
        candidates["logit"] = logits
        shown = likeliest(logits, SHOWN)
        steps: list[StageTrace] = []
        cut: dict[int, str] = {}
        for name, stage in self._stages:
            before = len(candidates)
            if name == "penalties":
                # Only tokens seen lately can change, so it is shown those alone and not the whole vocabulary.
                seen = np.unique(np.asarray(self._seen(history), dtype=np.int32))
                candidates[seen] = stage.apply(candidates[seen])
            else:
                candidates = stage.apply(candidates)
            finite = np.isfinite(candidates["logit"])
            if not finite.all():  # some stages cut by a logit of -inf
                candidates = candidates[finite]
            steps.append(StageTrace(name, len(candidates)))
            if len(candidates) < before:
                left = np.isin(shown, candidates["id"])
                for token in shown[~left].tolist():
                    cut.setdefault(token, name)
        return Odds(logits, candidates, shown, tuple(steps), cut)


class Odds:
    """What the stages left of one position: the distribution that a token is drawn from."""

    def __init__(
        self,
        logits: Logits,
        candidates: Candidates,
        shown: npt.NDArray[np.int64],
        steps: tuple[StageTrace, ...],
        cut: dict[int, str],
    ) -> None:
        self._logits, self._shown, self._steps, self._cut = logits, shown, steps, cut
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
            p=p.get(token, 0.0),
            rank=int(np.count_nonzero(self._logits > self._logits[token])) if token >= 0 else -1,
            entropy_raw=self.entropy_raw,
            entropy=self.entropy,
            stages=self._steps,
            candidates=tuple(Candidate(i, label(i), self.raw(i), p.get(i, 0.0), self._cut.get(i)) for i in names),
        )


def is_active(stage: str, knobs: Knobs) -> bool:
    """Whether a stage does anything with these knobs."""
    if stage == "penalties" and knobs.repeat_last_n == 0:
        return False
    rows = [row for row in KNOBS.values() if row.stage == stage and row.name != "repeat_last_n"]
    return any(getattr(knobs, row.name) != row.neutral for row in rows)


def stage_values(knobs: Knobs) -> tuple[Value, ...]:
    """What decides how the stages act: equal ones over equal tokens leave equal odds."""
    return tuple(getattr(knobs, row.name) for row in KNOBS.values() if row.stage)


def likeliest(logits: Logits, count: int) -> npt.NDArray[np.int64]:
    """Ids of the highest logits, highest first, equal ones by id."""
    near = np.flatnonzero(logits > logits.max() - NEAR)
    if len(near) < count:
        near = np.argpartition(logits, -count)[-count:]
    elif len(near) > 4 * count:
        near = near[np.argpartition(logits[near], -count)[-count:]]
    return near[np.lexsort((near, -logits[near]))][:count]


def draw(seed: int, index: int) -> float:
    """The random number, 0 <= u < 1, that chooses the token at an index of a reply.

    It depends on nothing else (Philox, Salmon et al. 2011, key = seed, counter = index): two replies with one seed
    differ only because of their knobs, and a branch at a token replays the draws after it.
    """
    raw: int = np.random.Philox(key=seed, counter=index).random_raw()
    return (raw >> 11) * 2.0**-53


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
