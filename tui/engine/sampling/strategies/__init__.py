"""The strategies: each finds the tokens of a reply in its own way."""

from tui.engine.sampling.strategies.beam import BeamSearch
from tui.engine.sampling.strategies.contrastive import ContrastiveSearch
from tui.engine.sampling.strategies.sample import Sampling
from tui.engine.sampling.strategies.strategy import Strategy, StrategyReply
from tui.knobs.table import Knobs


def make_strategy(reply: StrategyReply) -> Strategy:
    """Build the strategy that a reply's knobs ask for."""
    match reply.knobs.strategy:
        case "beam":
            return BeamSearch(reply)
        case "contrastive":
            return ContrastiveSearch(reply)
        case _:
            return Sampling(reply)


def width(knobs: Knobs) -> int:
    """Return the most branches that a reply with these knobs takes."""
    return {"beam": knobs.num_beams, "contrastive": knobs.contrastive_k}.get(knobs.strategy, 1)
