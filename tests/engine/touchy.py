"""A model whose numbers depend in every digit on how they were worked out; those of a real one do in the last."""

from collections.abc import Sequence

import numpy as np

from tests.engine.bench import Bench
from tests.engine.scripted import Script, ScriptedBackend
from tui.conversation.conversation import Message
from tui.engine.backend import BatchRow, Decoded
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import make_stage
from tui.engine.protocol import Finished, ReplyRequest


class Touchy(ScriptedBackend):
    """Lays tokens into cells as llama.cpp does: each into the first free one after the last, or from what was freed."""

    def __init__(self, script: Script) -> None:
        super().__init__(script, make_stage, lambda share: None)
        self.batches: list[tuple[int, int]] = []
        """Of every batch, how many rows it had and how far the cells in use reached."""
        self._owners: dict[int, set[int]] = {}
        """Who holds each cell in use."""
        self._head = 0
        self._laid: dict[int, list[tuple[int, int]]] = {}
        """Of every token of a sequence its cell, and all that its numbers depend on."""

    def decode(self, rows: Sequence[BatchRow]) -> Decoded:
        decoded = super().decode(rows)
        cells = [self._take(row.sequence) for row in rows]
        reach = max(self._owners) + 1
        self.batches.append((len(rows), reach))
        wanted = iter(decoded.logits)
        for place, (row, cell) in enumerate(zip(rows, cells, strict=True)):
            laid = self._laid.setdefault(row.sequence, [])
            shape = hash((laid[-1][1] if laid else 0, row.token, cell, reach, len(rows), place, row.hidden))
            laid.append((cell, shape))
            if row.logits:
                logits = next(wanted)
                logits += np.random.default_rng(abs(shape)).normal(0, 1, len(logits)).astype(np.float32)
        return decoded

    def _take(self, sequence: int) -> int:
        while self._head in self._owners:
            self._head = (self._head + 1) % self.info.context
        self._owners[self._head] = {sequence}
        return self._head

    def copy(self, source: int, target: int, length: int) -> None:
        super().copy(source, target, length)
        self._laid[target] = self._laid[source][:length]
        for cell, _ in self._laid[target]:
            self._owners[cell].add(target)

    def drop(self, sequence: int) -> None:
        super().drop(sequence)
        for cell, _ in self._laid.pop(sequence, []):
            self._owners[cell].discard(sequence)
            if not self._owners[cell]:
                del self._owners[cell]
                self._head = min(self._head, cell)

    def shift(self, sequence: int, keep: int, count: int) -> bool:
        laid = self._laid[sequence]
        for cell, _ in laid[keep : keep + count]:
            del self._owners[cell]
            self._head = min(self._head, cell)
        del laid[keep : keep + count]
        self._laid[sequence] = [(cell, hash((shape, "turned"))) for cell, shape in laid]
        return super().shift(sequence, keep, count)


class Scene(Bench):
    """A scheduler over such a model."""

    def __init__(self, script: Script = Script(), *, reproducible: bool = True) -> None:
        self.backend: Touchy = Touchy(script)
        self.events = []
        self.scheduler = Scheduler(self.backend, self.events.append, reproducible=reproducible)

    def write(self, *replies: ReplyRequest) -> tuple[Finished, ...]:
        """Write these to their ends."""
        self.ask(*replies)
        self.run()
        return tuple(self.finished(reply.id) for reply in replies)


def said(done: Finished) -> Message:
    """A reply as it stands in the prompt of the next turn."""
    return Message("assistant", done.text, done.tokens)
