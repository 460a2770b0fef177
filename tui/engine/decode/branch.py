"""Branches: leaves of the prefix tree, and the readers of their logits."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tui.engine.backend import Logits
from tui.engine.decode.cache import CachedSequence
from tui.engine.sampling.distribution import Distribution
from tui.knobs.table import Knobs


class Branch:
    """The tokens that some replies have in common. It is decoded once, for all of them."""

    def __init__(self, tokens: list[int], readers: list["LogitsReader"], cached: CachedSequence | None = None) -> None:
        self.tokens, self.readers, self.cached = tokens, readers, cached
        """`cached` is its sequence in the KV cache; None while it waits for another branch."""
        self.logits: Logits | None = None
        self._odds: dict[tuple[object, ...], Distribution] = {}

    @property
    def pending(self) -> int:
        """Number of tokens yet to be evaluated."""
        return len(self.tokens) - (len(self.cached.tokens) if self.cached else 0)

    @property
    def hidden(self) -> bool:
        """True if a reader needs the hidden states of its tokens."""
        return any(reader.hidden for reader in self.readers)

    def set_logits(self, logits: Logits) -> None:
        """Set the logits of the token after the last."""
        self.logits = logits
        self._odds.clear()

    def odds(self, key: tuple[object, ...], make: Callable[[Logits], Distribution]) -> Distribution:
        """Return the distribution here, computed once for every reader with the same key. There must be logits."""
        assert self.logits is not None
        if key not in self._odds:
            self._odds[key] = make(self.logits)
        return self._odds[key]


class Move(NamedTuple):
    """Token that a reader chose after a branch."""

    branch: Branch
    token: int


class LogitsReader(Protocol):
    """Reader of the logits after a list of tokens, on one branch or on several: a reply or a preview."""

    id: str

    @property
    def knobs(self) -> Knobs:
        """Knobs that apply to the next token."""

    @property
    def hidden(self) -> bool:
        """True if it needs the hidden states of all tokens as well."""

    def choose(self, branches: Sequence[Branch]) -> list[Move]:
        """Choose the next tokens on its branches, whose logits are there; none when it is done."""

    def on_prefix(self, reused: int) -> None:
        """Handle the start of the prompt: `reused` of its tokens are in the cache."""

    def on_progress(self, done: int, total: int) -> None:
        """Handle progress: `done` of `total` prompt tokens are evaluated."""

    def on_context_full(self) -> None:
        """End, because the context has no room to go on."""

    def keeps(self) -> int | None:
        """Return the number of first tokens that a context shift must keep; None if it may not be shifted."""

    def on_shift(self, dropped: int) -> None:
        """Handle a context shift that dropped so many of the oldest tokens."""

    def fail(self, reason: str) -> None:
        """Handle a failure: the logits will not come."""
