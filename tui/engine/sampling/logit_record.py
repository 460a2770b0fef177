"""Compressed logits of one position: the likeliest tokens one by one, the rest as a histogram.

It is enough to say how the token would have been chosen with other knobs, without the model. A probability worked out
from it is within 0.001 of the true one for knobs within 0.001 of those asked for: where a cut ends on a knife's edge,
it may fall on the other side (`tests/engine/test_logit_record.py`). A bias or a penalty on a token of the tail is
not seen, since which token stands where in the tail is not kept.
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

_FINE = 2048
_HEAD = struct.Struct("<IfHH")
_EDGES = (np.arange(BINS) / BINS) ** 2
_MOMENTS = [(np.arange(_FINE) + 0.5) ** power for power in range(3)]


class LogitRecord:
    """A record, unpacked."""

    def __init__(self, packed: bytes) -> None:
        self.vocabulary, self.best, kept, bins = _HEAD.unpack_from(packed)
        """`best` is the highest logit."""
        place = _HEAD.size
        self.ids = np.frombuffer(packed, np.int32, kept, place)
        self.kept = np.frombuffer(packed, np.float32, kept, place + 4 * kept)
        """The logit of each token kept, to the last bit: a cut may fall between two that are nearly equal."""
        self.counts = np.frombuffer(packed, np.uint32, bins, place + 8 * kept)
        self.means = np.frombuffer(packed, np.float32, bins, place + 8 * kept + 4 * bins)
        """Number of tokens in each bar, and their mean distance below the best."""
        self._widths = np.frombuffer(packed, np.float32, bins, place + 8 * kept + 8 * bins)
        """Width of each bar, were its tokens spread evenly."""

    def candidates(self, temperature: float) -> Candidates:
        """Return the kept tokens, and as much of the tail as counts at a temperature, with ids past the vocabulary."""
        weights = self.counts * np.exp(-self.means / temperature)
        beyond = weights[::-1].cumsum()[::-1]
        bars = int(np.count_nonzero(beyond > _NEGLIGIBLE * np.exp((self.kept - self.best) / temperature).sum()))
        logits = np.concatenate((self.kept, self.best - self._tail(bars)))
        found = np.empty(len(logits), CANDIDATE)
        found["id"][: len(self.ids)] = self.ids
        found["id"][len(self.ids) :] = np.arange(self.vocabulary, self.vocabulary + len(logits) - len(self.ids))
        found["logit"] = logits
        return found

    def _tail(self, bars: int) -> npt.NDArray[np.float32]:
        """Return the distances below the best of the tokens in the first bars, spread evenly over each."""
        counts = self.counts[:bars].astype(np.intp)
        place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        share = (place + 0.5) / np.repeat(counts, counts) - 0.5
        tail = np.repeat(self.means[:bars], counts) + share * np.repeat(self._widths[:bars], counts)
        return tail.astype(np.float32)

    def logits(self) -> Logits:
        """Return logits of the whole vocabulary; the values of the tail are known, but not which token has which."""
        logits = np.full(self.vocabulary, -np.inf, np.float32)
        others = np.ones(self.vocabulary, bool)
        others[self.ids] = False
        tail = np.flatnonzero(others)
        below = self._tail(len(self.counts))[: len(tail)]
        logits[tail[: len(below)]] = self.best - below
        logits[self.ids] = self.kept
        return logits


def is_whole(packed: bytes) -> bool:
    """Return True if the bytes are a record: what is read from a file may be anything."""
    if len(packed) < _HEAD.size:
        return False
    vocabulary, best, kept, bins = _HEAD.unpack_from(packed)
    if len(packed) != _HEAD.size + 8 * kept + 12 * bins or not kept:
        return False
    record = LogitRecord(packed)
    there = (record.ids >= 0) & (record.ids < vocabulary) & (record.kept <= best)  # also -inf, but not NaN
    counted = kept + int(record.counts.sum(dtype=np.uint64)) <= vocabulary
    spread = np.isfinite(record._widths) & np.isfinite(record.means) & (record.means >= 0)
    return counted and bool(np.isfinite(best)) and bool(there.all()) and bool(spread.all())


def pack(
    logits: Logits, likeliest: npt.NDArray[np.int64], gaps: npt.NDArray[np.float32], total: float, chosen: int
) -> bytes:
    """Pack the logits of one position.

    `likeliest` are the ids of the highest logits, `gaps` how far every logit is below the best, at most HOPELESS,
    `total` the sum of e^-gap, and `chosen` a token to keep wherever it stands.
    """
    ids = likeliest.astype(np.int32)
    ids = ids if chosen in ids else np.append(ids, np.int32(chosen))
    counts, means, widths = _histogram(gaps, gaps[ids], total)
    head = _HEAD.pack(len(logits), float(logits[likeliest[0]]), len(ids), len(counts))
    return b"".join((head, *(each.tobytes() for each in (ids, logits[ids], counts, means, widths))))


def _histogram(
    gaps: npt.NDArray[np.float32], kept: npt.NDArray[np.float32], total: float
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Bars of those not kept: how many, their mean, and how wide they are spread."""
    furthest = float(gaps.max())
    if furthest >= HOPELESS:
        gaps = gaps[gaps < HOPELESS]
        furthest = float(gaps.max())
    scale = (_FINE - 1) / max(furthest, 1e-6)
    fine = np.bincount((gaps * scale).astype(np.intp), minlength=_FINE)
    fine -= np.bincount((kept[kept < HOPELESS] * scale).astype(np.intp), minlength=_FINE)
    start = int(np.flatnonzero(fine)[0]) if fine.any() else _FINE - 1
    edges = (start + _EDGES * (_FINE - start)).astype(np.intp)
    edges = edges[np.append(True, edges[1:] > edges[:-1])]
    filled = np.add.reduceat(fine, edges) > 0
    counts, means, squares = (
        np.add.reduceat(fine * moment, edges)[filled] / scale**power for power, moment in enumerate(_MOMENTS)
    )
    means /= counts
    widths = np.sqrt(12 * np.maximum(squares / counts - means**2, 0))
    # What grouping has cost is given back: at temperature 1 the tail weighs what it did.
    weight = total - float(np.exp(-kept).sum(dtype=np.float64))
    if weight > _NEGLIGIBLE * total and len(counts):
        means = means + np.log(float(np.dot(counts, np.exp(-means))) / weight)
    return counts.astype(np.uint32), means.astype(np.float32), widths.astype(np.float32)
