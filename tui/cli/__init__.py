"""The command line: a second front end on the engine, one file a command."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer._click.exceptions import ClickException

from tui import __version__
from tui.cli import bench, chat, compare, doctor, history, models, presets, replay, run
from tui.cli.arguments import ModelName, ThemeName, UsageError, check_encoding
from tui.cli.stderr import print_notice
from tui.errors import TwiddleError
from tui.terminal import safe

app = typer.Typer(
    help="A terminal chat client with live sampling knobs. Alone, `twiddle` opens the chat.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they print locals, and those hold the conversation
)
for command in (chat.chat, compare.compare, run.run, doctor.doctor, bench.bench, replay.replay):
    app.command()(command)
app.add_typer(history.app, name="history")
app.add_typer(presets.app, name="presets")
app.add_typer(models.app, name="models")


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
    model: ModelName = None,
    go_on: chat.GoOn = False,
    keep: chat.Keep = None,
    theme: ThemeName = None,
) -> None:
    if context.invoked_subcommand is None:
        chat.chat(model=model, go_on=go_on, keep=keep, theme=theme)
    elif model is not None:
        raise UsageError(f"--model goes after the command: `twiddle {context.invoked_subcommand} --model {model}`.")
    elif theme is not None:
        raise UsageError(f"--theme goes after the command: `twiddle chat --theme {theme}`.")


def main() -> None:
    """Entry point of `twiddle`, and the one place where an error becomes words and an exit code."""
    _ready_output()
    try:
        check_encoding(sys.argv[1:])
        sys.exit(app(prog_name="twiddle", standalone_mode=False))
    except ClickException as error:  # words that mean nothing, which it quotes
        said = io.StringIO()
        error.show(said)
        print(safe(said.getvalue()), end="", file=sys.stderr)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit("Aborted!")
    except TwiddleError as error:
        print_notice(str(error))
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:  # a full disk behind `>`, a folder that may not be read
        print_notice(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _ready_output() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the shell closed it
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a model may write what the terminal's encoding has no sign for
