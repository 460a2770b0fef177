"""What if a finished reply's knobs had been others: asks an engine, one question at a time."""

from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from tui.conversation.conversation import Message, until
from tui.conversation.reply_record import ReplyRecord
from tui.engine.protocol import (
    Command,
    Died,
    Event,
    Failed,
    Loaded,
    LoadFailed,
    Refused,
    Remember,
    Remembered,
    WhatIf,
    WhatIfs,
)
from tui.knobs.table import Knobs
from tui.session.side import Side

_KNOWN = 8
"""Replies that the engine is told of before it is told anew; it forgets the oldest as well."""


class WhatIfQuestion(NamedTuple):
    """What if this reply's knobs had been others."""

    side: Side
    messages: tuple[Message, ...]
    """What it answered; where a person began it, what they wrote is the last."""
    record: ReplyRecord
    knobs: Knobs
    explained: int = -1
    """The place of a token to explain in full."""
    explained_only: bool = False
    """Whether only that token is asked about: of the others it is known."""

    @property
    def subject(self) -> tuple[Side, int]:
        """Which reply of which side; sides may have one in common."""
        return self.side, id(self.record)


def question(side: Side, index: int, looked: int = -1, *, alone: bool = False) -> WhatIfQuestion | None:
    """What if a reply of this side had been written with the knobs as they are; None if it is not known how it was."""
    turn = side.conversation.turns[index]
    written = turn.record
    if written is None or not written.traces or not all(written.records):
        return None
    before = until(side.conversation, turn.parent).messages
    begun = turn.message.content[: written.offsets[0]]
    there = (Message("assistant", begun),) if written.first_index and begun else ()
    return WhatIfQuestion(side, (*side.preset.opening, *before, *there), written, side.knobs, looked, alone)


class WhatIfAnswer(NamedTuple):
    """A part of what would be otherwise."""

    question: WhatIfQuestion
    first: int
    """The place of the first token that it is about."""
    part: WhatIfs


class WhatIfRequests:
    """Knobs move faster than a long reply is gone through: while one is answered the newest about each waits."""

    def __init__(self, send: Callable[[Side, Command], None]) -> None:
        """`send` sends to the engine of a side."""
        self._send = send
        self._names = (f"reply {number}" for number in count(1))
        self._known: dict[int, tuple[str, ReplyRecord]] = {}
        """The replies that the engine was told of, by identity, each with its name there."""
        self._asked: WhatIfQuestion | None = None
        self._name = ""
        """Of the reply that is asked about."""
        self._waiting: dict[tuple[Side, int], WhatIfQuestion] = {}

    def ask(self, asked: WhatIfQuestion) -> None:
        """Ask, once the question before is answered; one about the same reply that waits gives way."""
        self._waiting[asked.subject] = asked
        if self._asked is None:
            self._go_on()

    def forget(self, side: Side) -> None:
        """Ask nothing of the engine that a side talked to: it may be gone without a word."""
        self._waiting = {about: asked for about, asked in self._waiting.items() if asked.side is not side}
        if self._asked and self._asked.side is side:
            # Told anew it has another name, and a late answer goes by this one.
            self._known.pop(id(self._asked.record), None)
            self._go_on()

    def on_event(self, event: Event) -> WhatIfAnswer | None:
        """Take in what the engine says; an answer, if it is one."""
        match event:
            case Died() | Loaded() | LoadFailed():
                # Whoever holds a model now was told of nothing. One that is gone will not answer; its next one will.
                self._known.clear()
                if self._asked:
                    self._waiting.setdefault(self._asked.subject, self._asked)
                self._go_on()
            case Remembered(id=name) if self._asked and name == self._name:
                self._known[id(self._asked.record)] = (name, self._asked.record)
                self._inquire(self._asked)
            case Failed(id=name) if self._asked and name == self._name:
                self._go_on()  # it would fail again
            case Refused(id=name) if self._asked and name == self._name:
                # It has forgotten the reply: tell it again. What it would not be told of is let go.
                forgot = self._known.pop(id(self._asked.record), None)
                if forgot:
                    self._waiting.setdefault(self._asked.subject, self._asked)
                self._go_on()
            case WhatIfs(id=name) if self._asked and name == self._name:
                answer = WhatIfAnswer(self._asked, event.first - self._asked.record.first_index, event)
                if event.complete:
                    self._go_on()
                return answer
        return None

    def _go_on(self) -> None:
        self._asked = self._waiting.pop(next(iter(self._waiting))) if self._waiting else None
        if self._asked is None:
            return
        known = self._known.get(id(self._asked.record))
        if known:
            self._name = known[0]
            self._inquire(self._asked)
        else:
            self._name = next(self._names)
            self._tell(self._asked)

    def _tell(self, asked: WhatIfQuestion) -> None:
        while len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        written = asked.record
        self._send(
            asked.side,
            Remember(
                self._name,
                asked.messages,
                written.ids,
                written.records,
                written.knobs,
                written.template,
                written.first_index,
            ),
        )

    def _inquire(self, asked: WhatIfQuestion) -> None:
        looked = asked.explained + asked.record.first_index if asked.explained >= 0 else -1
        self._send(asked.side, WhatIf(self._name, asked.knobs, looked, asked.explained_only))
