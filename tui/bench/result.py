"""Results of a measurement."""

from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct


class Result(Struct, frozen=True):
    """One measure, over its rounds."""

    name: str
    model: str
    unit: str
    values: tuple[float, ...]
    """One a round."""
    target: float | None = None
    higher: bool = True
    """True if more is better: the target is then the least value, else the most."""

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    @property
    def met(self) -> bool | None:
        """True if the target is met; None without a target."""
        if self.target is None:
            return None
        return self.median >= self.target if self.higher else self.median <= self.target


def ratios(rounds: int, above: Callable[[], float], below: Callable[[], float]) -> tuple[float, ...]:
    """Return the ratio of two figures, measured one right after the other in each round, each first in turns."""
    found = []
    for index in range(rounds):
        if index % 2:
            figures: Sequence[float] = (above(), below())
        else:
            figures = (below(), above())[::-1]
        found.append(figures[0] / figures[1])
    return tuple(found)
