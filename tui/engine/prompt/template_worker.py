"""Chat templates are rendered in a process of their own.

A template is a program out of a file from anywhere, and a single operation of it can fill the memory or take for ever
(`'a' * 10**12`, `10**10**10`), without a way to break it off from within. Here that ends the scribe; the model and the
replies that run are left in peace, and the next prompt gets another scribe.
"""

import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import msgspec

from tui.conversation.conversation import Message
from tui.conversation.thinking import find_tags
from tui.engine.prompt.jinja import reads_parts
from tui.errors import EngineError, TemplateRefusal

SECONDS = 2.0
"""CPU seconds for a prompt: a busy machine refuses no more than an idle one."""

_PATIENCE = 30.0
"""Seconds on the clock."""

_MEMORY = 2**29
LARGEST = 2**24
"""Bytes, and characters of a prompt."""


_BROKEN = "The chat template fails over these messages; the model needs another one."
_TOO_LONG = "The chat template takes too long over these messages; the model needs another one."
_TOO_MUCH = "The chat template takes too much memory over these messages; the model needs another one."


class RenderOrder(msgspec.Struct, frozen=True):
    """A prompt to be written, or, without messages, a template to be tried."""

    source: str
    bos: str
    eos: str
    messages: tuple[Message, ...] | None = None
    open_reply: bool = True
    think: str = "auto"
    parts: tuple[str, ...] = ()
    """Roles whose messages are given as typed parts."""


class RenderAnswer(msgspec.Struct, frozen=True):
    """Result of an order."""

    text: str = ""
    error: str = ""
    refused: bool = False
    """True if the error is that the template does not take the messages in this form."""
    has_switch: bool = False
    """True if the template has a switch for thinking."""


class TemplateWorker:
    """The process, started as soon as there is one of these, and again when it was lost."""

    def __init__(self) -> None:
        self._process = self._start()

    def template(self, source: str, *, bos: str, eos: str) -> "WorkerTemplate":
        """Build a template that the worker process renders; raises EngineError if it does not compile."""
        order = RenderOrder(source, bos, eos)
        return WorkerTemplate(self, order, has_switch=self.render(order).has_switch)

    def render(self, order: RenderOrder) -> RenderAnswer:
        """Render an order; raises EngineError when the template refuses, or takes more than it may."""
        if self._process.poll() is not None:
            self.close()
            self._process = self._start()
        line = self._exchange(msgspec.json.encode(order) + b"\n")
        if line is None:
            self._process.kill()  # where it has not ended by itself
            code = self._process.wait()
            late = code in (-signal.SIGPROF, -signal.SIGKILL)
            raise EngineError(_BROKEN if code > 0 else _TOO_LONG if late else _TOO_MUCH)
        answer = msgspec.json.decode(line, type=RenderAnswer)
        if answer.error:
            raise (TemplateRefusal if answer.refused else EngineError)(answer.error)
        return answer

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        self._process.kill()
        self._process.wait()

    def _exchange(self, line: bytes) -> bytes | None:
        """Send a line to the worker and return its answer; None if none comes."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout, "they were asked for"
        try:
            stdin.write(line)
            stdin.flush()
        except OSError:
            return None
        chunks, until = list[bytes](), time.monotonic() + _PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while selector.select(max(until - time.monotonic(), 0)):
                chunk = stdout.read(2**20)
                if not chunk:
                    return None
                chunks.append(chunk)
                if chunk.endswith(b"\n"):
                    return b"".join(chunks)
        return None

    @staticmethod
    def _start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.engine.prompt.template_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )


class WorkerTemplate:
    """A model's own chat template, as the scribe renders it."""

    def __init__(self, scribe: TemplateWorker, order: RenderOrder, *, has_switch: bool) -> None:
        self._scribe, self._order = scribe, order
        self.tags, self.has_switch = find_tags(order.source), has_switch
        self.takes_parts = reads_parts(order.source)

    def render(
        self, messages: Sequence[Message], *, open_reply: bool = True, think: str = "auto", parts: Sequence[str] = ()
    ) -> str:
        """Return the prompt text, ending where the reply begins; raises EngineError."""
        said = tuple(Message(message.role, message.content) for message in messages)
        form = {"open_reply": open_reply, "think": think, "parts": tuple(parts)}
        order = msgspec.structs.replace(self._order, messages=said, **form)
        return self._scribe.render(order).text


# --- in the process ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Write what is ordered on stdin, within limits that end the process, until stdin ends."""
    from tui.engine.prompt.jinja import JinjaTemplate

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's, and the engine ends this by itself
    compiled = lru_cache(2)(JinjaTemplate)

    def answer(order: RenderOrder) -> RenderAnswer:
        try:
            template = compiled(order.source, bos=order.bos, eos=order.eos)
            asked, parts = order.messages, order.parts
            text = "" if asked is None else template.render(
                asked, open_reply=order.open_reply, think=order.think, parts=parts
            )  # fmt: skip
        except EngineError as error:
            return RenderAnswer(error=str(error), refused=isinstance(error, TemplateRefusal))
        except MemoryError:
            return RenderAnswer(error=_TOO_MUCH)
        return (
            RenderAnswer(text, has_switch=template.has_switch)
            if len(text) <= LARGEST
            else RenderAnswer(error=_TOO_MUCH)
        )

    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        answered = msgspec.json.encode(answer(msgspec.json.decode(line, type=RenderOrder)))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(answered + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
