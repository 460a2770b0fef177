"""`twiddle chat`: opens the chat screen."""

from pathlib import Path
from typing import Annotated

import typer

from tui.cli.arguments import SETTING_HELP, ThemeName, UsageError, choose, load_config, require_screen, with_model
from tui.cli.history import open_store
from tui.cli.stderr import print_notice
from tui.config import config_path
from tui.errors import TwiddleError
from tui.presets.library import ResolvedSetting
from tui.session.side import restore_setting
from tui.store.records import SideRow, StoredConversation

GoOn = Annotated[bool, typer.Option("--continue", "-c", help="Continue the most recent conversation.")]
Keep = Annotated[
    bool | None,
    typer.Option("--history/--no-history", help="Save this chat or not; default: saved, unless config.toml says no."),
]


def chat(
    setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
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
    sides = _as_left(kept) if kept and setting is None else ()
    chosen, models = zip(*(sides or (choose(setting or settled.config.preset or None),)), strict=True)
    from tui.ui import start

    raise typer.Exit(start(chosen, models, settled, keep=keeping, going_on=kept))


def _newest() -> StoredConversation:
    with open_store() as store:
        number = store.newest()
        if number is None:
            raise UsageError("There is no conversation to go on with yet; `twiddle` alone begins one.")
        return store.load(number)


def _as_left(kept: StoredConversation) -> tuple[tuple[ResolvedSetting, Path], ...]:
    """Restore the sides of a conversation, or none if one of them is not available any more."""
    try:
        return tuple(with_model(restore_setting(seat)) for seat in kept.sides or (SideRow(kept.setting),))
    except TwiddleError as error:
        print_notice(f"It was left with {kept.setting}, which cannot be used: {error} It goes on with the default.")
        return ()
