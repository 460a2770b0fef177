"""What goes to standard output for others to read: text as it is, and JSON, an object a line.

In JSON everything beyond ASCII is escaped, so that nothing in a text acts on a terminal that shows the lines.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from tui.cli.arguments import UsageError
from tui.errors import TwiddleError
from tui.terminal import safe


def print_line(**fields: Any) -> None:
    """Print one object."""
    print(json.dumps(fields, separators=(",", ":")), flush=True)


def print_text(text: str) -> None:
    """Print what somebody wrote: as it is for a file or a program, and without what acts on it for a terminal."""
    # Not typer.echo, which takes escape sequences out of what goes into a file.
    sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


@contextmanager
def errors_as_json(wanted: bool) -> Iterator[None]:
    """Turn an error into a line too, for a program that reads the others; the exit code stays."""
    try:
        yield
    except TwiddleError as error:
        if not wanted:
            raise
        print_line(event="error", message=str(error))
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
