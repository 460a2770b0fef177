"""How a token was chosen, as values: the candidates, what each stage left of them, and the odds before and after."""

from collections.abc import Callable, Sequence
from operator import eq
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class Candidate(Struct, frozen=True, array_like=True):
    """A token that could have come next."""

    id: int
    text: str
    """What it says; control tokens by name, such as `<|im_end|>`."""
    p_raw: float
    """Its probability over the whole vocabulary at temperature 1, before any stage."""
    p: float
    """Its probability when the token was drawn; 0 if a stage cut it."""
    cut: str | None = None
    """The stage that cut it."""


class StageTrace(Struct, frozen=True, array_like=True):
    """One step of the chain that chose the token, in the order it ran."""

    name: str
    survivors: int
    """How many candidates it left."""


class TokenTrace(Struct, frozen=True, array_like=True):
    """Everything known about the choice of one token."""

    id: int
    """The token chosen, or -1 for a look at the next token before it is chosen."""
    text: str
    p_raw: float
    p: float
    rank: int
    """Place of the chosen token among all by raw probability, 0 the likeliest."""
    entropy_raw: float
    entropy: float
    """In bits, before and after the stages."""
    stages: tuple[StageTrace, ...]
    candidates: tuple[Candidate, ...]
    """The likeliest tokens by raw probability, and the chosen one if it is not among them."""

    @property
    def cut(self) -> str:
        """The stage that cut the chosen token, where it was not drawn but put there by a person."""
        return next((each.cut for each in self.candidates if each.id == self.id and each.cut), "")


def common_prefix(left: Sequence[T], right: Sequence[T], same: Callable[[T, T], bool] = eq) -> int:
    """Return the number of leading items that two sequences share, compared by `same`."""
    differing = (index for index, alike in enumerate(map(same, left, right)) if not alike)
    return next(differing, min(len(left), len(right)))


def diverged_at(left: Sequence[object], right: Sequence[object], *, complete: bool = True) -> int | None:
    """Index of the first token at which two replies differ, or None while they agree.

    Where one is the beginning of the other they differ at its end, once both are complete.
    """
    index = common_prefix(left, right)
    if index < min(len(left), len(right)):
        return index
    return index if complete and len(left) != len(right) else None
