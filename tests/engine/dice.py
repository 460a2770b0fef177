"""A model that throws dice: few words, odds that depend on everything before, and the same throw for the same text."""

import numpy as np

from tests.engine.bench import Bench
from tests.engine.scripted import END, START, Script, ScriptedBackend
from tui.conversation.conversation import Message
from tui.engine.backend import Hidden, Logits
from tui.engine.decode.scheduler import Scheduler
from tui.engine.llama import make_stage
from tui.engine.protocol import Event, ReplyRequest
from tui.knobs.table import Knobs


class Dice(ScriptedBackend):
    """Says letters of an alphabet, until it says END."""

    def __init__(self, alphabet: str, seed: int, spread: float = 1.5) -> None:
        super().__init__(Script(), make_stage, lambda share: None)
        self._ids = [*alphabet.encode(), END]
        self._seed, self._spread = seed, spread

    def _logits(self, held: list[int]) -> Logits:
        return self.throw(held)

    def throw(self, held: list[int]) -> Logits:
        """The logits after some tokens."""
        random = np.random.default_rng([self._seed, *held[held.index(START) :]])
        logits = np.full(258, -np.inf, np.float32)
        logits[self._ids] = random.normal(0, self._spread, len(self._ids))
        return logits

    def log_p(self, held: list[int]) -> dict[int, float]:
        """The log-probability of each token after some others."""
        logits = self.throw(held)[self._ids].astype(np.float64)
        return dict(zip(self._ids, (logits - np.logaddexp.reduce(logits)).tolist(), strict=True))

    def state(self, held: list[int]) -> Hidden:
        """The hidden state of the last of some tokens."""
        return np.random.default_rng([self._seed + 1, *held[-3:]]).standard_normal(8).astype(np.float32)


class Table(Bench):
    """A scheduler over dice."""

    def __init__(self, dice: Dice) -> None:
        self.dice = self.backend = dice
        self.events: list[Event] = []
        self.scheduler = Scheduler(dice, self.events.append)
        self.prompt = self.scheduler.prompts.write(self.reply(Knobs()).messages)

    def reply(self, knobs: Knobs, reply_id: str = "a") -> ReplyRequest:
        return ReplyRequest(reply_id, (Message("user", "throw"),), knobs)
