"""`twiddle presets`: list, show, check and compare presets. Commands that write them: `preset_files`."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from tui.cli import preset_files
from tui.cli.arguments import SETTING_HELP, ModelName, resolved
from tui.cli.prompt_check import check_prompt
from tui.cli.render import render
from tui.cli.stderr import print_notice
from tui.cli.stdout import print_table
from tui.config import read_config
from tui.engine.prompt.template_worker import TemplateWorker
from tui.knobs.setting import Setting
from tui.knobs.table import KNOBS, WHILE_THINKING, knob
from tui.models.reference import STARTER
from tui.presets.checks import PresetFinding, check
from tui.presets.library import BrokenPreset, list_presets, preset_path, resolve
from tui.presets.modelfile import Modelfile, ModelfileError, parse_modelfile, require_from
from tui.presets.parameters import check_version, parameters
from tui.presets.preset import ANY_MODEL, Preset, difference, is_model, messages, read_source
from tui.terminal import safe, safe_line

app = typer.Typer(help="List, show, check, edit and share presets (Modelfiles).", no_args_is_help=True)
for command in (preset_files.new, preset_files.edit, preset_files.save, preset_files.export, render):
    app.command()(command)


@app.command("list")
def list_() -> None:
    """List all presets with their purpose and the knobs they set."""
    rows: list[tuple[str, ...]] = []
    faults: list[str] = []
    for preset in list_presets(faults):
        if isinstance(preset, BrokenPreset):
            rows.append((preset.name, f"broken: {preset.reason}", ""))
        else:
            rows.append((preset.name, preset.description, _turned(preset)))
    print_table(("preset", "what for", "turns"), rows)
    for fault in faults:
        print_notice(fault)


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="SETTING", help=SETTING_HELP)], model: ModelName = None) -> None:
    """Show a preset, and the source of each value: its file, a base, the model or the default."""
    chosen = resolved(name, model)
    preset = chosen.whole
    _print_part(preset.name, preset.description)
    if preset.any_model:
        _print_part("model", preset.model if chosen.model_named else f"{ANY_MODEL}; now {preset.model}")
    else:
        _print_part(f"FROM{_whose(preset, 'model')}", preset.model)
    if preset.system:
        _print_part(f"SYSTEM{_whose(preset, 'system')}", preset.system)
    for message in preset.messages:
        _print_part(f"MESSAGE {message.role}{_whose(preset, 'messages')}", message.content)
    if preset.template is not None:
        _print_part(f"TEMPLATE{_whose(preset, 'template')}", preset.template)
    knobs = preset.knobs
    rows = [(row.name, row.show(getattr(knobs, row.name)), _source(preset, row.name)) for row in KNOBS.values()]
    thought = ((knob(WHILE_THINKING + name), value) for name, value in preset.pair.thought)
    rows += [(row.name, row.show(value), _source(preset, row.name)) for row, value in thought]
    if preset.template is None:
        rows.append(("template", "its chat template", "model"))
    print_table(("knob", "value", "from"), rows)
    if preset.notes:
        typer.echo()
        _print_part("Notes", "\n".join(preset.notes))


@app.command("check")
def check_(
    names: Annotated[list[str] | None, typer.Argument(help="Presets or paths of Modelfiles; default: all.")] = None,
    model: ModelName = None,
) -> None:
    """Check presets for errors, knobs without effect, and lines that `ollama create` refuses.

    The exit code is 1 when there is an error; warnings and notes leave it at 0.
    """
    failed, in_use = False, model or read_config().config.model or STARTER
    with closing(TemplateWorker()) as worker:
        for name in names or [preset.name for preset in list_presets()]:
            path = preset_path(name)
            source = read_source(path)
            found = [] if is_model(path, source) else list(check(source, path))
            if not any(finding.level == "error" for finding in found):
                found += check_prompt(resolve(Setting(name), in_use).preset, worker)
            failed = failed or any(finding.level == "error" for finding in found)
            for finding in found:
                _print_finding(path, finding)
            if not found:
                typer.echo(f"{safe_line(path.name)}: fine")
    raise typer.Exit(1 if failed else 0)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=SETTING_HELP)],
    second: Annotated[str, typer.Argument(metavar="B", help="Another SETTING.")],
) -> None:
    """Show the differences of two presets, with the source of each value."""
    one, other = resolved(first).whole, resolved(second).whole
    rows = difference(one, other)
    print_table(("", one.name, other.name), [(row.what, row.one, row.other) for row in rows])


@app.command()
def parse(file: Annotated[Path, typer.Argument(help="A Modelfile.")]) -> None:
    """Print a parsed Modelfile, or its error, as JSON.

    The line of an error is the one that Ollama would name; its message says where to look.
    """
    read: dict[str, Any] = {}
    try:
        modelfile = parse_modelfile(read_source(file), file.name)
        require_from(modelfile, file.name)
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


def _source(preset: Preset, knob: str) -> str:
    source = preset.source(knob)
    if not source:
        # 0 is auto, which is the model's own.
        return "model" if knob == "num_ctx" else "default"
    return "this file" if source == preset.name and knob not in dict(preset.inherited) else source


def _whose(preset: Preset, part: str) -> str:
    base = dict(preset.inherited).get(part)
    return f" (from {base})" if base else ""


def _turned(preset: Preset) -> str:
    return ", ".join(f"{name} {knob(name).show(value)}" for name, value in preset.turned)


def _print_finding(path: Path, finding: PresetFinding) -> None:
    place = f"{path.name}:{finding.line}" if finding.line else path.name
    typer.echo(safe_line(f"{place}: {finding.level}: {finding.text}"))


def _print_part(heading: str, text: str) -> None:
    typer.secho(safe_line(heading), bold=True)
    for line in safe(text).split("\n") if text else ():
        typer.echo(f"  {line}")
    typer.echo()
