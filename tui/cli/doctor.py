"""`twiddle doctor`: checks of this machine, with a remedy for each that fails."""

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple

import typer

from tui import __version__
from tui.cli.signals import run_async
from tui.config import config_path, read_config
from tui.engine.hardware import Machine
from tui.engine.loaded_model import ModelInfo
from tui.engine.process.headless import HeadlessEngine
from tui.errors import TwiddleError
from tui.knobs.table import Knobs
from tui.models.locations import list_models
from tui.models.reference import STARTER, find_model
from tui.paths import (
    NO_HOME,
    config_dir,
    history_path,
    home_dir,
    is_there,
    log_dir,
    models_dir,
    preset_dirs,
    state_dir,
    theme_dirs,
)
from tui.presets.library import BrokenPreset, list_presets
from tui.terminal import safe_line

_GIB = 2**30

REBUILD = "uv sync --reinstall-package llama-cpp-python"


class Diagnosis(NamedTuple):
    """One line of the report. `fail` means that no chat is possible."""

    mark: Literal["ok", "note", "fail"]
    about: str
    says: str


def doctor() -> None:
    """Check this machine, and say how to fix what fails."""
    healthy = True
    for finding in _findings():
        typer.echo(f"{finding.mark:4}  {finding.about:9} {safe_line(finding.says)}")
        healthy = healthy and finding.mark != "fail"
    raise typer.Exit(0 if healthy else 1)


def _findings() -> Iterator[Diagnosis]:
    yield Diagnosis("ok", "twiddle", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield Diagnosis("ok", "packages", f"Textual {version('textual')}, SQLite {sqlite3.sqlite_version}")
    try:
        yield from _engine(run_async(_describe()))
    except TwiddleError as error:
        yield Diagnosis("fail", "engine", str(error))
    try:
        model = find_model(STARTER)
        yield from _starter(run_async(_load(model)))
    except TwiddleError as error:
        yield Diagnosis("fail", "starter", str(error))
    yield from _terminal()
    yield from _settings()
    yield from _files()
    yield from _places()


async def _describe() -> Machine:
    async with HeadlessEngine() as session:
        return await session.describe()


async def _load(model: Path) -> ModelInfo:
    async with HeadlessEngine() as session:
        return await session.load(model, Knobs(), lambda share: None)


def _engine(machine: Machine) -> Iterator[Diagnosis]:
    yield Diagnosis("ok", "engine", f"llama-cpp-python {machine.binding}: {machine.system}")
    for device in machine.devices:
        kind = "" if device.name == device.kind else f" ({device.kind})"
        memory = f", {device.free / _GIB:.1f} of {device.total / _GIB:.1f} GiB free" if device.total else ""
        yield Diagnosis("ok", "device", f"{device.name}{kind}: {device.description}{memory}")
    if machine.offload:
        yield Diagnosis("ok", "GPU", "layers can go there; num_gpu says how many, main_gpu and tensor_split say where.")
        return
    metal = sys.platform == "darwin"
    backend, flag = ("Metal", "-DGGML_METAL=on") if metal else ("CUDA", "-DGGML_CUDA=on")
    if backend in machine.system:
        advice = f"this build is made for {backend} and found no GPU; look at its driver, or at CUDA_VISIBLE_DEVICES."
    else:
        advice = f"this build knows no GPU; for {backend}, build it again: CMAKE_ARGS={flag} {REBUILD}"
    yield Diagnosis("note", "GPU", advice)


def _starter(info: ModelInfo) -> Iterator[Diagnosis]:
    yield Diagnosis("ok", "starter", f"{info.path} loads: {info.description}, context {info.context}")
    layers = f"{info.layers} on {' and '.join(info.devices)}"
    offloaded = f", {info.gpu_layers} of them offloaded" if info.gpu_layers else ""
    flash = "with" if info.flash_attention else "without"
    yield Diagnosis("ok", "layers", f"{layers}{offloaded}, {flash} flash attention")
    spared = ", a core left to the screen," if info.threads < info.batch_threads else ""
    threads = f"{info.threads} to generate{spared} and {info.batch_threads} to read prompts"
    yield Diagnosis("ok", "threads", f"{threads}; num_thread sets both.")
    if info.notice:
        yield Diagnosis("note", "starter", info.notice)


def _terminal() -> Iterator[Diagnosis]:
    ends = {"stdin": sys.stdin, "stdout": sys.stdout}
    missing = [name for name, stream in ends.items() if stream is None or not stream.isatty()]
    term = os.environ.get("TERM", "")
    if missing or term == "dumb":
        why = f"{' and '.join(missing)} not a terminal" if missing else "TERM=dumb"
        yield Diagnosis("note", "screen", f"{why}: the chat will not open here, `twiddle run` works.")
    else:
        size = shutil.get_terminal_size()
        small = size.columns < 80 or size.lines < 24
        advice = "; 80 by 24 or more shows everything" if small else ""
        yield Diagnosis("note" if small else "ok", "screen", f"{size.columns} columns by {size.lines} lines{advice}")
    colour = os.environ.get("COLORTERM", "")
    true = colour in ("truecolor", "24bit")
    advice = "" if true else "; set COLORTERM=truecolor if it shows 24-bit colour"
    yield Diagnosis(
        "ok" if true else "note", "colours", f"TERM={term or 'unset'}, COLORTERM={colour or 'unset'}{advice}"
    )
    if os.environ.get("NO_COLOR"):
        yield Diagnosis("note", "colours", "NO_COLOR is set: the screen is in greys.")
    encoding = (sys.stdout.encoding or "unknown").lower()
    if encoding.replace("-", "") == "utf8":
        yield Diagnosis("ok", "encoding", encoding)
    else:
        yield Diagnosis("note", "encoding", f"{encoding} cannot show every sign; set LANG to a UTF-8 locale.")


def _settings() -> Iterator[Diagnosis]:
    from tui.ui.keys import read_keys

    path, (config, faults) = config_path(), read_config()
    yield Diagnosis("ok", "settings", f"in {path}{'' if is_there(path) else ', optional, not there'}")
    for fault in (*faults, *read_keys(config.keys).faults):
        yield Diagnosis("note", "settings", fault)


def _files() -> Iterator[Diagnosis]:
    own, shipped = preset_dirs()
    presets = list_presets()
    here = sum(1 for preset in presets if preset.path and preset.path.parent == shipped)
    yield Diagnosis(
        "ok" if here else "fail", "presets", f"{here} shipped in {shipped}, {len(presets) - here} yours in {own}"
    )
    for preset in presets:
        if isinstance(preset, BrokenPreset):
            yield Diagnosis("note", "presets", preset.reason)
    shipped, own = theme_dirs()
    yield Diagnosis("ok" if is_there(shipped) else "fail", "themes", f"shipped in {shipped}, yours in {own}")
    yield Diagnosis("ok", "logs", f"in {log_dir()}, for as long as the engine runs")


def _places() -> Iterator[Diagnosis]:
    """Report models of other programs that cannot be used, and folders of our own that are closed."""
    faults: list[str] = []
    yield Diagnosis("ok", "models", f"{len(list_models(faults))} here; `twiddle models list` names them.")
    for fault in faults:
        yield Diagnosis("note", "models", fault)
    if home_dir() == NO_HOME:
        yield Diagnosis("note", "home", "there is no home folder; set HOME, or nothing is kept.")
    for folder, lost in (
        (config_dir(), "no preset, theme or setting of yours can be saved"),
        (history_path().parent, "no chat is saved; TWIDDLE_HISTORY names another file"),
        (models_dir(), "`twiddle models pull` has no place; TWIDDLE_MODELS names another folder"),
        (state_dir(), "the theme and the prompts are not remembered"),
        (log_dir(), "logs go to the temporary files"),
    ):
        if not _is_writable(folder):
            yield Diagnosis("note", "folders", f"{folder} cannot be written: {lost}.")


def _is_writable(folder: Path) -> bool:
    """Return True if the folder can be written, or made."""
    nearest = next((each for each in (folder, *folder.parents) if is_there(each)), folder)
    return os.access(nearest, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
