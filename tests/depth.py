"""How much the tests try. TWIDDLE_DEPTH is `quick` (the default), `deep`, or a number of times the deep counts."""

import os
from datetime import UTC, datetime

DEPTH = os.environ.get("TWIDDLE_DEPTH", "quick")
if DEPTH not in ("quick", "deep") and not (DEPTH.isdecimal() and int(DEPTH)):
    raise ValueError(f"TWIDDLE_DEPTH is {DEPTH!r}; it takes quick, deep or a number from 1 on.")

QUICK = DEPTH == "quick"
_TIMES = int(DEPTH) if DEPTH.isdecimal() else 1
_TODAY = datetime.now(UTC).date().toordinal()
_EVERY = 5
"""The quick tier tries one in so many of the points where something can fail, each day others."""

SEED = 1 if QUICK else _TODAY
"""Seed of the tests that draw at random. The quick tier has always the same, so that it cannot fail by chance."""


def depth(quick: int, deep: int) -> int:
    """Return how often to try in this run."""
    return quick if QUICK else deep * _TIMES


def takes(point: int) -> bool:
    """Return True if this run tries one of many numbered points where something can fail."""
    return not QUICK or point % _EVERY == _TODAY % _EVERY


def header() -> str:
    """Return the line that pytest prints before the run."""
    points = f"points {_TODAY % _EVERY} of every {_EVERY}" if QUICK else "all points"
    return f"depth: {DEPTH} (TWIDDLE_DEPTH), seed {SEED}, {points}"
