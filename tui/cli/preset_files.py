"""`twiddle presets new`, `edit`, `save` and `export`: commands that write presets."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from tui.cli.arguments import SETTING_HELP, ModelName, UsageError, resolved
from tui.cli.stderr import print_notice
from tui.cli.stdout import print_text
from tui.errors import PresetError
from tui.paths import is_file, is_there
from tui.presets.library import preset_path
from tui.presets.modelfile import decode
from tui.presets.ollama import for_ollama
from tui.presets.preset import compose, is_model, read_source
from tui.presets.preset_paths import own_path
from tui.presets.save import save_preset, save_text
from tui.presets.serialize import skeleton
from tui.prompt_line.external_editor import editing, ended, not_started
from tui.terminal import safe_line

OwnName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the new preset.")]
Description = Annotated[str, typer.Option("--description", "-d", help="Purpose, in one line.")]


def new(
    name: OwnName,
    base: Annotated[str, typer.Option("--from", help="Preset or model to build on; default: neither.")] = "",
    description: Description = "",
) -> None:
    """Create a preset: a Modelfile with comments on what to fill in."""
    path = own_path(name)
    if is_there(path):
        raise PresetError(f"There is a preset {name!r} of yours already; change it with `twiddle presets edit {name}`.")
    text = skeleton(base, description)
    compose(text, path)
    save_text(path, text)
    typer.echo(safe_line(str(path)))


def edit(name: Annotated[str, typer.Argument(help="A preset, or the path of a Modelfile.")]) -> None:
    """Edit a preset in $VISUAL or $EDITOR; it is replaced only if the saved text is valid.

    A preset that ships with twiddle stays as it is: yours is a copy of it.
    """
    there = preset_path(name)
    source = read_source(there)
    if is_model(there, source):
        raise UsageError(f"{name!r} is a model; make a preset for it with `twiddle presets new NAME --from {name}`.")
    path = there if "/" in name or there.name == name else own_path(name)
    text = decode(source)
    draft = path.with_name(f".{path.name}.draft")
    if is_there(draft):
        print_notice(f"Going on with your text in {str(draft)!r}.")
    else:
        save_text(draft, text)
    try:
        changed = _edited_until_it_reads(draft, path)
    finally:
        if is_file(draft) and decode(read_source(draft)) == text:
            draft.unlink()
    if changed == text:
        print_notice(f"{name} was not changed.")
        return
    save_text(path, changed)
    draft.unlink()
    typer.echo(safe_line(str(path)))


def save(
    name: OwnName,
    setting: Annotated[str, typer.Argument(metavar="SETTING", help=SETTING_HELP)],
    model: ModelName = None,
    description: Description = "",
    force: Annotated[bool, typer.Option("--force", help="Replace your preset of this name.")] = False,
) -> None:
    """Save a setting, such as precise,temperature=0.5, as a preset; a model is part of it if the setting names one.

    The knobs of a preset that is yours already are changed where they stand: its comments and order stay.
    """
    chosen = resolved(setting, model)
    preset = replace(chosen.preset, any_model=False) if chosen.model_named else chosen.preset
    path = save_preset(name, chosen.pair, preset, description=description, overwrite=force)
    typer.echo(safe_line(str(path)))


def export(
    name: Annotated[str, typer.Argument(metavar="SETTING", help=SETTING_HELP)],
    ollama: Annotated[bool, typer.Option("--ollama", help="Leave out what `ollama create` does not know.")],
    model: ModelName = None,
) -> None:
    """Print a preset as one complete Modelfile, for `ollama create NAME -f FILE`.

    What Ollama cannot be told is commented out, and named on standard error.
    """
    exported = for_ollama(resolved(name, model).whole)
    print_text(exported.text)
    for reason in exported.left_out:
        print_notice(reason)


def _edited_until_it_reads(draft: Path, path: Path) -> str:
    """Open an editor on the draft and return the text; raises PresetError, and keeps the draft, if it is invalid."""
    while True:
        _open_editor(draft)
        text = decode(read_source(draft))
        try:
            compose(text, path)
        except PresetError as error:
            print_notice(str(error))
            if not (sys.stdin.isatty() and typer.confirm("Edit again?", default=True, err=True)):
                raise PresetError(f"{path.name} is as it was; your text is in {str(draft)!r}.") from None
        else:
            return text


def _open_editor(path: Path) -> None:
    try:
        code = subprocess.run(editing(path), check=False).returncode
    except (OSError, ValueError) as error:
        raise not_started(error) from None
    if code:
        raise ended(code)
