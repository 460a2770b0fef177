"""Text, tables and JSON lines on standard output.

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
    """Print a text: unchanged to a file or a pipe, without control characters to a terminal."""
    # Not typer.echo, which takes escape sequences out of what goes into a file.
    sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


@contextmanager
def errors_as_json(wanted: bool) -> Iterator[None]:
    """Print a TwiddleError as a JSON line if `wanted`; the exit code stays the same."""
    try:
        yield
    except TwiddleError as error:
        if not wanted:
            raise
        print_line(event="error", message=str(error))
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
