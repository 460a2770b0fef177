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
        """Return the number of prompt tokens for a step that lasts at most two steps of the running replies."""
        budget = self._step if writing else RESPONSIVE
        return max(1, min(int(budget / self._token), most))


MAX_REPLIES = 8
"""Most replies at once."""

MAX_IDLE_SEQUENCES = 8
"""Sequences left unused, to keep prefixes that the next request may begin with."""


class Scheduler:
    """Replies and previews that run in one context, and the steps that decode them."""

    def __init__(
        self, backend: Backend, emit: Emit, compiled: TemplateCompiler = JinjaTemplate, *, reproducible: bool = False
    ) -> None:
        """Serve one context; `compiled` compiles the model's own chat template."""
        self._backend, self._out = backend, emit
        self.prompts = PromptWriter(backend, compiled)
        """Writer of the prompts, which knows the model's chat template."""
        self._grammars = Grammars(backend)
        self._stride = min(SLICE, backend.batch) if reproducible else None
        """Prompt tokens in a step, where that is fixed."""
        self._tree = PrefixTree(backend, self._stride)
        self._pacer = PrefillPacer()
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
        if len(running) >= MAX_REPLIES:
            raise EngineError(f"{MAX_REPLIES} replies are running already; wait for one or stop it.")
        self._check_width(reply.pair, running)

    def _check_width(self, asked: KnobPair, others: Sequence[Generation]) -> None:
        """Raise EngineError if there are too few sequences for a search beside others."""
        most = max(self._backend.sequences - MAX_IDLE_SEQUENCES, self._backend.sequences // 2)
        if sum(_widest(each.schedule.asked) for each in others) + _widest(asked) > most:
            raise EngineError(f"The replies that run look at {most} continuations at once at most; use fewer beams.")

    def _generation(self, reply: ReplyRequest, prompt: list[int]) -> Generation:
        first_index = self.prompts.count_continued(reply.messages, reply.template, reply.knobs.thinking)
        count_system = partial(self.prompts.count_system, reply.messages, reply.template, reply.knobs.thinking)
        watch = self.prompts.watch(reply.messages, reply.knobs, reply.template)
        self.what_if.add_reply(reply.id, prompt, reply.knobs, first_index)
        pending_bytes = self.prompts.pending_bytes(reply.messages, reply.template, reply.knobs.thinking)
        return Generation(
            reply, prompt, first_index, count_system, self._grammars, self._backend, self._emit, watch, pending_bytes
        )

    def preview(self, command: Preview) -> None:
        """Start a preview of the next token, in place of one that still waits."""
        for preview in [each for each in self._tree.readers if isinstance(each, PreviewReader)]:
            self._tree.leave(preview)
        try:
            prompt = self._prompt(command.messages, command.template, command.knobs.thinking)
            knobs, constraint = self._next_token_settings(command)
        except EngineError as error:
            self._emit(Failed(command.id, str(error)))
            return
        self._tree.add(prompt, PreviewReader(command.id, knobs, constraint, self._backend, self._emit))

    def _next_token_settings(self, command: Preview) -> tuple[Knobs, Constraint | None]:
        """Return the knobs and the constraint that apply to the next token."""
        watch = self.prompts.watch(command.messages, command.knobs, command.template)
        watch.read(self.prompts.continued_tokens(command.messages, command.template, command.knobs.thinking))
        # After a whole reply there is nothing that a constraint would bind.
        begins = not command.messages or command.messages[-1].role != "assistant"
        constraint = self._grammars.constraint(command.knobs) if begins and not watch.inside else None
        return command.pair.effective_at(watch.inside), constraint

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
        """Emit the prompt that messages make."""
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
        """Fail all replies and previews."""
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
        """Have readers choose where logits are ready, and split the branches where their choices differ."""
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
        """Decode one batch: the next token of every running reply, and slices of the prompts."""
        plan = self._plan_batch()
        rows = [row for branch, count in plan for row in _rows(branch, count)]
        began = time.perf_counter()
        try:
            decoded = self._backend.decode(rows)
        except Interrupted:
            if not self._backend.cuttable:
                self._reevaluate([branch for branch, _ in plan])
            return
        except ContextFull:
            self._make_room()
            return
        except EngineError as error:
            self._fail([branch for branch, _ in plan], str(error))
            return
        writing = sum(1 for branch, _ in plan if branch.pending == 1)
        self._pacer.record(writing, len(rows) - writing, time.perf_counter() - began)
        self._apply_decoded(plan, decoded)

    def _apply_decoded(self, plan: list[tuple[Branch, int]], decoded: Decoded) -> None:
        logits, hidden = iter(decoded.logits), iter(decoded.hidden)
        for branch, count in plan:
            assert branch.cached
            done = len(branch.cached.tokens)
            states = [next(hidden) for _ in range(count)] if branch.hidden else []
            self._tree.cache.extend(branch.cached, branch.tokens[done : done + count], states)
            if not branch.pending:
                branch.set_logits(next(logits))
            if branch.pending or count > 1:
                for reader in branch.readers:
                    reader.on_progress(done + count, len(branch.tokens))

    def _plan_batch(self) -> list[tuple[Branch, int]]:
        """Choose the branches of the next decode, with a number of tokens each; the shortest prompts first."""
        cached = self._tree.cached
        writing = [branch for branch in cached if branch.pending == 1]
        reading = sorted((branch for branch in cached if branch.pending > 1), key=lambda each: each.pending)
        plan = [(branch, 1) for branch in writing]
        room = min(self._pacer.slice(len(writing), self._backend.batch), self._backend.batch - len(writing))
        room = self._stride or room
        if any(branch.hidden for branch in cached):
            room = min(room, HIDDEN_ROWS)
        for branch in reading:
            if room > 0:
                plan.append((branch, min(branch.pending, room)))
                room -= plan[-1][1]
        return plan

    def _make_room(self) -> None:
        """Free room in a full context: drop an unused sequence, else shift the longest branch, else end its replies."""
        if self._tree.cache.evict():
            return
        branch = max(self._tree.cached, key=lambda each: len(each.tokens))
        keeps = [reader.keeps() for reader in branch.readers]
        keep = max((each for each in keeps if each is not None), default=0)
        if (
            branch.cached
            and branch.pending == 1
            and None not in keeps
            and len(branch.cached.tokens) - keep > MAX_REPLIES
        ):
            count = (len(branch.cached.tokens) - keep) // 2
            branch.cached = self._tree.cache.shift(branch.cached, keep, count)
            del branch.tokens[keep : keep + count]
            for reader in branch.readers:
                reader.on_shift(count)
            return
        for reader in list(branch.readers):
            reader.on_context_full()
            self._tree.leave(reader)

    def _reevaluate(self, branches: Sequence[Branch]) -> None:
        """Drop the sequences of some branches, so that their tokens are evaluated again."""
        for branch in branches:
            assert branch.cached
            self._tree.cache.drop(branch.cached)
            branch.cached = None

    def _fail(self, branches: Sequence[Branch], reason: str) -> None:
        """Fail all readers of some branches, whose sequences are not valid any more."""
        for reader in {id(reader): reader for branch in branches for reader in branch.readers}.values():
            reader.fail(reason)
        for branch in branches:
            if branch in self._tree.branches:
                self._tree.evict(branch)


def _widest(asked: KnobPair) -> int:
    return max(width(asked.effective_at(inside)) for inside in (False, True))


def _rows(branch: Branch, count: int) -> list[BatchRow]:
    """Build the batch rows of the next `count` tokens of a branch; the last token asks for its logits."""
    assert branch.cached
    done, last = len(branch.cached.tokens), len(branch.tokens) - 1
    sequence, hidden = branch.cached.sequence, branch.hidden
    return [BatchRow(branch.tokens[each], each, sequence, each == last, hidden) for each in range(done, done + count)]
