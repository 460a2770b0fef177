"""Recomputation of finished replies: how their tokens would have been chosen with other knobs."""

from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from tui.conversation.conversation import Message, until
from tui.conversation.reply_record import ReplyRecord
from tui.engine.protocol import Command, Failed, Refused, Remember, Remembered, WhatIf, WhatIfs
from tui.knobs.table import Knobs
from tui.session.side import Side

_REMEMBERED = 8
"""Replies that an engine remembers; it drops the oldest, too."""


class WhatIfQuestion(NamedTuple):
    """A finished reply and the knobs to recompute it with."""

    side: Side
    messages: tuple[Message, ...]
    """Messages before the reply; text that a person wrote at its start is the last."""
    record: ReplyRecord
    knobs: Knobs
    explained: int = -1
    """Index of a token to return the full trace of."""
    explained_only: bool = False
    """True if the other tokens are known already."""

    @property
    def subject(self) -> tuple[Side, int]:
        """Side and identity of the reply; sides may share a record."""
        return self.side, id(self.record)


def question(side: Side, index: int, explained: int = -1, *, explained_only: bool = False) -> WhatIfQuestion | None:
    """Build the question about the reply at turn `index` and the side's knobs; None if its logits were not recorded."""
    turn = side.conversation.turns[index]
    record = turn.record
    if record is None or not record.traces or not all(record.records):
        return None
    before = until(side.conversation, turn.parent).messages
    typed = turn.message.content[: record.offsets[0]]
    start = (Message("assistant", typed),) if record.first_index and typed else ()
    messages = (*side.preset.opening, *before, *start)
    return WhatIfQuestion(side, messages, record, side.knobs, explained, explained_only)


class WhatIfAnswer(NamedTuple):
    """A part of the recomputed reply."""

    question: WhatIfQuestion
    first: int
    """Index of its first token in the record's traces."""
    part: WhatIfs


class WhatIfRequests:
    """Queue of what-if questions. One runs at a time; a later one about the same reply replaces the waiting one."""

    def __init__(self, send: Callable[[Side, Command], None]) -> None:
        """`send` sends a command to a side's engine."""
        self._send = send
        self._names = (f"reply {number}" for number in count(1))
        self._remembered: dict[int, tuple[str, ReplyRecord]] = {}
        """Names of the replies that the engine remembers, by identity; the record keeps its identity from reuse."""
        self._running: WhatIfQuestion | None = None
        self._name = ""
        """Name of the running question's reply."""
        self._waiting: dict[tuple[Side, int], WhatIfQuestion] = {}

    def ask(self, asked: WhatIfQuestion) -> None:
        """Send a question, or queue it while another runs."""
        self._waiting[asked.subject] = asked
        if self._running is None:
            self._send_next()

    def forget(self, side: Side) -> None:
        """Drop a side's questions: its engine may be gone without an event."""
        self._waiting = {subject: asked for subject, asked in self._waiting.items() if asked.side is not side}
        if self._running and self._running.side is side:
            # Sent again it gets a new name, so that a late answer is not taken for its own.
            self._remembered.pop(id(self._running.record), None)
            self._send_next()

    def on_engine_changed(self) -> None:
        """Send everything anew: an engine that has started remembers nothing, and a dead one answers nothing."""
        self._remembered.clear()
        self._retry()

    def on_remembered(self, event: Remembered) -> None:
        """Send the question, now that the engine remembers its reply."""
        if self._running and event.id == self._name:
            self._remembered[id(self._running.record)] = (self._name, self._running.record)
            self._send_question(self._running)

    def on_error(self, event: Refused | Failed) -> None:
        """Send a reply again that the engine has dropped; drop a question that it cannot answer."""
        if self._running is None or event.id != self._name:
            return
        dropped = isinstance(event, Refused) and id(self._running.record) in self._remembered
        if dropped:
            del self._remembered[id(self._running.record)]
            self._retry()
        else:
            self._send_next()

    def on_answer(self, event: WhatIfs) -> WhatIfAnswer | None:
        """Return the answer to the running question; None if it is a late one."""
        if self._running is None or event.id != self._name:
            return None
        answer = WhatIfAnswer(self._running, event.first - self._running.record.first_index, event)
        if event.complete:
            self._send_next()
        return answer

    def _retry(self) -> None:
        if self._running:
            self._waiting.setdefault(self._running.subject, self._running)
        self._send_next()

    def _send_next(self) -> None:
        self._running = self._waiting.pop(next(iter(self._waiting))) if self._waiting else None
        if self._running is None:
            return
        remembered = self._remembered.get(id(self._running.record))
        if remembered:
            self._name = remembered[0]
            self._send_question(self._running)
        else:
            self._name = next(self._names)
            self._send_reply(self._running)

    def _send_reply(self, asked: WhatIfQuestion) -> None:
        while len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        record, name = asked.record, self._name
        command = Remember(
            name, asked.messages, record.ids, record.records, record.knobs, record.template, record.first_index
        )
        self._send(asked.side, command)

    def _send_question(self, asked: WhatIfQuestion) -> None:
        explained = asked.explained + asked.record.first_index if asked.explained >= 0 else -1
        self._send(asked.side, WhatIf(self._name, asked.knobs, explained, asked.explained_only))
