"""A constraint is read in a process of its own first.

llguidance bounds what it spends on a token, not all that it spends on reading: a schema whose definitions refer to each
other a thousand deep overflows its stack, `"multipleOf": 123456789` takes minutes. Neither can be caught or broken off
from within, and here it would take the model and every running reply along. What passes is read again where it is used.
"""

import resource
import signal
import subprocess
import sys
import threading

import msgspec

from tui.engine.constraint.grammar import read
from tui.errors import EngineError

_SECONDS = 1.0
"""CPU seconds for a grammar: a busy machine refuses no more than an idle one."""

_PATIENCE = 20
"""Seconds on the clock."""

_MEMORY = 2**29
_STACK = 2**22
"""Bytes; half of what a process has as a rule, so that what passes is safe there."""


class GrammarVerdict(msgspec.Struct, frozen=True):
    """Result of reading a constraint: its grammar, or an error."""

    grammar: str = ""
    error: str = ""


def read_apart(name: str, value: str | tuple[str, ...]) -> str:
    """Return the grammar of a constraint knob, read in a process of its own.

    Raises EngineError as `grammar.read` does, and for a value that takes too much time or memory.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tui.engine.constraint.grammar_worker"],
            input=msgspec.json.encode((name, value)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{name}: it could not be tried out before its use ({error}); ask again.") from None
    if done.returncode == -signal.SIGPROF:
        raise EngineError(f"{name}: it takes more than {_SECONDS:g} s to read; make it simpler.")
    if done.returncode:
        raise EngineError(f"{name}: it is nested too deeply or takes too much memory to read; make it simpler.")
    verdict = msgspec.json.decode(done.stdout, type=GrammarVerdict)
    if verdict.error:
        raise EngineError(verdict.error)
    return verdict.grammar


def _judge(name: str, value: str | tuple[str, ...]) -> None:
    try:
        verdict = GrammarVerdict(grammar=read(name, value))
    except EngineError as error:
        verdict = GrammarVerdict(error=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(verdict))
    sys.stdout.flush()


def main() -> None:
    """Read the constraint that stdin has, within limits that end the process."""
    name, value = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, str | tuple[str, ...]])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    threading.stack_size(_STACK)
    thread = threading.Thread(target=_judge, args=(name, value))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
