"""Interface between a running reply and the strategy that finds its tokens."""

from collections.abc import Sequence
from typing import Protocol

from tui.conversation.conversation import Ending
from tui.engine.backend import Backend
from tui.engine.constraint.constraint import Constraint
from tui.engine.decode.branch import Branch, Move
from tui.engine.protocol import Hypothesis
from tui.engine.reply.reply_text import ReplyText
from tui.engine.sampling.chain import Chain
from tui.engine.sampling.distribution import Distribution, TokenChoice
from tui.knobs.table import Knobs


class Strategy(Protocol):
    """A way of finding the tokens of one reply."""

    @property
    def index(self) -> int:
        """Index of the token that it chooses next."""

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Choose the next tokens; none when the reply is complete and finished."""

    def write_best(self, branches: Sequence[Branch]) -> Branch | None:
        """Write the best hypothesis so far, and return its branch; None if the reply cannot go on."""


class StrategyReply(Protocol):
    """Parts of a running reply that a strategy reads and writes."""

    backend: Backend
    constraint: Constraint | None
    """Constraint on the next token, if any."""
    count: int
    """Index of the next token."""
    crossed: bool
    """True from the token that begins or ends a thought until the next is to be chosen."""
    reply_text: ReplyText
    best: tuple[Hypothesis, ...]
    """Hypotheses that the reply was chosen from, the best first."""

    @property
    def knobs(self) -> Knobs:
        """Knobs in effect."""

    @property
    def left(self) -> int:
        """Number of tokens it may still generate; -1 without a limit."""

    def chance(self, stream: int = 0) -> float:
        """Return the random number for the next token."""

    def odds(self, branch: Branch, chain: Chain, constraint: Constraint | None) -> Distribution:
        """Return the distribution at a branch."""

    def crosses(self, tokens: Sequence[int]) -> bool:
        """Return True if these tokens cross a thinking tag after which other knobs or a constraint apply."""

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Choose again, with the strategy that the knobs now ask for."""

    def write(self, choice: TokenChoice, used: int) -> bool:
        """Add the next token. Return True if the reply goes on."""

    def emit_hypotheses(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Show what may come next, the likeliest first."""

    def finish(self, ending: Ending) -> None:
        """End the reply with the tokens written so far."""
