"""Sequences of the KV cache, and the prefixes that a new prompt can reuse."""

from collections.abc import Sequence

from tui.conversation.trace import common_prefix
from tui.engine.backend import Backend, Hidden


class CachedSequence:
    """Contents of one sequence of the KV cache."""

    def __init__(self, sequence: int, tokens: list[int], hidden: list[Hidden], exact: int | None = None) -> None:
        self.sequence, self.tokens, self.hidden = sequence, tokens, hidden
        """`hidden` are the hidden states of the first tokens, for as many as they were asked for."""
        self.exact = exact
        """Number of first tokens with the same state as if evaluated anew; those after a shift differ. None:
        all."""

    def reusable(self, hidden: bool) -> list[int]:
        """Return the tokens that another prompt can begin with, where it needs hidden states or not."""
        tokens = self.tokens if self.exact is None else self.tokens[: self.exact]
        return tokens[: len(self.hidden)] if hidden else tokens


class Cache:
    """Every sequence of one context; those not in use are kept for later, and the longest unused goes first.

    With a `stride` the numbers are to be the same, to the last digit, whatever was evaluated before. They depend on how
    many tokens a batch has and on which cells of the context are in use. So a prompt begins with whole slices of that
    many tokens, which were evaluated from the first cell on, and with nothing else in the context.
    """

    def __init__(self, backend: Backend, stride: int | None = None) -> None:
        self._backend, self._stride = backend, stride
        self._sequences: dict[int, CachedSequence] = {}
        self._idle: list[CachedSequence] = []
        """Not in use, the least recently used first."""

    def acquire(self, prompt: Sequence[int], *, hidden: bool = False) -> CachedSequence:
        """Acquire a sequence that holds a prefix of a prompt, with its hidden states where they are needed.

        The last token is always left to evaluate: its logits are what a reply starts from.
        """
        cached = self._acquire(prompt, hidden)
        while self._stride and self.evict():
            pass
        return cached

    def _acquire(self, prompt: Sequence[int], hidden: bool) -> CachedSequence:
        source, length = self._longest(prompt, hidden)
        if source in self._idle and source is not None:
            self._idle.remove(source)
            if length == len(source.tokens):
                return source
            self._idle.append(source)  # what is copied from is in use: it must not be the one that makes room
        return self._copy(source, length) if source and length else self._copy(None, 0)

    def fork(self, cached: CachedSequence) -> CachedSequence:
        """Copy a sequence. Nothing is evaluated or moved: both share their cells."""
        return self._copy(cached, len(cached.tokens))

    def extend(self, cached: CachedSequence, tokens: Sequence[int], hidden: Sequence[Hidden]) -> None:
        """Add tokens that were evaluated in a sequence, and their hidden states where they were asked for."""
        if len(cached.hidden) == len(cached.tokens):
            cached.hidden += hidden
        if cached.exact == len(cached.tokens) and len(tokens) == self._stride:
            cached.exact += self._stride
        cached.tokens += tokens

    def shift(self, cached: CachedSequence, keep: int, count: int) -> CachedSequence:
        """Drop `count` tokens after the first `keep`, and move those after them up.

        Where other sequences share their cells, only the first `keep` remain: the caller evaluates the rest again.
        """
        for idle in [each for each in self._idle if common_prefix(each.tokens, cached.tokens) > keep]:
            self._idle.remove(idle)
            self.drop(idle)
        others = (each for each in self._sequences.values() if each is not cached)
        shared = any(common_prefix(each.tokens, cached.tokens) > keep for each in others)
        if shared or not self._backend.shift(cached.sequence, keep, count):
            prefix = self._copy(cached, keep)
            self.drop(cached)
            return prefix
        del cached.tokens[keep : keep + count]
        del cached.hidden[keep:]
        if self._stride:
            cached.exact = 0  # it is the keys that are turned, all of them anew: some by nothing, which may round them
        else:
            cached.exact = keep if cached.exact is None else min(cached.exact, keep)
        return cached

    def release(self, cached: CachedSequence) -> None:
        """Keep a sequence for later, unless another holds all of it anyway."""
        tokens = cached.reusable(hidden=False)
        others = (each for each in self._sequences.values() if each is not cached)
        others = (each for each in others if len(each.hidden) >= len(cached.hidden))
        if not tokens or any(each.reusable(hidden=False)[: len(tokens)] == tokens for each in others):
            self.drop(cached)
        else:
            self._idle.append(cached)

    def drop(self, cached: CachedSequence) -> None:
        """Drop a sequence that is not idle, such as one whose contents are not valid any more."""
        del self._sequences[cached.sequence]
        self._backend.drop(cached.sequence)

    def evict(self) -> bool:
        """Make room by dropping the least recently used idle sequence; False when there is none."""
        if not self._idle:
            return False
        self.drop(self._idle.pop(0))
        return True

    def longest(self, prompt: Sequence[int], *, hidden: bool = False) -> int:
        """Return the number of tokens of a prompt that need not be evaluated."""
        return self._longest(prompt, hidden)[1]

    def _longest(self, prompt: Sequence[int], hidden: bool) -> tuple[CachedSequence | None, int]:
        best, length = None, 0
        for cached in self._sequences.values():
            shared = self._whole(common_prefix(cached.reusable(hidden), prompt[:-1]))
            if shared < len(cached.tokens) and not self._backend.cuttable:
                continue  # such a memory is one running state: it can be gone on from, not cut back
            if self._stride and bool(cached.hidden) != hidden:
                continue  # a batch that gives hidden states is another computation
            if shared > length or (shared == length and shared and cached in self._idle):
                best, length = cached, shared
        return best, length

    def _copy(self, source: CachedSequence | None, length: int) -> CachedSequence:
        cached = CachedSequence(self._free(), [], [], 0 if self._stride else None)
        if source:
            self._backend.copy(source.sequence, cached.sequence, length)
            cached = CachedSequence(
                cached.sequence, source.tokens[:length], source.hidden[:length], self._exact(source, length)
            )
        self._sequences[cached.sequence] = cached
        return cached

    def _exact(self, source: CachedSequence, length: int) -> int | None:
        """Return `sound` for a copy of the first `length` tokens of a sequence."""
        if self._stride:
            return min(source.exact or 0, self._whole(length))
        return source.exact if source.exact is not None and source.exact < length else None

    def _whole(self, length: int) -> int:
        """Round a number of tokens down to whole slices."""
        return length - length % self._stride if self._stride else length

    def _free(self) -> int:
        for sequence in range(self._backend.sequences):
            if sequence not in self._sequences:
                return sequence
        self.evict()
        return self._free()
