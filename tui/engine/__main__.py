"""The engine process: commands on stdin, events on stdout, everything else into the log that its stderr is.

`python -m tui.engine` takes a private copy of stdout for the protocol and points the descriptor itself at stderr, so
that whatever a native library prints cannot end up between two events.
"""

import os
import resource
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from tui.crash_report import trail
from tui.engine.loop import EngineLoop, OpenModel, open_llama
from tui.engine.process.openmp import spin_briefly
from tui.engine.protocol import GARBAGE, decode_command


def read(engine: EngineLoop) -> None:
    """Feed the engine from stdin. The end of stdin means that the parent is gone: go too, even in mid-decode."""
    with suppress(BrokenPipeError):  # gone without an end of stdin, such as while this process was suspended
        for line in sys.stdin.buffer:
            try:
                engine.receive(decode_command(line))
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


def main(open_model: OpenModel = open_llama) -> None:
    """Set the process up and run the loop until stdin ends; tests open other models."""
    out = os.dup(1)
    os.dup2(2, 1)
    # A core dump would hold the conversation, and ggml would start a debugger when it aborts.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["GGML_NO_BACKTRACE"] = "1"
    sys.excepthook = lambda kind, error, _: give_up(error)
    threading.excepthook = lambda fault: give_up(fault.exc_value or fault.exc_type())
    spin_briefly()
    engine = EngineLoop(out, open_model)
    threading.Thread(target=read, args=(engine,), daemon=True).start()
    engine.run()


if __name__ == "__main__":
    main()
