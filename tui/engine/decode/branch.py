"""A leaf of the tree of tokens, and a step from it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tui.engine.backend import Logits
from tui.engine.decode.cache import CachedSequence
from tui.engine.sampling.distribution import Distribution
from tui.knobs.table import Knobs


class Branch:
    """The tokens that some replies have in common. It is decoded once, for all of them."""

    def __init__(self, tokens: list[int], readers: list["LogitsReader"], held: CachedSequence | None = None) -> None:
        self.tokens, self.readers, self.held = tokens, readers, held
        """`held` is None while it waits for a place to begin."""
        self.logits: Logits | None = None
        self._odds: dict[tuple[object, ...], Distribution] = {}

    @property
    def pending(self) -> int:
        """How many tokens are yet to be evaluated."""
        return len(self.tokens) - (len(self.held.tokens) if self.held else 0)

    @property
    def hidden(self) -> bool:
        """Whether somebody needs the hidden states of its tokens."""
        return any(reader.hidden for reader in self.readers)

    def arrive(self, logits: Logits) -> None:
        """Take the scores of the token after the last."""
        self.logits = logits
        self._odds.clear()

    def odds(self, key: tuple[object, ...], make: Callable[[Logits], Distribution]) -> Distribution:
        """The odds here, worked out once for all whose key is the same. There must be logits."""
        assert self.logits is not None
        if key not in self._odds:
            self._odds[key] = make(self.logits)
        return self._odds[key]


class Move(NamedTuple):
    """A token to go on with from a branch."""

    branch: Branch
    token: int


class LogitsReader(Protocol):
    """Whoever waits for the logits after a run of tokens, on one branch or on several."""

    id: str

    @property
    def knobs(self) -> Knobs:
        """What it reads with."""

    @property
    def hidden(self) -> bool:
        """Whether it needs the hidden states of all tokens as well."""

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """How to go on from its branches, whose logits are there; nothing when there is no more to read."""

    def rooted(self, reused: int) -> None:
        """Be told how many tokens of the prompt need not be evaluated."""

    def waiting(self, done: int, total: int) -> None:
        """Be told how much of the prompt is evaluated."""

    def crowded(self) -> None:
        """End, because the context has no room to go on."""

    def keeps(self) -> int | None:
        """How many first tokens must stay when the oldest are forgotten; None when none may be."""

    def shifted(self, dropped: int) -> None:
        """Be told that so many of the oldest tokens were forgotten."""

    def fail(self, reason: str) -> None:
        """Be told that the logits will not come."""
