"""Token traces: how a token was chosen, with its candidates, the sampler stages, and probabilities before and after."""

from collections.abc import Callable, Sequence
from operator import eq
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class Candidate(Struct, frozen=True, array_like=True):
    """Token that could have come next."""

    id: int
    text: str
    """Text of the token; control tokens by name, such as `<|im_end|>`."""
    p_raw: float
    """Probability over the whole vocabulary at temperature 1, before any stage."""
    p: float
    """Probability after all stages; 0 if a stage cut it."""
    cut: str | None = None
    """Stage that cut it, if one did."""


class StageTrace(Struct, frozen=True, array_like=True):
    """Sampler stage in the order it ran."""

    name: str
    survivors: int
    """Number of candidates left after it."""


class TokenTrace(Struct, frozen=True, array_like=True):
    """Trace of one token: its probabilities, the stages and the candidates."""

    id: int
    """Id of the chosen token; -1 in a preview, where none is chosen yet."""
    text: str
    p_raw: float
    p: float
    rank: int
    """Rank of the chosen token by raw probability, 0 being the most likely."""
    entropy_raw: float
    entropy: float
    """Entropy in bits, `entropy_raw` before the stages and `entropy` after."""
    stages: tuple[StageTrace, ...]
    candidates: tuple[Candidate, ...]
    """Most likely tokens by raw probability, and the chosen one if it is not among them."""

    @property
    def cut(self) -> str:
        """Stage that would have cut the chosen token, where a person chose it instead of the sampler."""
        return next((each.cut for each in self.candidates if each.id == self.id and each.cut), "")


def common_prefix(left: Sequence[T], right: Sequence[T], same: Callable[[T, T], bool] = eq) -> int:
    """Return the number of leading items that two sequences share, compared by `same`."""
    differing = (index for index, alike in enumerate(map(same, left, right)) if not alike)
    return next(differing, min(len(left), len(right)))


def diverged_at(left: Sequence[object], right: Sequence[object], *, complete: bool = True) -> int | None:
    """Return the index of the first token at which two replies differ, or None while they agree.

    If one is a prefix of the other, they differ at its end once both are `complete`.
    """
    index = common_prefix(left, right)
    if index < min(len(left), len(right)):
        return index
    return index if complete and len(left) != len(right) else None
