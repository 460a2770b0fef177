"""Reply speed in this process: the engine's own loop, without the pipe."""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from tui.conversation.conversation import Message
from tui.engine.backend import Backend
from tui.engine.decode.scheduler import Scheduler
from tui.engine.protocol import Event, Failed, Finished, Generate, ReplyRequest, Token
from tui.errors import EngineError
from tui.knobs.table import Knobs

CONTEXT = Knobs(num_ctx=8192)
"""Load knobs of every measurement: room for a long conversation, whatever the model was trained on."""

QUESTION = (Message("user", "Write a long story about a lighthouse keeper and the sea."),)

_FILLER = "The keeper climbed the stairs, lit the lamp and wrote the weather into his book. "


def nine_turns(tokens: int) -> tuple[Message, ...]:
    """Build a conversation of nine turns with about so many tokens."""
    return tuple(
        Message(role, f"{index}. {_FILLER * (tokens // 18 // 18)}")
        for index in range(9)
        for role in ("user", "assistant")
    )


class TimedReplies:
    """Replies to one request, and when their tokens came."""

    def __init__(self, backend: Backend, *, reproducible: bool = False) -> None:
        """Empty the cache and start a scheduler."""
        for sequence in range(backend.sequences):
            backend.drop(sequence)
        self.scheduler = Scheduler(backend, self._on_event, reproducible=reproducible)
        self.finished: list[Finished] = []
        self._times: list[float] = []
        self._ids: list[str] = []

    def write(self, *replies: ReplyRequest) -> "TimedReplies":
        """Write these replies to their ends; raises EngineError when one fails."""
        self.finished, self._times, self._ids = [], [], []
        self.scheduler.generate(Generate(replies))
        while self.scheduler.busy:
            self.scheduler.step()
        return self

    @property
    def rate(self) -> float:
        """Tokens a second of all replies, from where each has written its first until the first of them ends."""
        everyone = set(self._ids)
        start = max(self._ids.index(each) for each in everyone)
        end = min(len(self._ids) - 1 - self._ids[::-1].index(each) for each in everyone)
        return (end - start) / (self._times[end] - self._times[start])

    def _on_event(self, event: Event) -> None:
        match event:
            case Token():
                self._times.append(time.perf_counter())
                self._ids.append(event.id)
            case Finished():
                self.finished.append(event)
            case Failed():
                raise EngineError(event.reason)


def rate(backend: Backend, tokens: int, *knobs: Knobs, question: Sequence[Message] = QUESTION) -> float:
    """Tokens a second of replies with these knobs, written side by side."""
    writing = TimedReplies(backend)
    seeds = (each.seed if each.seed >= 0 else index for index, each in enumerate(knobs))
    limited = (replace(each, num_predict=tokens, seed=seed) for each, seed in zip(knobs, seeds, strict=True))
    return writing.write(*(ReplyRequest(str(index), tuple(question), each) for index, each in enumerate(limited))).rate
