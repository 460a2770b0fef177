"""Report of an error that nobody foresaw: where it happened, and nothing of the chat."""

import os
import traceback

from tui.paths import log_dir, make_private


def trail(error: BaseException) -> str:
    """Return the types of an error and of its causes with their lines of code; their texts could quote the chat."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [trail(before), "\nThen:\n"] if before else []
    return "".join([*lines, *traceback.format_tb(error.__traceback__), type(error).__qualname__, "\n"])


def write_trail(error: BaseException) -> str:
    """Write the trail into a file that the person alone can read; return where it is, or why there is none."""
    path = log_dir() / "crash.log"
    try:
        make_private(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as log:
            log.write(trail(error))
    except OSError as failure:
        return f"where could not be written down: {failure.strerror}"
    return f"where is in {path}"
