"""Text, tables and JSON lines on standard output.

In JSON everything beyond ASCII is escaped, so that nothing in a text acts on a terminal that shows the lines.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui.cli.arguments import UsageError
from tui.errors import TwiddleError
from tui.terminal import safe, safe_line

Rows = Iterable[tuple[str, ...]]


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


def is_terminal() -> bool:
    """Return True if standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(headings: tuple[str, ...], rows: Rows, *, right: tuple[str, ...] = ()) -> None:
    """Print rows; the columns named in `right` hold numbers and stand to the right. Cells may hold any text."""
    if not is_terminal():
        for row in rows:
            typer.echo("\t".join(map(safe_line, row)))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_header=any(headings))
    for heading in headings:
        table.add_column(Text(safe_line(heading)), justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe_line(cell)) for cell in row))
    Console().print(table)
