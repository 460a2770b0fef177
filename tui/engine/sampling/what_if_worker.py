"""Answers what needs no model: how the next token would be chosen, and what if the knobs had been others.

It works on a thread of its own, from logits and records that were kept, so that an answer waits for no decode.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from tui.conversation.trace import TokenTrace
from tui.engine.backend import Backend, Logits
from tui.engine.constraint.constraint import is_bound
from tui.engine.decode.branch import Branch
from tui.engine.prompt.prompt import PromptWriter
from tui.engine.protocol import Event, Preview, Previewed, Refused, Remember, Remembered, Token, WhatIf, WhatIfs
from tui.engine.sampling.chain import Chain, draw
from tui.engine.sampling.distribution import distribution
from tui.engine.sampling.logit_record import LogitRecord, is_whole
from tui.knobs.table import Knobs

K = TypeVar("K")
V = TypeVar("V")

Question = Preview | WhatIf | Remember
"""Commands that WhatIfWorker answers."""

POSITIONS = 8
"""Number of positions kept with all their logits."""

REPLIES = 16
"""Number of replies remembered."""

PART = 256
"""Tokens answered at a time."""


class FinishedReply(NamedTuple):
    """A reply with the record of each of its tokens."""

    prompt: list[int]
    seed: int
    first_index: int
    """Index of the first of `tokens` in the reply."""
    tokens: list[int]
    records: list[bytes]


class WhatIfWorker:
    """Logit records of recent replies, and what-if answers from them; the oldest are dropped."""

    def __init__(self, backend: Backend, prompts: PromptWriter, emit: Callable[[Event], None]) -> None:
        self._backend, self._prompts, self._emit = backend, prompts, emit
        self._positions: OrderedDict[tuple[int, ...], Logits] = OrderedDict()
        self._replies: OrderedDict[str, FinishedReply] = OrderedDict()
        self._lock = threading.Lock()

    # --- what it sees -----------------------------------------------------------------------------------------------

    def add_position(self, branch: Branch) -> None:
        """Add the logits at the end of a branch; a Preview of that position is answered from them."""
        if branch.logits is not None:
            with self._lock:
                _put(self._positions, tuple(branch.tokens), branch.logits, POSITIONS)

    def add_reply(self, reply_id: str, prompt: Sequence[int], knobs: Knobs, first_index: int) -> None:
        """Add a reply that is about to be generated."""
        with self._lock:
            _put(self._replies, reply_id, FinishedReply(list(prompt), knobs.seed, first_index, [], []), REPLIES)

    def add_token(self, token: Token) -> None:
        """Add a token of a running reply."""
        written = self._replies.get(token.id)
        if written:
            written.tokens.append(token.trace.id)
            written.records.append(token.record)

    def answer(self, question: Question, newer: Callable[[], bool]) -> bool:
        """Answer a question; return False if that takes a decode. `newer` says that the rest is not wanted any more."""
        match question:
            case Preview():
                return self._preview(question)
            case WhatIf():
                self._what_if(question, newer)
            case Remember():
                prompt = self._prompts.recent_prompt(question.messages, question.template, question.knobs.thinking)
                if prompt is None:
                    return False
                self.remember(question, prompt)
        return True

    # --- what it answers --------------------------------------------------------------------------------------------

    def _preview(self, command: Preview) -> bool:
        """Answer a Preview, if the logits of its position are kept."""
        if is_bound(command.knobs) or command.thinking:
            return False  # grammars and thoughts are the scheduler's
        prompt = self._prompts.recent_prompt(command.messages, command.template, command.knobs.thinking)
        with self._lock:
            logits = self._positions.get(tuple(prompt)) if prompt else None
        if prompt is None or logits is None:
            return False
        odds = Chain(command.knobs, self._backend.stage, prompt).run(logits, prompt)
        trace, record = odds.choice(-1, self._backend.label)
        self._emit(Previewed(command.id, trace, len(prompt), record))
        return True

    def _what_if(self, command: WhatIf, newer: Callable[[], bool]) -> None:
        """Answer a WhatIf, part by part, for as long as there is no newer one."""
        with self._lock:
            written = self._replies.get(command.id)
        if written is None:
            self._emit(Refused(command.id, "The engine does not remember this reply."))
            return
        knobs, history = command.knobs, list(written.prompt)
        seed = knobs.seed if knobs.seed >= 0 else written.seed
        chain = Chain(knobs, self._backend.stage, history)
        p: list[float] = []
        cut: list[str] = []
        looked = None
        places = range(len(written.records))
        if not places:
            self._emit(WhatIfs(command.id, knobs, written.first_index, (), (), complete=True))
        if command.alone and (place := command.looked - written.first_index) in places:
            places = range(0 if chain.learns else place, place + 1)
            history += written.tokens[: places.start]
            chain = Chain(knobs, self._backend.stage, history)
        for index in places:
            token, record = written.tokens[index], LogitRecord(written.records[index])
            chance = draw(seed, written.first_index + index, stream=1)
            if written.first_index + index == command.looked:
                looked = self._explain(record, chain, history, chance, token)
            passed = chain.apply(record.candidates(_spread(knobs)), history, chance, np.asarray([token]))
            ids, shares, _ = distribution(passed.left)
            p.append(float(shares[ids == token].sum()))
            cut.append(passed.cut.get(token, ""))
            chain.accept(token, p[-1], passed.untouched_p(token))
            history.append(token)
            if len(p) == PART or index == places[-1]:
                if newer():
                    return
                first = written.first_index + index + 1 - len(p)
                done = index == places[-1]
                self._emit(WhatIfs(command.id, knobs, first, tuple(p), tuple(cut), complete=done, looked=looked))
                p, cut, looked = [], [], None

    def remember(self, command: Remember, prompt: Sequence[int]) -> None:
        """Add a reply written before, which answered this prompt."""
        tokens, records = list(command.tokens), list(command.records)
        if len(tokens) != len(records) or not all(map(is_whole, records)):
            self._emit(Refused(command.id, "What was kept of this reply's tokens is damaged."))
            return
        size = self._backend.info.vocabulary
        if any(LogitRecord(packed).vocabulary != size for packed in records) or not all(
            0 <= each < size for each in tokens
        ):
            self._emit(Refused(command.id, "This reply was written by another model."))
            return
        written = FinishedReply(list(prompt), command.knobs.seed, command.first_index, tokens, records)
        with self._lock:
            _put(self._replies, command.id, written, REPLIES)
        self._emit(Remembered(command.id))

    def _explain(
        self, record: LogitRecord, chain: Chain, history: Sequence[int], chance: float, token: int
    ) -> TokenTrace:
        return chain.run(record.logits(), history, chance).trace(token, self._backend.label)


def _spread(knobs: Knobs) -> float:
    """Return the temperature that decides how many of the unlikely tokens matter."""
    if knobs.top_n_sigma > 0:
        return 1e6  # it goes by the mean of everything
    return max(1.0, knobs.temperature + knobs.dynatemp_range)


def _put(shelf: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """Add to a shelf; the oldest goes when there are too many."""
    shelf[key] = value
    shelf.move_to_end(key)
    while len(shelf) > most:
        shelf.popitem(last=False)
