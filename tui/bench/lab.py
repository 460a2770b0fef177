"""Where the measures are taken: the models, each loaded when first asked for, and replies written against time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.bench.synthetic import LARGE, TINY, Shape, write_model
from tui.chat import Message
from tui.engine.prompt import PromptWriter
from tui.engine.protocol import Event, Failed, Finished, Generate, Prefill, Reply, Token
from tui.engine.scheduler import Scheduler
from tui.engine.spinning import spin_briefly
from tui.errors import EngineError
from tui.knobs import Knobs, turn

if TYPE_CHECKING:
    from tui.engine.llama.baseline import Endless, HighLevel

_WORDS = "the keeper of light by sea and his boat went out to find what was left when all ships had gone home"


class Scale(Struct, frozen=True):
    """How much is written to take the measures."""

    rounds: int
    """A first one that is not counted comes before them, unless there is but one."""
    tokens: int
    """In a reply of the model measured; half of it for the large model."""
    history: int
    """Tokens before the tenth turn, about."""
    prefill: int
    """Tokens of the prompt that is stopped, about."""
    repeats: int
    """Of what takes far less than a millisecond."""
    large: Shape


FULL = Scale(rounds=5, tokens=128, history=3000, prefill=4000, repeats=200, large=LARGE)
QUICK = Scale(rounds=1, tokens=6, history=90, prefill=600, repeats=4, large=TINY)
"""Only to see that everything works: its figures mean nothing."""


class Lab:
    """What the measures work with."""

    def __init__(self, path: Path, scale: Scale) -> None:
        """`path` is the model to measure; raises ModelError, when it is asked for, if it cannot be loaded."""
        self.path, self.scale = path, scale
        self.knobs = Knobs(num_ctx=-(-(max(scale.prefill, scale.history) + 1024) // 1024) * 1024)
        """What it is loaded with."""
        self._stack = ExitStack()
        spin_briefly()  # as the engine's process does

    @cached_property
    def model(self) -> "Endless":
        """The model to measure."""
        return self._load(self.path, self.knobs)

    @cached_property
    def large(self) -> "Endless":
        """A synthetic model that no cache holds."""
        folder = self._stack.enter_context(TemporaryDirectory(prefix="twiddle-bench-"))
        return self._load(write_model(Path(folder) / "large.gguf", self.scale.large), Knobs())

    @cached_property
    def high_level(self) -> "HighLevel":
        """llama-cpp-python's own way to the model to measure."""
        from tui.engine.llama.baseline import HighLevel

        high_level = HighLevel(self.model, self.knobs)
        self._stack.callback(high_level.close)
        return high_level

    def _load(self, path: Path, knobs: Knobs) -> "Endless":
        from tui.engine.llama.baseline import Endless

        model = Endless(str(path), knobs)
        self._stack.callback(model.close)
        return model

    def close(self) -> None:
        """Give everything back."""
        self._stack.close()


@contextmanager
def open_lab(path: Path, scale: Scale) -> Iterator[Lab]:
    """A lab for as long as the `with` lasts."""
    lab = Lab(path, scale)
    try:
        yield lab
    finally:
        lab.close()


class Written:
    """Events of replies that were written, and when each came."""

    def __init__(self) -> None:
        self.events: list[tuple[float, Event]] = []
        """Seconds on some clock, and what was said."""

    def take(self, event: Event) -> None:
        """Note an event; raises EngineError for a reply that failed."""
        if isinstance(event, Failed):
            raise EngineError(event.reason)
        self.events.append((time.perf_counter(), event))

    @property
    def tokens(self) -> list[Token]:
        """Every token of every reply, in the order they came."""
        return [event for _, event in self.events if isinstance(event, Token)]

    @property
    def finished(self) -> list[Finished]:
        """Every reply, in the order they ended."""
        return [event for _, event in self.events if isinstance(event, Finished)]

    def rate(self, after: int = -1) -> float:
        """Tokens a second of all replies together, from where each has come past a token on; else past the prompt."""
        began = max(
            when
            for when, event in self.events
            if (isinstance(event, Prefill) if after < 0 else isinstance(event, Token) and event.index == after)
        )
        ended = max(when for when, event in self.events if isinstance(event, Finished))
        return sum(token.index > after for token in self.tokens) / (ended - began)

    @property
    def parted(self) -> int:
        """The index of the token from which on no two replies agree; raises EngineError if some never part."""
        replies = [reply.tokens for reply in self.finished]
        for index in range(min(map(len, replies)) - 1):
            if len({tokens[: index + 1] for tokens in replies}) == len(replies):
                return index
        raise EngineError("The replies agree to their end, so that nothing can be said of replies that part.")


class Desk:
    """A scheduler over a model that holds nothing yet."""

    def __init__(self, model: "Endless") -> None:
        for sequence in range(model.sequences):
            model.drop(sequence)
        self._written = Written()
        self._scheduler = Scheduler(model, lambda event: self._written.take(event))

    def write(self, *replies: Reply) -> Written:
        """Write replies to their end; raises EngineError when one fails."""
        written = self._written = Written()
        self._scheduler.generate(Generate(replies))
        while self._scheduler.busy:
            self._scheduler.step()
        return written


def question(words: int = 24, seed: int = 0) -> Message:
    """A message of about as many tokens, and the same every time."""
    return Message("user", " ".join(Random(seed).choices(_WORDS.split(), k=words)))


def reply(count: int, *messages: Message, seed: int = 1, **knobs: object) -> Reply:
    """A reply to ask for, of as many tokens, to some messages or to one of no account."""
    return Reply(f"seed {seed}", messages or (question(),), turn(Knobs(), seed=seed, num_predict=count, **knobs))


def prompt(model: "Endless", messages: Sequence[Message]) -> list[int]:
    """The prompt tokens of a conversation."""
    return PromptWriter(model).write(messages)
