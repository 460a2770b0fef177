"""What is kept of one position's logits: the likeliest tokens one by one, the rest as a histogram.

It is enough to say how the token would have been chosen with other knobs, without the model. A probability worked out
from it is within 0.001 of the true one for knobs within 0.001 of those asked for: where a cut ends on a knife's edge,
it may fall on the other side (`tests/engine/test_record.py`). A bias or a penalty on a token of the tail is not seen,
since which token stands where in the tail is not kept.
"""

import struct

import numpy as np
import numpy.typing as npt

from tui.engine.backend import CANDIDATE, Candidates, Logits

KEPT = 128
"""Tokens kept one by one."""

BINS = 96
"""Bars of the histogram. They widen with the distance from the last token kept: far down it takes less to be exact."""

HOPELESS = 200.0
"""Logits this far below the best, such as -inf, are as good as none: e^-200 is 0 however many there are."""

_NEGLIGIBLE = 1e-4
"""The share of the probability that may be left out."""

_FINE = 4096
_HEAD = struct.Struct("<IfHH")
_EDGES = (np.arange(BINS) / BINS) ** 2
_MIDDLES = np.arange(_FINE) + 0.5


class Record:
    """A record, unpacked."""

    def __init__(self, packed: bytes) -> None:
        self.vocabulary, self.best, kept, bins = _HEAD.unpack_from(packed)
        """`best` is the highest logit."""
        place = _HEAD.size
        self.ids = np.frombuffer(packed, np.int32, kept, place)
        self.gaps = np.frombuffer(packed, np.float32, kept, place + 4 * kept)
        """How far each token kept is below the best."""
        self.counts = np.frombuffer(packed, np.uint32, bins, place + 8 * kept)
        self.means = np.frombuffer(packed, np.float32, bins, place + 8 * kept + 4 * bins)
        """How many tokens are in each bar, and how far below the best."""

    def candidates(self, temperature: float) -> Candidates:
        """Those kept, and of the tail as much as counts at a temperature; its tokens have ids past the vocabulary."""
        weights = self.counts * np.exp(-self.means / temperature)
        beyond = weights[::-1].cumsum()[::-1]
        bars = int(np.count_nonzero(beyond > _NEGLIGIBLE * np.exp(-self.gaps / temperature).sum()))
        below = np.concatenate((self.gaps, np.repeat(self.means[:bars], self.counts[:bars])))
        found = np.empty(len(below), CANDIDATE)
        found["id"][: len(self.ids)] = self.ids
        found["id"][len(self.ids) :] = np.arange(self.vocabulary, self.vocabulary + len(below) - len(self.ids))
        found["logit"] = self.best - below
        return found

    def logits(self) -> Logits:
        """The logits, as far as they are known: those of the tail stand at any of its tokens."""
        logits = np.full(self.vocabulary, -np.inf, np.float32)
        others = np.ones(self.vocabulary, bool)
        others[self.ids] = False
        tail = np.flatnonzero(others)
        below = np.repeat(self.means, self.counts)[: len(tail)]
        logits[tail[: len(below)]] = self.best - below
        logits[self.ids] = np.where(self.gaps < HOPELESS, self.best - self.gaps, -np.inf)
        return logits


def pack(
    logits: Logits, likeliest: npt.NDArray[np.int64], gaps: npt.NDArray[np.float32], total: float, chosen: int
) -> bytes:
    """The record of a position.

    `likeliest` are the ids of the highest logits, `gaps` how far every logit is below the best, at most HOPELESS,
    `total` the sum of e^-gap, and `chosen` a token to keep wherever it stands.
    """
    ids = likeliest.astype(np.int32)
    ids = ids if chosen in ids else np.append(ids, np.int32(chosen))
    kept = gaps[ids]
    counts, means = _histogram(gaps, kept, total)
    head = _HEAD.pack(len(logits), float(logits[likeliest[0]]), len(ids), len(counts))
    return b"".join((head, ids.tobytes(), kept.tobytes(), counts.tobytes(), means.tobytes()))


def _histogram(
    gaps: npt.NDArray[np.float32], kept: npt.NDArray[np.float32], total: float
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
    """Bars of those not kept: how many, and where their middle is."""
    furthest = float(gaps.max())
    if furthest >= HOPELESS:
        gaps = gaps[gaps < HOPELESS]
        furthest = float(gaps.max())
    scale = (_FINE - 1) / max(furthest, 1e-6)
    fine = np.bincount((gaps * scale).astype(np.intp), minlength=_FINE)
    fine -= np.bincount((kept[kept < HOPELESS] * scale).astype(np.intp), minlength=_FINE)
    start = int(np.flatnonzero(fine)[0]) if fine.any() else _FINE - 1
    edges = np.unique((start + _EDGES * (_FINE - start)).astype(np.intp))
    counts = np.add.reduceat(fine, edges)
    sums = np.add.reduceat(fine * _MIDDLES, edges)
    filled = counts > 0
    counts, means = counts[filled], sums[filled] / (counts[filled] * scale)
    # What grouping has cost is given back: at temperature 1 the tail weighs what it did.
    weight = total - float(np.exp(-kept).sum(dtype=np.float64))
    if weight > _NEGLIGIBLE * total and len(counts):
        means = means + np.log(float(np.dot(counts, np.exp(-means))) / weight)
    return counts.astype(np.uint32), means.astype(np.float32)
