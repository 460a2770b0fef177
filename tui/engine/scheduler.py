"""Continuous batching: one decode a step for every running reply.

Think of the cache as a tree of tokens whose leaves are replies. Replies that agree so far are one branch: it is decoded
once, so they see the same logits, and it splits at the first token where they choose differently.
"""

import time
from collections.abc import Sequence

from tui.chat import Message
from tui.engine.backend import Backend, ContextFull, Logits, Row
from tui.engine.cache import Cache
from tui.engine.generation import Emit, Generation, Look, Reader
from tui.engine.prompt import PromptWriter
from tui.engine.protocol import Failed, Generate, Preview, SetKnobs, Stop
from tui.errors import EngineError

MOST = 8
"""Replies at once."""

RESPONSIVE = 0.1
"""Seconds that a slice of a prompt may take while nothing is being written: the longest that Stop waits."""


class Branch:
    """A leaf of the tree: the tokens that some replies have in common, in one sequence of the cache."""

    def __init__(self, sequence: int, tokens: list[int], done: int, readers: list[Reader]) -> None:
        self.sequence, self.tokens, self.done, self.readers = sequence, tokens, done, readers
        self.prompt = len(tokens)
        self.logits: Logits | None = None

    @property
    def pending(self) -> int:
        """How many tokens are yet to be evaluated."""
        return len(self.tokens) - self.done


class Pace:
    """How many prompt tokens to evaluate in one step, from how long steps took."""

    def __init__(self) -> None:
        self._token = 0.002
        self._step = 0.02

    def note(self, writing: int, reading: int, seconds: float) -> None:
        """Learn from a step that wrote and read that many tokens."""
        if reading:
            spent = max(seconds - (self._step if writing else 0.0), 1e-5)
            self._token += 0.3 * (spent / reading - self._token)
        else:
            self._step += 0.3 * (seconds - self._step)

    def slice(self, writing: int, most: int) -> int:
        """Prompt tokens for the next step. Running replies wait for no more than one step of theirs extra."""
        budget = self._step if writing else RESPONSIVE
        return max(16, min(int(budget / self._token), most))


class Scheduler:
    """Everything running in one context."""

    def __init__(self, backend: Backend, emit: Emit) -> None:
        self._backend, self._emit = backend, emit
        self._prompts = PromptWriter(backend)
        self._cache = Cache(backend)
        self._branches: list[Branch] = []
        self._pace = Pace()

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._branches)

    @property
    def notice(self) -> str:
        """What a person should know about the model's chat template."""
        return self._prompts.notice

    def generate(self, command: Generate) -> None:
        """Start replies. Those with equal prompts start as one branch."""
        started: dict[tuple[int, ...], Branch] = {}
        for reply in command.replies:
            running = sum(len(branch.readers) for branch in self._branches)
            if running >= MOST:
                self._emit(Failed(reply.id, f"{MOST} replies are running already; wait for one or stop it."))
                continue
            try:
                prompt = self._prompt(reply.messages)
            except EngineError as error:
                self._emit(Failed(reply.id, str(error)))
                continue
            branch = started.get(tuple(prompt)) or self._plant(prompt)
            started[tuple(prompt)] = branch
            branch.readers.append(Generation(reply, len(prompt), branch.done, self._backend, self._emit))

    def preview(self, command: Preview) -> None:
        """Start a look at the next token, in place of one that is still waiting."""
        for look in [each for each in self._readers() if isinstance(each, Look)]:
            self._leave(look.id)
        try:
            prompt = self._prompt(command.messages)
        except EngineError as error:
            self._emit(Failed(command.id, str(error)))
            return
        self._plant(prompt).readers.append(Look(command, self._backend, self._emit))

    def set_knobs(self, command: SetKnobs) -> None:
        """Turn the knobs of a running reply; unknown ids have finished meanwhile."""
        for reader in self._readers():
            if isinstance(reader, Generation) and reader.id == command.id:
                reader.turn(command.knobs)

    def stop(self, command: Stop) -> None:
        """End a reply; unknown ids have finished meanwhile."""
        for reader in self._readers():
            if isinstance(reader, Generation) and reader.id == command.id:
                reader.end("stopped")
                self._leave(reader.id)

    def abandon(self, reason: str) -> None:
        """Fail everything that runs."""
        for branch in list(self._branches):
            self._abandon(branch, reason)

    def step(self) -> None:
        """Choose a token wherever logits are ready, then evaluate one batch."""
        for branch in list(self._branches):
            if branch.logits is not None:
                self._choose(branch, branch.logits)
        if self._branches:
            self._evaluate()

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        prompt = self._prompts.write(messages)
        context = self._backend.info.context
        if not prompt:
            raise EngineError("The chat template makes nothing of these messages.")
        if len(prompt) >= context:
            raise EngineError(
                f"The conversation is {len(prompt)} tokens long and the context holds {context}: "
                "shorten it, start a new chat, or give the preset a larger num_ctx."
            )
        return prompt

    def _plant(self, prompt: list[int]) -> Branch:
        sequence, done = self._cache.begin(prompt)
        branch = Branch(sequence, prompt, done, [])
        self._branches.append(branch)
        return branch

    def _readers(self) -> list[Reader]:
        return [reader for branch in self._branches for reader in branch.readers]

    def _leave(self, reader_id: str) -> None:
        for branch in list(self._branches):
            branch.readers = [each for each in branch.readers if each.id != reader_id]
            if not branch.readers:
                self._retire(branch)

    def _retire(self, branch: Branch) -> None:
        self._branches.remove(branch)
        self._cache.release(branch.sequence)

    # --- choosing ---------------------------------------------------------------------------------------------------

    def _choose(self, branch: Branch, logits: Logits) -> None:
        """Let every reader of a branch choose, and split it where they differ."""
        branch.logits = None
        odds = {}
        chosen: dict[int, list[Reader]] = {}
        for reader in branch.readers:
            chain = reader.prepare(branch.tokens)
            chance = reader.chance
            key = (*chain.key, chance <= reader.knobs.xtc_probability)
            if key not in odds:  # equal stages over equal tokens: work them out once
                odds[key] = chain.run(logits, branch.tokens, chance)
            token = reader.take(odds[key], len(branch.tokens))
            if token is not None:
                chosen.setdefault(token, []).append(reader)
        if not chosen:
            self._retire(branch)
            return
        common = list(branch.tokens)
        for index, (token, readers) in enumerate(chosen.items()):
            if index:
                branch = Branch(self._cache.fork(branch.sequence), list(common), len(common), readers)
                self._branches.append(branch)
            branch.readers = readers
            branch.tokens.append(token)

    # --- evaluating -------------------------------------------------------------------------------------------------

    def _evaluate(self) -> None:
        """One decode: the next token of every branch being written, and a slice of the prompts being read."""
        takes = self._takes()
        rows = [
            Row(branch.tokens[position], position, branch.sequence, position == len(branch.tokens) - 1)
            for branch, count in takes
            for position in range(branch.done, branch.done + count)
        ]
        began = time.perf_counter()
        try:
            logits = iter(self._backend.decode(rows))
        except ContextFull:
            self._make_room()
            return
        except EngineError as error:
            for branch, _ in takes:
                self._abandon(branch, str(error))
            return
        writing = sum(1 for branch, _ in takes if branch.pending == 1)
        self._pace.note(writing, len(rows) - writing, time.perf_counter() - began)
        for branch, count in takes:
            self._cache.extend(branch.sequence, branch.tokens[branch.done : branch.done + count])
            branch.done += count
            if not branch.pending:
                branch.logits = next(logits)
            if branch.pending or count > 1:
                for reader in branch.readers:
                    reader.waiting(branch.done, len(branch.tokens))

    def _takes(self) -> list[tuple[Branch, int]]:
        """Which branches take part in the next decode, with how many tokens each."""
        writing = [branch for branch in self._branches if branch.pending == 1]
        takes = [(branch, 1) for branch in writing]
        room = min(self._pace.slice(len(writing), self._backend.batch), self._backend.batch - len(writing))
        for branch in self._branches:
            if branch.pending > 1 and room > 0:
                count = min(branch.pending, room)
                takes.append((branch, count))
                room -= count
        return takes

    def _make_room(self) -> None:
        """The context is full: let go of what nobody reads, else of the longest branch."""
        if self._cache.evict():
            return
        branch = max(self._branches, key=lambda each: len(each.tokens))
        for reader in list(branch.readers):
            if isinstance(reader, Generation) and len(branch.tokens) > branch.prompt:
                reader.end("length")
            else:
                reader.fail("The context has no room for another reply beside the ones that are running.")
        branch.readers = []
        self._retire(branch)

    def _abandon(self, branch: Branch, reason: str) -> None:
        for reader in branch.readers:
            reader.fail(reason)
        self._branches.remove(branch)
        self._cache.drop(branch.sequence)
