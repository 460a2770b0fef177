"""The sequences of the KV cache: what each holds, and what of it a new prompt can begin with."""

from collections.abc import Sequence

from tui.engine.backend import Backend


class Cache:
    """Every sequence of one context; those not in use are kept for later, and the longest unused goes first."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._held: dict[int, list[int]] = {}
        """The tokens evaluated in each sequence."""
        self._idle: list[int] = []
        """Sequences not in use, the least recently used first."""

    def begin(self, prompt: Sequence[int]) -> tuple[int, int]:
        """A sequence that holds the beginning of a prompt, and how many of its tokens.

        The last token is always left to evaluate: its logits are what a reply starts from.
        """
        source, length = self._longest(prompt)
        if source in self._idle:
            self._idle.remove(source)
            if length == len(self._held[source]):
                return source, length
            self._idle.append(source)  # what is copied from is in use: it must not be the one that makes room
        target = self._free()
        if source is not None and length:
            self._backend.copy(source, target, length)
        self._held[target] = list(prompt[:length])
        return target, length

    def fork(self, sequence: int) -> int:
        """A new sequence that holds what another holds. Nothing is evaluated or moved: they share their cells."""
        target = self._free()
        self._backend.copy(sequence, target, len(self._held[sequence]))
        self._held[target] = list(self._held[sequence])
        return target

    def extend(self, sequence: int, tokens: Sequence[int]) -> None:
        """Note that tokens were evaluated in a sequence."""
        self._held[sequence] += tokens

    def release(self, sequence: int) -> None:
        """Keep a sequence for later, unless another holds all of it anyway."""
        mine = self._held[sequence]
        others = (held for each, held in self._held.items() if each != sequence)
        if any(held[: len(mine)] == mine for held in others):
            self.drop(sequence)
        else:
            self._idle.append(sequence)

    def drop(self, sequence: int) -> None:
        """Forget a sequence that is not idle, such as one whose contents can no longer be relied on."""
        del self._held[sequence]
        self._backend.drop(sequence)

    def evict(self) -> bool:
        """Make room by dropping the least recently used idle sequence; False when there is none."""
        if not self._idle:
            return False
        self.drop(self._idle.pop(0))
        return True

    def _longest(self, prompt: Sequence[int]) -> tuple[int | None, int]:
        best, length = None, 0
        for sequence, held in self._held.items():
            common = _common(held, prompt[:-1])
            if common < len(held) and not self._backend.cuttable:
                continue  # such a memory is one running state: it can be gone on from, not cut back
            if common > length or (common == length and common and sequence in self._idle):
                best, length = sequence, common
        return best, length

    def _free(self) -> int:
        for sequence in range(self._backend.sequences):
            if sequence not in self._held:
                return sequence
        self.evict()
        return self._free()


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the beginning that two token lists share."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))
