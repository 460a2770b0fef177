"""Command line of the user's editor, and its errors."""

import os
import shlex
from pathlib import Path

from tui.errors import EditorError


def editing(path: Path) -> list[str]:
    """Return the command that opens a file in $VISUAL or $EDITOR; raises EditorError."""
    command = _chosen()
    try:
        return [*(shlex.split(command) or ["vi"]), str(path)]
    except ValueError as error:
        raise not_started(error) from None


def not_started(error: Exception) -> EditorError:
    """Return the error for an editor that could not be started."""
    reason = error.strerror if isinstance(error, OSError) else error
    return EditorError(f"The editor {_chosen()!r} cannot be started: {reason}; set EDITOR to another.")


def ended(code: int) -> EditorError:
    """Return the error for an editor that ended with another code than 0."""
    return EditorError(f"The editor {_chosen()!r} ended with {code}, so nothing was changed.")


def _chosen() -> str:
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
