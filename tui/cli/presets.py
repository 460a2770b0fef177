"""`twiddle presets`: which there are, what one says, and how a Modelfile is read."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tui.knobs import KNOBS
from tui.presets.library import Broken, find_preset, list_presets
from tui.presets.modelfile import Modelfile, ModelfileError, parse_modelfile
from tui.presets.parameters import check_version, parameters
from tui.presets.preset import Preset, messages, read_source
from tui.terminal import safe, safe_line

app = typer.Typer(help="The presets: Modelfiles you can read, diff and share.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Name every preset, with what it is for and the knobs it turns."""
    rows: list[tuple[str, ...]] = []
    for preset in list_presets():
        if isinstance(preset, Broken):
            rows.append((preset.name, f"broken: {preset.reason}", ""))
        else:
            rows.append((preset.name, preset.description, _turned(preset)))
    _print_table(("preset", "what for", "turns"), rows)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A preset, or the path of a Modelfile or GGUF.")]) -> None:
    """Show what a preset says, and where each knob's value comes from."""
    preset = find_preset(name)
    _print_part(preset.name, preset.description)
    _print_part("FROM", preset.model)
    if preset.system:
        _print_part("SYSTEM", preset.system)
    for message in preset.messages:
        _print_part(f"MESSAGE {message.role}", message.content)
    if preset.template is not None:
        _print_part("TEMPLATE", preset.template)
    turned, knobs = dict(preset.turned), preset.knobs
    rows: list[tuple[str, ...]] = [
        (knob.name, knob.show(getattr(knobs, knob.name)), "preset" if knob.name in turned else "default")
        for knob in KNOBS.values()
    ]
    _print_table(("knob", "value", "from"), rows)
    if preset.notes:
        typer.echo()
        _print_part("Notes", "\n".join(preset.notes))


@app.command()
def parse(file: Annotated[Path, typer.Argument(help="A Modelfile.")]) -> None:
    """Print how a Modelfile is read, or what is wrong with it, as JSON."""
    read: dict[str, Any] = {}
    try:
        modelfile = parse_modelfile(read_source(file), file.name)
        read["commands"] = [(command.name, command.args) for command in modelfile.commands]
        read |= _meaning(modelfile, file.name)
    except ModelfileError as error:
        read["error"] = {"kind": error.kind, "line": error.counted, "column": error.column, "message": str(error)}
    typer.echo(json.dumps(read, indent=2))
    raise typer.Exit(1 if "error" in read else 0)


def _meaning(modelfile: Modelfile, file: str) -> dict[str, Any]:
    for command in modelfile.commands:
        if command.name == "requires":
            check_version(command, file)
    return {
        "parameters": parameters(modelfile, file),
        "messages": [(message.role, message.content) for message in messages(modelfile, file)],
    }


def _turned(preset: Preset) -> str:
    return ", ".join(f"{name} {KNOBS[name].show(value)}" for name, value in preset.turned)


def _print_part(heading: str, text: str) -> None:
    typer.secho(safe_line(heading), bold=True)
    for line in safe(text).split("\n") if text else ():
        typer.echo(f"  {line}")
    typer.echo()


def _print_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A table for people; one line a row with tabs between for programs."""
    if not _for_people():
        for row in rows:
            typer.echo("\t".join(map(safe_line, row)))
        return
    table = Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*(Text(safe_line(cell)) for cell in row))
    Console().print(table)


def _for_people() -> bool:
    return sys.stdout.isatty()
