"""Rows on standard output: a table on a terminal, else lines with tabs."""

import sys
from collections.abc import Iterable

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui.terminal import safe_line

Rows = Iterable[tuple[str, ...]]


def for_people() -> bool:
    """True if standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(headings: tuple[str, ...], rows: Rows, *, right: tuple[str, ...] = ()) -> None:
    """Print rows; the columns named in `right` hold numbers and stand to the right. Cells may hold any text."""
    if not for_people():
        for row in rows:
            typer.echo("\t".join(map(safe_line, row)))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_header=any(headings))
    for heading in headings:
        table.add_column(Text(safe_line(heading)), justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe_line(cell)) for cell in row))
    Console().print(table)
