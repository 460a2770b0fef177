"""`twiddle chat`: the screen."""

from typing import Annotated

import typer

from tui.cli.arguments import SETTING_HELP, THEME_HELP, choose, require_screen, settle


def chat(
    setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None,
    theme: Annotated[str | None, typer.Option("--theme", metavar="NAME", help=THEME_HELP)] = None,
) -> None:
    """Open the chat; this is what `twiddle` alone does."""
    require_screen("twiddle run")
    settled = settle(theme)
    chosen, model = choose(setting or settled.config.preset or None)
    from tui.ui import start

    raise typer.Exit(start((chosen,), model, settled))
