"""The engine process: commands on stdin, events on stdout, everything else into the log that its stderr is.

`python -m tui.engine` takes a private copy of stdout for the protocol and points the descriptor itself at stderr, so
that whatever a native library prints cannot end up between two events.
"""

import os
import queue
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import msgspec

from tui.crash_report import trail
from tui.engine.backend import Backend
from tui.engine.decode.scheduler import Scheduler
from tui.engine.fake import ScriptedBackend, read_script
from tui.engine.process.openmp import spin_briefly
from tui.engine.prompt.prompt import PromptWriter
from tui.engine.prompt.template_worker import TemplateWorker
from tui.engine.protocol import (
    GARBAGE,
    Command,
    Describe,
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    ModelInfo,
    Ping,
    Pong,
    Preview,
    Progress,
    Remember,
    Render,
    SetKnobs,
    Stop,
    WhatIf,
    decode_command,
    encode,
)
from tui.engine.sampling.what_if_worker import Question, WhatIfWorker
from tui.errors import EngineError, TwiddleError


class EngineLoop:
    """The loop: take what was asked, do one step, again. What needs no model is answered beside it."""

    def __init__(self, out: int) -> None:
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._looks: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._out, self._writing = out, threading.Lock()
        self._scheduler: Scheduler | None = None
        self._backend: Backend | None = None
        self._scribe = TemplateWorker()
        self._what_if: WhatIf | None = None
        """The newest, which those before it give way to."""
        self._onlooker: WhatIfWorker | None = None
        """The scheduler's, while no other model is about to be loaded."""
        self._looking = threading.Lock()
        """Held while it answers: it reads from the model, which must not be closed under it."""

    def run(self) -> None:
        """Work for as long as the process lives; the reader thread ends it."""
        threading.Thread(target=self._answer, daemon=True).start()
        while True:
            self._drain()
            if self._scheduler:
                self._scheduler.step()

    def emit(self, event: Event) -> None:
        """Write one event."""
        line = encode(event) + b"\n"
        with self._writing:
            while line:
                line = line[os.write(self._out, line) :]

    def take(self, command: Command) -> None:
        """Take a command, from the thread that reads them."""
        if isinstance(command, Ping):
            self.emit(Pong())  # from here, since a decode or a load may take its time
            return
        self._what_if = command if isinstance(command, WhatIf) else self._what_if
        if isinstance(command, Question) and self._onlooker:
            self._looks.put(command)
            return
        self._onlooker = None if isinstance(command, Load) else self._onlooker
        self._commands.put(command)
        backend = self._backend  # which the thread that loads may take away at any moment
        if isinstance(command, Stop | Load) and backend:
            backend.interrupt.set()  # whoever wants an end waits for no prompt

    def _drain(self) -> None:
        """Take every command that is there; with nothing to do, wait for one."""
        if self._backend:
            self._backend.interrupt.clear()
        busy = self._scheduler is not None and self._scheduler.busy
        with suppress(queue.Empty):
            self._obey(self._commands.get(block=not busy))
            while True:
                self._obey(self._commands.get(block=False))

    def _answer(self) -> None:
        """Answer what needs no model, for as long as the process lives."""
        while True:
            questions = [self._looks.get()]
            with suppress(queue.Empty):
                while True:
                    questions.append(self._looks.get(block=False))
            for question in _newest(questions):
                self._look(question)

    def _look(self, question: Question) -> None:
        """Answer without the model, or leave it to the loop: also where another model is about to be loaded."""
        with self._looking, self._net(question):
            onlooker = self._onlooker
            if onlooker is None or not onlooker.answer(question, lambda: self._is_past(question, onlooker)):
                self._commands.put(question)

    def _is_past(self, question: Question, onlooker: WhatIfWorker) -> bool:
        """Whether nobody waits for the rest of an answer: there is a newer question, or another model is wanted."""
        return self._onlooker is not onlooker or (isinstance(question, WhatIf) and question is not self._what_if)

    @contextmanager
    def _net(self, question: Question) -> Iterator[None]:
        """Whatever goes wrong with a question is the answer to it: it must cost no reply, and no later question."""
        try:
            yield
        except EngineError as error:
            self.emit(Failed(question.id, str(error)))
        except Exception as error:  # noqa: BLE001
            print(trail(error), file=sys.stderr, flush=True)
            kind = type(error).__name__
            self.emit(Failed(question.id, f"This could not be worked out ({kind}); the engine's log says where."))

    def _obey(self, command: Command) -> None:
        if isinstance(command, Load):
            self._load(command)
        elif isinstance(command, Describe):
            from tui.engine.llama import machine

            self.emit(machine())
        elif self._scheduler and isinstance(command, Question):
            with self._net(command):
                _schedule(self._scheduler, command)
        elif self._scheduler and not isinstance(command, Ping):
            _schedule(self._scheduler, command)
        elif isinstance(command, Generate):
            for reply in command.replies:
                self.emit(Failed(reply.id, "No model is loaded."))

    def _load(self, command: Load) -> None:
        if self._scheduler:
            self._scheduler.abandon("Another model is being loaded.")
        with self._looking:
            if self._backend:
                self._backend.close()
            self._backend = self._scheduler = self._onlooker = None
        try:
            self._backend = self._open(command)
        except TwiddleError as error:
            self.emit(LoadFailed(str(error)))
            return
        reproducible = command.knobs.reproducible == "on"
        self._scheduler = Scheduler(self._backend, self.emit, self._scribe.template, reproducible=reproducible)
        self._onlooker = self._scheduler.onlooker
        self.emit(Loaded(_described(self._backend, self._scheduler.prompts)))

    def _open(self, command: Load) -> Backend:
        from tui.engine.llama import Llama, make_stage

        reported = -1

        def progress(share: float) -> None:
            nonlocal reported
            if int(share * 100) > reported:
                reported = int(share * 100)
                self.emit(Progress(share))

        if command.path.startswith("fake:"):
            return ScriptedBackend(read_script(command.path), make_stage, progress)
        return Llama(command.path, command.knobs, progress)


def _described(backend: Backend, prompts: PromptWriter) -> ModelInfo:
    """What the backend says of its model, and what its chat template makes of it."""
    return msgspec.structs.replace(
        backend.info,
        template=backend.template is not None and not prompts.notice,
        notice=" ".join(filter(None, (prompts.notice, backend.info.notice))),
        thought=prompts.tags,
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
            scheduler.onlooker.answer(command, newer=lambda: False)


def _newest(questions: list[Question]) -> list[Question]:
    """Those still of interest: of what can be asked again and again, the last."""
    last = {type(question): question for question in questions}
    return [each for each in questions if isinstance(each, Remember) or each is last[type(each)]]


def read(engine: EngineLoop) -> None:
    """Feed the engine from stdin. The end of stdin means that the parent is gone: go too, even in mid-decode."""
    with suppress(BrokenPipeError):  # gone without an end of stdin, such as while this process was suspended
        for line in sys.stdin.buffer:
            try:
                engine.take(decode_command(line))
            except GARBAGE as error:
                print(f"a line that is no command: {error}", file=sys.stderr, flush=True)
    os._exit(0)


def give_up(error: BaseException) -> NoReturn:
    """End the process over an error that nobody foresaw, whichever thread it is in: half an engine helps nobody."""
    try:
        print(trail(error), file=sys.stderr, flush=True)
    finally:
        # Python's own end would wait for the thread that reads stdin, and abort.
        os._exit(1)


def main() -> None:
    """Set the process up and run."""
    out = os.dup(1)
    os.dup2(2, 1)
    # A core dump would hold the conversation, and ggml would start a debugger when it aborts.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["GGML_NO_BACKTRACE"] = "1"
    sys.excepthook = lambda kind, error, _: give_up(error)
    threading.excepthook = lambda fault: give_up(fault.exc_value or fault.exc_type())
    spin_briefly()
    engine = EngineLoop(out)
    threading.Thread(target=read, args=(engine,), daemon=True).start()
    engine.run()


if __name__ == "__main__":
    main()
