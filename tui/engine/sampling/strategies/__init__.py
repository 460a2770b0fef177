"""The strategies: what drives a reply forward."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tui.engine.decode.branch import Branch, Move
from tui.engine.sampling.strategies.beam import BeamSearch
from tui.engine.sampling.strategies.contrastive import ContrastiveSearch
from tui.engine.sampling.strategies.sample import Sampling
from tui.knobs.table import Knobs

if TYPE_CHECKING:
    from tui.engine.decode.generation import Generation


class Strategy(Protocol):
    """A way of finding the tokens of one reply."""

    @property
    def index(self) -> int:
        """Of the token that it chooses next."""

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """How to go on; nothing when the reply is complete and finished."""

    def settle(self, branches: Sequence[Branch]) -> Branch | None:
        """Decide for the best so far and write it: the branch it stands on, None when there is none to go on from."""


def make_strategy(reply: "Generation") -> Strategy:
    """The strategy that a reply's knobs ask for."""
    match reply.knobs.strategy:
        case "beam":
            return BeamSearch(reply)
        case "contrastive":
            return ContrastiveSearch(reply)
        case _:
            return Sampling(reply)


def width(knobs: Knobs) -> int:
    """How many branches a reply with these knobs takes at most."""
    return {"beam": knobs.num_beams, "contrastive": knobs.contrastive_k}.get(knobs.strategy, 1)
