"""What the tokens of a reply can be coloured by: a measure with its levels, from sure (0) to surprising (7)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from math import log2

from msgspec import Struct

from tui.conversation.trace import TokenTrace

LEVELS = 8

_MOST_BITS = 1000.0
"""2 to the power of more is no float."""


class Measure(Struct, frozen=True):
    """One way to say how sure the model was of a token."""

    name: str
    short: str
    """The same where there is little room."""
    unit: str
    edges: tuple[float, ...]
    """Where each level but the last ends."""
    falling: bool
    """Whether less is more surprising, as with a probability."""
    of: Callable[[TokenTrace], float]

    def level(self, value: float) -> int:
        """The level of a value."""
        if self.falling:
            return bisect_left(self.edges, -value, key=float.__neg__)
        return bisect_left(self.edges, value)

    def show(self, edge: float) -> str:
        """A value as it is written in the legend."""
        return f"{edge * 100:.0f}" if self.falling else f"{edge:g}"

    @property
    def labels(self) -> tuple[str, ...]:
        """What each level is called: a probability by the least that belongs to it, others by the most."""
        last = f"<{self.show(self.edges[-1])}" if self.falling else f">{self.show(self.edges[-1])}"
        return (*map(self.show, self.edges), last)

    def beyond(self, level: int) -> str:
        """In words, what belongs to a level or a more surprising one."""
        sign = "<" if self.falling else ">"
        return f"{sign} {self.show(self.edges[level - 1])}{' ' + self.unit if self.unit else ''}"


_SHARES = (0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.01)

MEASURES = (
    Measure("probability", "p", "%", _SHARES, True, lambda trace: trace.p),
    Measure("raw probability", "raw", "%", _SHARES, True, lambda trace: trace.p_raw),
    Measure("rank", "rank", "", (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 100.0), False, lambda trace: trace.rank + 1.0),
    Measure("entropy", "entropy", "bits", (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0), False, lambda trace: trace.entropy_raw),
)
"""The first follows the knobs; the others are the model's own."""


class Likelihood(Struct, frozen=True):
    """How likely a reply is, token by token taken together."""

    tokens: int
    cut: int
    """Tokens that could not have been drawn at all; the rest of the figures is about the others."""
    bits: float
    """The sum of log2 p."""

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens it was as if each had been drawn from."""
        left = self.tokens - self.cut
        return 2.0 ** min(-self.bits / left, _MOST_BITS) if left else 1.0


def likelihood(shares: Iterable[float]) -> Likelihood:
    """How likely a reply is whose tokens have these probabilities."""
    given = list(shares)
    possible = [share for share in given if share > 0]
    return Likelihood(len(given), len(given) - len(possible), sum(map(log2, possible)))
