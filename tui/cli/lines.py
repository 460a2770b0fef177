"""JSON on standard output, an object a line.

Everything beyond ASCII is escaped, so that nothing in a text acts on a terminal that shows the lines.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from tui.cli.arguments import UsageError
from tui.errors import TwiddleError


def print_line(**fields: Any) -> None:
    """Print one object."""
    print(json.dumps(fields, separators=(",", ":")), flush=True)


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
