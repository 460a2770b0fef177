"""Continuous batching: one decode a step for every running reply.

Think of the cache as a tree of tokens whose leaves are branches. Replies that agree so far stand on one branch: it is
decoded once, so they see the same logits, and it splits at the first token where they choose differently. The
hypotheses of a beam search and the candidates of a contrastive one are branches like any other.

Where replies are to be reproducible they are written one after the other instead, each in steps that depend on nothing
but itself.
"""

import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from tui.conversation.conversation import Message
from tui.engine.backend import HIDDEN_ROWS, Backend, BatchRow, ContextFull, Decoded, Interrupted
from tui.engine.constraint.constraint import Constraint, Grammars
from tui.engine.decode.branch import Branch, LogitsReader
from tui.engine.decode.generation import Emit, Generation, HiddenStatesMissing
from tui.engine.decode.prefix_tree import PrefixTree
from tui.engine.decode.preview import PreviewReader
from tui.engine.prompt.jinja import JinjaTemplate
from tui.engine.prompt.prompt import PromptWriter, TemplateCompiler
from tui.engine.protocol import (
    Event,
    Failed,
    Generate,
    Notice,
    Preview,
    PromptPiece,
    Refused,
    Remember,
    Render,
    Rendered,
    ReplyRequest,
    SetKnobs,
    Stop,
    Token,
    Waits,
)
from tui.engine.sampling.strategies import width
from tui.engine.sampling.what_if_worker import WhatIfWorker
from tui.errors import EngineError
from tui.knobs.pair import KnobPair
from tui.knobs.table import Knobs

RESPONSIVE = 0.25
"""Seconds that a slice of a prompt may take while nothing is being written: how often progress is shown."""

SLICE = 64
"""Prompt tokens in each step of a reproducible reply, which may not depend on time. The next prompt reuses whole ones,
so they are small; were they smaller, llama.cpp's flash attention on a CPU would take them one by one."""


class PrefillPacer:
    """Chooses the size of a prefill slice so that running replies do not wait long, from the duration of decodes."""

    def __init__(self) -> None:
        self._token = 0.002
        self._step = 0.02

    def record(self, writing: int, reading: int, seconds: float) -> None:
        """Learn from the duration of a decode of `writing` reply tokens and `reading` prompt tokens."""
        if reading:
            spent = max(seconds - (self._step if writing else 0.0), 1e-5)
            self._token += 0.3 * (spent / reading - self._token)
        else:
            self._step += 0.3 * (seconds - self._step)

    def slice(self, writing: int, most: int) -> int:
        """Prompt tokens for the next step: what makes it last no more than two steps of the replies being written."""
        budget = self._step if writing else RESPONSIVE
        return max(1, min(int(budget / self._token), most))


MOST = 8
"""Replies at once."""

KEPT = 8
"""Sequences left for prefixes that the next request may begin with."""


class Scheduler:
    """Replies and previews that run in one context, and the steps that decode them."""

    def __init__(
        self, backend: Backend, emit: Emit, compiled: TemplateCompiler = JinjaTemplate, *, reproducible: bool = False
    ) -> None:
        """`compiled` makes a model's own chat template of its source."""
        self._backend, self._out = backend, emit
        self.prompts = PromptWriter(backend, compiled)
        """Writer of the prompts, which knows the model's chat template."""
        self._grammars = Grammars(backend)
        self._stride = min(SLICE, backend.batch) if reproducible else None
        """Prompt tokens in a step, where that is fixed."""
        self._tree = PrefixTree(backend, self._stride)
        self._pace = PrefillPacer()
        self.what_if = WhatIfWorker(backend, self.prompts, emit)

    @property
    def busy(self) -> bool:
        """True if there is anything to decode."""
        return bool(self._tree.branches)

    def _emit(self, event: Event) -> None:
        if isinstance(event, Token):
            self.what_if.add_token(event)
        self._out(event)

    # --- commands ---------------------------------------------------------------------------------------------------

    def generate(self, command: Generate) -> None:
        """Start replies. Those with equal prompts start as one branch."""
        started: dict[tuple[tuple[int, ...], bool], Branch] = {}
        for reply in command.replies:
            try:
                self._admit(reply)
                prompt = self._prompt(reply.messages, reply.template, reply.knobs.thinking)
                generation = self._generation(reply, prompt)
            except EngineError as error:
                self._emit(Failed(reply.id, str(error)))
                continue
            for text in self.prompts.new_notices(reply.messages, reply.template, reply.knobs.thinking):
                self._emit(Notice(reply.id, text))
            key = (tuple(prompt), generation.hidden)
            if key not in started or self._stride:
                started[key] = self._tree.add(prompt)
            started[key].readers.append(generation)
            if self._stride and started[key] is not self._tree.branches[0]:
                self._emit(Waits(reply.id))

    def _admit(self, reply: ReplyRequest) -> None:
        running = self._generations()
        if len(running) >= MOST:
            raise EngineError(f"{MOST} replies are running already; wait for one or stop it.")
        self._check_width(reply.pair, running)

    def _check_width(self, asked: KnobPair, others: Sequence[Generation]) -> None:
        """Refuse a search that finds no sequences left beside others."""
        most = max(self._backend.sequences - KEPT, self._backend.sequences // 2)
        if sum(_widest(each.schedule.asked) for each in others) + _widest(asked) > most:
            raise EngineError(f"The replies that run look at {most} continuations at once at most; use fewer beams.")

    def _generation(self, reply: ReplyRequest, prompt: list[int]) -> Generation:
        begun = self.prompts.count_continued(reply.messages, reply.template, reply.knobs.thinking)
        kept = partial(self.prompts.count_system, reply.messages, reply.template, reply.knobs.thinking)
        watch = self.prompts.watch(reply.messages, reply.knobs, reply.template)
        self.what_if.add_reply(reply.id, prompt, reply.knobs, begun)
        unsaid = self.prompts.pending_bytes(reply.messages, reply.template, reply.knobs.thinking)
        return Generation(reply, prompt, begun, kept, self._grammars, self._backend, self._emit, watch, unsaid)

    def preview(self, command: Preview) -> None:
        """Start a look at the next token, in place of one that is still waiting."""
        for look in [each for each in self._tree.readers if isinstance(each, PreviewReader)]:
            self._tree.leave(look)
        try:
            prompt = self._prompt(command.messages, command.template, command.knobs.thinking)
            knobs, constraint = self._at(command)
        except EngineError as error:
            self._emit(Failed(command.id, str(error)))
            return
        self._tree.add(prompt, PreviewReader(command.id, knobs, constraint, self._backend, self._emit))

    def _at(self, command: Preview) -> tuple[Knobs, Constraint | None]:
        """Return the knobs and the constraint that apply to the next token."""
        watch = self.prompts.watch(command.messages, command.knobs, command.template)
        watch.read(self.prompts.continued_tokens(command.messages, command.template, command.knobs.thinking))
        # After a whole reply there is nothing that a constraint would bind.
        begins = command.messages[-1:] and command.messages[-1].role != "assistant"
        bound = self._grammars.constraint(command.knobs) if begins and not watch.inside else None
        return command.pair.effective_at(watch.inside), bound

    def set_knobs(self, command: SetKnobs) -> None:
        """Turn the knobs of a running reply; unknown ids have finished meanwhile."""
        for generation in self._generations():
            if generation.id == command.id:
                try:
                    self._check_width(command.pair, [each for each in self._generations() if each is not generation])
                    generation.set_knobs(command.pair)
                except EngineError as error:
                    self._emit(Refused(command.id, str(error)))

    def render(self, command: Render) -> None:
        """Show the prompt that messages make."""
        try:
            tokens = self.prompts.write(command.messages, command.template, command.think)
            for text in self.prompts.notices(command.messages, command.template, command.think):
                self._emit(Notice(command.id, text))
        except EngineError as error:
            self._emit(Failed(command.id, str(error)))
            return
        pieces = []
        for control, group in groupby(tokens, self._backend.is_control):
            if control:
                pieces += [PromptPiece(self._backend.label(token), True) for token in group]
            else:
                pieces.append(PromptPiece(b"".join(map(self._backend.piece, group)).decode("utf-8", "replace"), False))
        self._emit(Rendered(command.id, tuple(pieces)))

    def remember(self, command: Remember) -> None:
        """Add a reply written before, so that what-if can be asked of it."""
        try:
            self.what_if.remember(
                command, self.prompts.write(command.messages, command.template, command.knobs.thinking)
            )
        except EngineError as error:
            self._emit(Refused(command.id, str(error)))

    def stop(self, command: Stop) -> None:
        """End a reply; unknown ids have finished meanwhile."""
        for generation in self._generations():
            if generation.id == command.id:
                generation.end("stopped")
                self._tree.leave(generation)

    def abandon(self, reason: str) -> None:
        """Fail everything that runs."""
        for reader in self._tree.readers:
            reader.fail(reason)
        while self._tree.branches:
            self._tree.evict(self._tree.branches[0])

    def step(self) -> None:
        """Choose tokens wherever logits are ready, then evaluate one batch."""
        self._tree.find_prefixes()
        self._choose()
        if self._tree.cached:
            self._evaluate()

    # --- branches ---------------------------------------------------------------------------------------------------

    def _prompt(self, messages: Sequence[Message], template: str, think: str) -> list[int]:
        prompt = self.prompts.write(messages, template, think)
        context = self._backend.info.context
        if not prompt:
            raise EngineError("The chat template makes nothing of these messages.")
        if len(prompt) >= context:
            raise EngineError(
                f"The conversation is {len(prompt)} tokens long and the context holds {context}: "
                "shorten it, start a new chat, or give the preset a larger num_ctx."
            )
        return prompt

    def _generations(self) -> list[Generation]:
        return [reader for reader in self._tree.readers if isinstance(reader, Generation)]

    # --- choosing ---------------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """Let everyone whose logits are ready go on, and split the branches on which they differ."""
        ready = self._tree.ready
        wanted: dict[int, dict[int, list[LogitsReader]]] = {id(branch): {} for branch in ready}
        for reader in list({id(reader): reader for branch in ready for reader in branch.readers}.values()):
            try:
                moves = reader.choose([branch for branch in ready if reader in branch.readers])
            except HiddenStatesMissing as unseen:
                self._tree.add(list(unseen.branch.tokens), reader)
                continue
            except EngineError as error:
                reader.fail(str(error))
                continue
            for branch, token in moves:
                wanted[id(branch)].setdefault(token, []).append(reader)
        for branch in ready:
            if not wanted[id(branch)]:
                self.what_if.add_position(branch)
                self._tree.release(branch)
            branch.logits = None
        for branch in ready:
            self._tree.extend(branch, wanted[id(branch)])

    # --- evaluating -------------------------------------------------------------------------------------------------

    def _evaluate(self) -> None:
        """One decode: the next token of every branch being written, and a slice of the prompts being read."""
        takes = self._takes()
        rows = [row for branch, count in takes for row in _rows(branch, count)]
        began = time.perf_counter()
        try:
            decoded = self._backend.decode(rows)
        except Interrupted:
            if not self._backend.cuttable:
                self._begin_anew([branch for branch, _ in takes])
            return
        except ContextFull:
            self._make_room()
            return
        except EngineError as error:
            self._give_up([branch for branch, _ in takes], str(error))
            return
        writing = sum(1 for branch, _ in takes if branch.pending == 1)
        self._pace.record(writing, len(rows) - writing, time.perf_counter() - began)
        self._arrive(takes, decoded)

    def _arrive(self, takes: list[tuple[Branch, int]], decoded: Decoded) -> None:
        logits, hidden = iter(decoded.logits), iter(decoded.hidden)
        for branch, count in takes:
            assert branch.held
            done = len(branch.held.tokens)
            states = [next(hidden) for _ in range(count)] if branch.hidden else []
            self._tree.cache.extend(branch.held, branch.tokens[done : done + count], states)
            if not branch.pending:
                branch.arrive(next(logits))
            if branch.pending or count > 1:
                for reader in branch.readers:
                    reader.on_progress(done + count, len(branch.tokens))

    def _takes(self) -> list[tuple[Branch, int]]:
        """Choose the branches of the next decode, with a number of tokens each; the shortest prompts first."""
        rooted = self._tree.cached
        writing = [branch for branch in rooted if branch.pending == 1]
        reading = sorted((branch for branch in rooted if branch.pending > 1), key=lambda each: each.pending)
        takes = [(branch, 1) for branch in writing]
        room = min(self._pace.slice(len(writing), self._backend.batch), self._backend.batch - len(writing))
        room = self._stride or room
        if any(branch.hidden for branch in rooted):
            room = min(room, HIDDEN_ROWS)
        for branch in reading:
            if room > 0:
                takes.append((branch, min(branch.pending, room)))
                room -= takes[-1][1]
        return takes

    def _make_room(self) -> None:
        """Free room in a full context: drop an unused sequence, else shift the longest branch, else end its replies."""
        if self._tree.cache.evict():
            return
        branch = max(self._tree.cached, key=lambda each: len(each.tokens))
        keeps = [reader.keeps() for reader in branch.readers]
        keep = max((each for each in keeps if each is not None), default=0)
        if branch.held and branch.pending == 1 and None not in keeps and len(branch.held.tokens) - keep > MOST:
            count = (len(branch.held.tokens) - keep) // 2
            branch.held = self._tree.cache.shift(branch.held, keep, count)
            del branch.tokens[keep : keep + count]
            for reader in branch.readers:
                reader.on_shift(count)
            return
        for reader in list(branch.readers):
            reader.on_context_full()
            self._tree.leave(reader)

    def _begin_anew(self, branches: Sequence[Branch]) -> None:
        """Forget what some branches hold, and read their tokens again."""
        for branch in branches:
            assert branch.held
            self._tree.cache.drop(branch.held)
            branch.held = None

    def _give_up(self, branches: Sequence[Branch], reason: str) -> None:
        """Fail everyone who reads on some branches; what these hold cannot be relied on any more."""
        for reader in {id(reader): reader for branch in branches for reader in branch.readers}.values():
            reader.fail(reason)
        for branch in branches:
            if branch in self._tree.branches:
                self._tree.evict(branch)


def _widest(asked: KnobPair) -> int:
    return max(width(asked.effective_at(inside)) for inside in (False, True))


def _rows(branch: Branch, count: int) -> list[BatchRow]:
    """Build the batch rows of the next `count` tokens of a branch; the last token asks for its logits."""
    assert branch.held
    done, last = len(branch.held.tokens), len(branch.tokens) - 1
    sequence, hidden = branch.held.sequence, branch.hidden
    return [BatchRow(branch.tokens[each], each, sequence, each == last, hidden) for each in range(done, done + count)]
