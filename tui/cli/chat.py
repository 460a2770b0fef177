"""`twiddle chat`: opens the chat screen."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from tui.cli.arguments import (
    SETTING_HELP,
    ModelName,
    ThemeName,
    UsageError,
    choose,
    load_config,
    require_screen,
    with_model,
)
from tui.cli.history import open_store
from tui.config import config_path
from tui.errors import TwiddleError
from tui.knobs.setting import Setting
from tui.models.locations import list_models
from tui.presets.library import ResolvedSetting, resolve
from tui.presets.preset import anchored, with_parts
from tui.session.side import restore_setting
from tui.store.records import SideRow, StoredConversation

GoOn = Annotated[bool, typer.Option("--continue", "-c", help="Continue the most recent conversation.")]
Keep = Annotated[
    bool | None,
    typer.Option("--history/--no-history", help="Save this chat or not; default: saved, unless config.toml says no."),
]

_OFFERED = 8
"""Most models named where one is gone."""


def chat(
    setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
    model: ModelName = None,
    go_on: GoOn = False,
    keep: Keep = None,
    theme: ThemeName = None,
) -> None:
    """Open the chat; this is what `twiddle` alone does."""
    require_screen("twiddle run")
    settled = load_config(theme)
    keeping = settled.config.history if keep is None else keep
    if go_on and not keeping:
        said = "--no-history" if keep is False else f"`history = false` in {config_path()}"
        remedy = "take one of them" if keep is False else "add --history to keep this chat"
        raise UsageError(f"--continue goes on with what was kept, and {said} keeps nothing; {remedy}.")
    kept = _newest() if go_on else None
    wanted = setting or settled.config.preset or None
    sides: tuple[_Chosen, ...]
    if kept and setting is None and model is None:
        sides, notice = _as_left(kept, wanted)
    else:
        sides, notice = (choose(wanted, model, settled.config),), ""
    chosen, models = zip(*sides, strict=True)
    from tui.ui import start

    raise typer.Exit(start(chosen, models, settled, keep=keeping, going_on=kept, notice=notice))


def _newest() -> StoredConversation:
    with open_store() as store:
        number = store.newest()
        if number is None:
            raise UsageError("There is no conversation to go on with yet; `twiddle` alone begins one.")
        return store.load(number)


_Chosen = tuple[ResolvedSetting, Path]


def _as_left(kept: StoredConversation, wanted: str | None) -> tuple[tuple[_Chosen, ...], str]:
    """Restore the sides of a conversation, and say which of them take another model or preset, and what there is."""
    sides: list[_Chosen] = []
    lost: dict[str, None] = {}
    for row in kept.sides or (SideRow(kept.setting),):
        try:
            sides.append(with_model(restore_setting(row)))
        except TwiddleError as error:
            sides.append(_instead(row, wanted))
            lost[f"It was left with {row.setting}, which cannot be used: {error}"] = None
            lost[f"It goes on with {sides[-1][0].preset.name} on {sides[-1][0].preset.model}."] = None
    if lost:
        there = ", ".join(found.reference for found in list_models()[:_OFFERED])
        lost[f"/model takes another model, such as {there}; F2 another preset."] = None
    return tuple(sides), " ".join(lost)


def _instead(row: SideRow, wanted: str | None) -> _Chosen:
    """Restore a side on the default model; with the default preset, if its own is gone too."""
    chosen, path = _default(wanted)
    with suppress(TwiddleError):
        left = restore_setting(row)
        return replace(left, preset=with_parts(left.preset, model=anchored(chosen.preset).model)), path
    return chosen, path


def _default(wanted: str | None) -> _Chosen:
    """Choose the default setting, on the first model that can be used."""
    try:
        return choose(wanted)
    except TwiddleError:
        plain = resolve(Setting())
        for found in list_models():
            with suppress(TwiddleError):
                return with_model(replace(plain, preset=with_parts(plain.preset, model=found.reference)))
        raise
