"""Token measures of the heatmap: probability, rank, entropy, each in levels from sure (0) to surprising (7)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from math import log2

from msgspec import Struct

from tui.conversation.trace import TokenTrace

LEVELS = 8

_MOST_BITS = 1000.0
"""Limit of the exponent: 2 to a higher power overflows a float."""


class Measure(Struct, frozen=True):
    """Measure of how sure the model was of a token."""

    name: str
    short: str
    """Short name for narrow screens."""
    unit: str
    edges: tuple[float, ...]
    """Upper ends of all levels but the last; for a falling measure lower ends."""
    falling: bool
    """True if a lower value is more surprising, as with a probability."""
    of: Callable[[TokenTrace], float]

    def level(self, value: float) -> int:
        """Return the level of a value, 0 to 7."""
        if self.falling:
            return bisect_left(self.edges, -value, key=float.__neg__)
        return bisect_left(self.edges, value)

    def show(self, edge: float) -> str:
        """Format a value for the legend."""
        return f"{edge * 100:.0f}" if self.falling else f"{edge:g}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the levels: the smallest value of a level for a probability, else the largest."""
        last = f"<{self.show(self.edges[-1])}" if self.falling else f">{self.show(self.edges[-1])}"
        return (*map(self.show, self.edges), last)

    def beyond(self, level: int) -> str:
        """Describe the values of a level and all more surprising ones, such as `< 50 %`."""
        sign = "<" if self.falling else ">"
        return f"{sign} {self.show(self.edges[level - 1])}{' ' + self.unit if self.unit else ''}"


_SHARES = (0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.01)

MEASURES = (
    Measure("probability", "p", "%", _SHARES, True, lambda trace: trace.p),
    Measure("raw probability", "raw", "%", _SHARES, True, lambda trace: trace.p_raw),
    Measure("rank", "rank", "", (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 100.0), False, lambda trace: trace.rank + 1.0),
    Measure("entropy", "entropy", "bits", (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0), False, lambda trace: trace.entropy_raw),
)
"""Measures of the heatmap. The first is taken after the sampler stages, the others before; H = -sum p log2 p."""


class Likelihood(Struct, frozen=True):
    """Likelihood of a whole reply."""

    tokens: int
    cut: int
    """Number of tokens with probability 0, which `bits` and `perplexity` leave out."""
    bits: float
    """Sum of log2 p."""

    @property
    def perplexity(self) -> float:
        """Perplexity, 2 ** (-sum log2 p / n): the number of equally likely tokens to choose from at each step."""
        left = self.tokens - self.cut
        return 2.0 ** min(-self.bits / left, _MOST_BITS) if left else 1.0


def likelihood(shares: Iterable[float]) -> Likelihood:
    """Sum up the probabilities of a reply's tokens."""
    all_shares = list(shares)
    possible = [share for share in all_shares if share > 0]
    return Likelihood(len(all_shares), len(all_shares) - len(possible), sum(map(log2, possible)))
