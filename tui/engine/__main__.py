"""The engine process: commands on stdin, events on stdout, everything else into the log that its stderr is.

`python -m tui.engine` takes a private copy of stdout for the protocol and points the descriptor itself at stderr, so
that whatever a native library prints cannot end up between two events.
"""

import os
import queue
import resource
import sys
import threading
from contextlib import suppress

import msgspec

from tui.engine.backend import Backend
from tui.engine.fake import ScriptedBackend, read_script
from tui.engine.protocol import (
    Command,
    Describe,
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Preview,
    Progress,
    SetKnobs,
    Stop,
    decode_command,
    encode,
)
from tui.engine.scheduler import Scheduler
from tui.errors import TwiddleError


class Engine:
    """The loop: take what was asked, do one step, again."""

    def __init__(self, commands: "queue.SimpleQueue[Command]", out: int) -> None:
        self._commands, self._out = commands, out
        self._scheduler: Scheduler | None = None
        self._backend: Backend | None = None

    def run(self) -> None:
        """Work for as long as the process lives; the reader thread ends it."""
        while True:
            self._drain()
            if self._scheduler:
                self._scheduler.step()

    def emit(self, event: Event) -> None:
        """Write one event."""
        line = encode(event) + b"\n"
        while line:
            line = line[os.write(self._out, line) :]

    def _drain(self) -> None:
        """Take every command that is there; with nothing to do, wait for one."""
        busy = self._scheduler is not None and self._scheduler.busy
        with suppress(queue.Empty):
            self._obey(self._commands.get(block=not busy))
            while True:
                self._obey(self._commands.get(block=False))

    def _obey(self, command: Command) -> None:
        if isinstance(command, Load):
            self._load(command)
        elif isinstance(command, Describe):
            from tui.engine.llama import machine

            self.emit(machine())
        elif self._scheduler:
            _schedule(self._scheduler, command)
        elif isinstance(command, Generate):
            for reply in command.replies:
                self.emit(Failed(reply.id, "No model is loaded."))

    def _load(self, command: Load) -> None:
        if self._scheduler:
            self._scheduler.abandon("Another model is being loaded.")
        if self._backend:
            self._backend.close()
        self._backend = self._scheduler = None
        try:
            self._backend = self._open(command)
        except TwiddleError as error:
            self.emit(LoadFailed(str(error)))
            return
        self._scheduler = Scheduler(self._backend, self.emit)
        info, unusable = self._backend.info, self._scheduler.notice
        template = self._backend.template is not None and not unusable
        notice = " ".join(filter(None, (unusable, info.notice)))
        self.emit(Loaded(msgspec.structs.replace(info, template=template, notice=notice)))

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


def _schedule(scheduler: Scheduler, command: Generate | SetKnobs | Stop | Preview) -> None:
    match command:
        case Generate():
            scheduler.generate(command)
        case SetKnobs():
            scheduler.set_knobs(command)
        case Stop():
            scheduler.stop(command)
        case Preview():
            scheduler.preview(command)


def read(commands: "queue.SimpleQueue[Command]") -> None:
    """Feed the queue from stdin. The end of stdin means that the parent is gone: go too, even in mid-decode."""
    for line in sys.stdin.buffer:
        try:
            commands.put(decode_command(line))
        except msgspec.MsgspecError as error:
            print(f"a line that is no command: {error}", file=sys.stderr, flush=True)
    os._exit(0)


def main() -> None:
    """Set the process up and run."""
    out = os.dup(1)
    os.dup2(2, 1)
    # A core dump would hold the conversation, and ggml would start a debugger when it aborts.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["GGML_NO_BACKTRACE"] = "1"
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=read, args=(commands,), daemon=True).start()
    Engine(commands, out).run()


if __name__ == "__main__":
    main()
