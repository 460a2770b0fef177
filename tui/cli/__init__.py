"""The command line: a second front end on the engine, one file a command."""

import io
import sys
from typing import Annotated

import typer

from tui import __version__
from tui.cli import chat, compare, doctor, presets, run
from tui.cli.arguments import UsageError
from tui.cli.aside import tell
from tui.errors import TwiddleError

app = typer.Typer(
    help="A terminal chat client with live sampling knobs. Alone, `twiddle` opens the chat.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they print locals, and those hold the conversation
)
for command in (chat.chat, compare.compare, run.run, doctor.doctor):
    app.command()(command)
app.add_typer(presets.app, name="presets")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twiddle {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _twiddle(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        chat.chat()


def main() -> None:
    """Entry point of `twiddle`, and the one place where an error becomes words and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a model may write what the terminal's encoding has no sign for
    try:
        app(prog_name="twiddle")
    except TwiddleError as error:
        tell(str(error))
        sys.exit(2 if isinstance(error, UsageError) else 1)
