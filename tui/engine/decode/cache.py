"""The sequences of the KV cache: what each holds, and what of it a new prompt can begin with."""

from collections.abc import Sequence

from tui.conversation.trace import common_prefix
from tui.engine.backend import Backend, Hidden


class CachedSequence:
    """Contents of one sequence of the KV cache."""

    def __init__(self, sequence: int, tokens: list[int], hidden: list[Hidden], sound: int | None = None) -> None:
        self.sequence, self.tokens, self.hidden = sequence, tokens, hidden
        """`hidden` are the hidden states of the first tokens, for as many as they were asked for."""
        self.sound = sound
        """Number of first tokens with the same state as if evaluated anew; those after a shift differ. None:
        all."""

    def reusable(self, hidden: bool) -> list[int]:
        """Return the tokens that another prompt can begin with, where it needs hidden states or not."""
        tokens = self.tokens if self.sound is None else self.tokens[: self.sound]
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
        held = self._acquire(prompt, hidden)
        while self._stride and self.evict():
            pass
        return held

    def _acquire(self, prompt: Sequence[int], hidden: bool) -> CachedSequence:
        source, length = self._longest(prompt, hidden)
        if source in self._idle and source is not None:
            self._idle.remove(source)
            if length == len(source.tokens):
                return source
            self._idle.append(source)  # what is copied from is in use: it must not be the one that makes room
        return self._copy(source, length) if source and length else self._copy(None, 0)

    def fork(self, held: CachedSequence) -> CachedSequence:
        """Copy a sequence. Nothing is evaluated or moved: both share their cells."""
        return self._copy(held, len(held.tokens))

    def extend(self, held: CachedSequence, tokens: Sequence[int], hidden: Sequence[Hidden]) -> None:
        """Add tokens that were evaluated in a sequence, and their hidden states where they were asked for."""
        if len(held.hidden) == len(held.tokens):
            held.hidden += hidden
        if held.sound == len(held.tokens) and len(tokens) == self._stride:
            held.sound += self._stride
        held.tokens += tokens

    def shift(self, held: CachedSequence, keep: int, count: int) -> CachedSequence:
        """Forget `count` tokens after the first `keep`; those after them move up, as they are where that can be done.

        Where others share their cells they stay to be evaluated again: compare the tokens held with those wanted.
        """
        for idle in [each for each in self._idle if common_prefix(each.tokens, held.tokens) > keep]:
            self._idle.remove(idle)
            self.drop(idle)
        others = (each for each in self._sequences.values() if each is not held)
        shared = any(common_prefix(each.tokens, held.tokens) > keep for each in others)
        if shared or not self._backend.shift(held.sequence, keep, count):
            kept = self._copy(held, keep)
            self.drop(held)
            return kept
        del held.tokens[keep : keep + count]
        del held.hidden[keep:]
        if self._stride:
            held.sound = 0  # it is the keys that are turned, all of them anew: some by nothing, which may round them
        else:
            held.sound = keep if held.sound is None else min(held.sound, keep)
        return held

    def release(self, held: CachedSequence) -> None:
        """Keep a sequence for later, unless another holds all of it anyway."""
        tokens = held.reusable(hidden=False)
        others = (each for each in self._sequences.values() if each is not held)
        others = (each for each in others if len(each.hidden) >= len(held.hidden))
        if not tokens or any(each.reusable(hidden=False)[: len(tokens)] == tokens for each in others):
            self.drop(held)
        else:
            self._idle.append(held)

    def drop(self, held: CachedSequence) -> None:
        """Forget a sequence that is not idle, such as one whose contents can no longer be relied on."""
        del self._sequences[held.sequence]
        self._backend.drop(held.sequence)

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
        for held in self._sequences.values():
            shared = self._whole(common_prefix(held.reusable(hidden), prompt[:-1]))
            if shared < len(held.tokens) and not self._backend.cuttable:
                continue  # such a memory is one running state: it can be gone on from, not cut back
            if self._stride and bool(held.hidden) != hidden:
                continue  # a batch that gives hidden states is another computation
            if shared > length or (shared == length and shared and held in self._idle):
                best, length = held, shared
        return best, length

    def _copy(self, source: CachedSequence | None, length: int) -> CachedSequence:
        held = CachedSequence(self._free(), [], [], 0 if self._stride else None)
        if source:
            self._backend.copy(source.sequence, held.sequence, length)
            held = CachedSequence(
                held.sequence, source.tokens[:length], source.hidden[:length], self._sound(source, length)
            )
        self._sequences[held.sequence] = held
        return held

    def _sound(self, source: CachedSequence, length: int) -> int | None:
        """Return `sound` for a copy of the first `length` tokens of a sequence."""
        if self._stride:
            return min(source.sound or 0, self._whole(length))
        return source.sound if source.sound is not None and source.sound < length else None

    def _whole(self, length: int) -> int:
        """Round a number of tokens down to whole slices."""
        return length - length % self._stride if self._stride else length

    def _free(self) -> int:
        for sequence in range(self._backend.sequences):
            if sequence not in self._sequences:
                return sequence
        self.evict()
        return self._free()
