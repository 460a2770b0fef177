"""`twiddle chat`: the screen."""

from typing import Annotated

import typer

from tui.cli.arguments import SETTING_HELP, ThemeName, UsageError, choose, require_screen, settle
from tui.cli.aside import tell
from tui.cli.history import opened
from tui.errors import TwiddleError
from tui.store.page import Kept

GoOn = Annotated[bool, typer.Option("--continue", "-c", help="Go on with the conversation talked in last.")]
Forget = Annotated[bool, typer.Option("--no-history", help="Keep nothing of what is said.")]


def chat(
    setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
    go_on: GoOn = False,
    forget: Forget = False,
    theme: ThemeName = None,
) -> None:
    """Open the chat; this is what `twiddle` alone does."""
    require_screen("twiddle run")
    if go_on and forget:
        raise UsageError("--continue goes on with what was kept, and --no-history keeps nothing; take one of them.")
    settled = settle(theme)
    kept = _newest() if go_on else None
    if kept and setting is None:
        setting = _usable(kept.setting)
    chosen, model = choose(setting or settled.config.preset or None)
    from tui.ui import start

    raise typer.Exit(start((chosen,), (model,), settled, keep=not forget, going_on=kept))


def _newest() -> Kept:
    with opened() as store:
        number = store.newest()
        if number is None:
            raise UsageError("There is no conversation to go on with yet; `twiddle` alone begins one.")
        return store.load(number)


def _usable(setting: str) -> str | None:
    """The setting that a conversation was left with, unless its preset is no longer there."""
    try:
        choose(setting)
    except TwiddleError as error:
        tell(f"It was left with {setting}, which cannot be used: {error} It goes on with the default.")
        return None
    return setting
