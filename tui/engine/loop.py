"""The engine's loop: commands in, events out, one decode after another between them."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from tui.crash_report import trail
from tui.engine.backend import Backend
from tui.engine.decode.scheduler import Scheduler
from tui.engine.loaded_model import ModelInfo
from tui.engine.prompt.prompt import PromptWriter, TemplateCompiler
from tui.engine.prompt.template_worker import TemplateWorker
from tui.engine.protocol import (
    Command,
    Describe,
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Ping,
    Pong,
    Preview,
    Progress,
    Remember,
    Render,
    SetKnobs,
    Stop,
    WhatIf,
    encode,
)
from tui.engine.sampling.what_if_worker import Question, WhatIfWorker
from tui.errors import EngineError, TwiddleError

OpenModel = Callable[[Load, Callable[[float], None]], Backend]
"""Function that opens the model of a Load and reports its progress, 0 to 1; raises TwiddleError."""


class EngineLoop:
    """Loop of the engine: run the commands that came, decode one batch, again.

    What needs no decode (Preview, WhatIf, Remember) is answered on a second thread where it can be.
    """

    def __init__(
        self, out: int, open_model: OpenModel | None = None, compile_template: TemplateCompiler | None = None
    ) -> None:
        """Write events to the file descriptor `out`; tests open other models, and compile templates in this process."""
        self._open_model = open_model or open_llama
        self._compile_template = compile_template or TemplateWorker().template
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._out, self._write_lock = out, threading.Lock()
        self._scheduler: Scheduler | None = None
        self._backend: Backend | None = None
        self._newest_what_if: WhatIf | None = None
        """Newest WhatIf; the answer to an older one is broken off."""
        self._what_if: WhatIfWorker | None = None
        """The scheduler's; None while another model is about to be loaded."""
        self._answering = threading.Lock()
        """Held during an answer: it reads from the model, which must not be closed under it."""

    def run(self) -> None:
        """Work for as long as the process lives; the reader thread ends it."""
        threading.Thread(target=self._answer_questions, daemon=True).start()
        while True:
            self._run_commands()
            if self._scheduler:
                self._scheduler.step()

    def emit(self, event: Event) -> None:
        """Write one event."""
        line = encode(event) + b"\n"
        with self._write_lock:
            while line:
                line = line[os.write(self._out, line) :]

    def receive(self, command: Command) -> None:
        """Queue a command; called by the thread that reads them."""
        if isinstance(command, Ping):
            self.emit(Pong())  # from here, since a decode or a load may take its time
            return
        self._newest_what_if = command if isinstance(command, WhatIf) else self._newest_what_if
        if isinstance(command, Question) and self._what_if:
            self._questions.put(command)
            return
        self._what_if = None if isinstance(command, Load) else self._what_if
        self._commands.put(command)
        backend = self._backend  # which the thread that loads may take away at any moment
        if isinstance(command, Stop | Load) and backend:
            backend.interrupt.set()  # whoever wants an end waits for no prompt

    def _run_commands(self) -> None:
        """Run every command that is queued; with nothing to decode, wait for one."""
        if self._backend:
            self._backend.interrupt.clear()
        busy = self._scheduler is not None and self._scheduler.busy
        with suppress(queue.Empty):
            self._run_command(self._commands.get(block=not busy))
            while True:
                self._run_command(self._commands.get(block=False))

    def _answer_questions(self) -> None:
        """Answer questions for as long as the process lives."""
        while True:
            questions = [self._questions.get()]
            with suppress(queue.Empty):
                while True:
                    questions.append(self._questions.get(block=False))
            for question in _newest(questions):
                self._answer(question)

    def _answer(self, question: Question) -> None:
        """Answer without a decode; queue it for the loop where it takes one, or another model is about to be loaded."""
        with self._answering, self._report_failure(question):
            worker = self._what_if
            if worker is None or not worker.answer(question, lambda: self._is_stale(question, worker)):
                self._commands.put(question)

    def _is_stale(self, question: Question, worker: WhatIfWorker) -> bool:
        """Return True if nobody waits for the rest of an answer: a newer question came, or another model is wanted."""
        return self._what_if is not worker or (isinstance(question, WhatIf) and question is not self._newest_what_if)

    @contextmanager
    def _report_failure(self, question: Question) -> Iterator[None]:
        """Answer Failed to a question that goes wrong in this block: it must cost no reply, and no later question."""
        try:
            yield
        except EngineError as error:
            self.emit(Failed(question.id, str(error)))
        except Exception as error:  # noqa: BLE001
            print(trail(error), file=sys.stderr, flush=True)
            kind = type(error).__name__
            self.emit(Failed(question.id, f"This could not be worked out ({kind}); the engine's log says where."))

    def _run_command(self, command: Command) -> None:
        if isinstance(command, Load):
            self._load(command)
        elif isinstance(command, Describe):
            from tui.engine.llama import machine

            self.emit(machine())
        elif self._scheduler and isinstance(command, Question):
            with self._report_failure(command):
                _schedule(self._scheduler, command)
        elif self._scheduler and not isinstance(command, Ping):
            _schedule(self._scheduler, command)
        elif isinstance(command, Generate):
            for reply in command.replies:
                self.emit(Failed(reply.id, "No model is loaded."))

    def _load(self, command: Load) -> None:
        if self._scheduler:
            self._scheduler.abandon("Another model is being loaded.")
        with self._answering:
            if self._backend:
                self._backend.close()
            self._backend = self._scheduler = self._what_if = None
        try:
            self._backend = self._open(command)
        except TwiddleError as error:
            self.emit(LoadFailed(str(error)))
            return
        reproducible = command.knobs.reproducible == "on"
        self._scheduler = Scheduler(self._backend, self.emit, self._compile_template, reproducible=reproducible)
        self._what_if = self._scheduler.what_if
        self.emit(Loaded(_describe(self._backend, self._scheduler.prompts)))

    def _open(self, command: Load) -> Backend:
        reported = -1

        def progress(share: float) -> None:
            nonlocal reported
            if int(share * 100) > reported:
                reported = int(share * 100)
                self.emit(Progress(share))

        return self._open_model(command, progress)


def open_llama(command: Load, progress: Callable[[float], None]) -> Backend:
    """Open a GGUF with llama.cpp, which is imported here: it takes a while. Raises ModelError and KnobError."""
    from tui.engine.llama import Llama

    return Llama(command.path, command.knobs, progress)


def _describe(backend: Backend, prompts: PromptWriter) -> ModelInfo:
    """Describe the model, with what its chat template can do."""
    return msgspec.structs.replace(
        backend.info,
        template=backend.template is not None and not prompts.notice,
        thought=prompts.tags and prompts.tags[:2],
        think_switch=prompts.has_switch,
    )


def _schedule(scheduler: Scheduler, command: Generate | SetKnobs | Stop | Render | Question) -> None:
    match command:
        case Generate():
            scheduler.generate(command)
        case SetKnobs():
            scheduler.set_knobs(command)
        case Stop():
            scheduler.stop(command)
        case Preview():
            scheduler.preview(command)
        case Remember():
            scheduler.remember(command)
        case Render():
            scheduler.render(command)
        case WhatIf():
            scheduler.what_if.answer(command, newer=lambda: False)


def _newest(questions: list[Question]) -> list[Question]:
    """Drop questions that a later one of their kind replaces; every Remember stays."""
    last = {type(question): question for question in questions}
    return [each for each in questions if isinstance(each, Remember) or each is last[type(each)]]
