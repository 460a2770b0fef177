"""`twiddle chat`: the screen."""

from typing import Annotated

import typer

from tui.cli.arguments import SETTING_HELP, choose, require_screen


def chat(setting: Annotated[str | None, typer.Argument(metavar="SETTING", help=SETTING_HELP)] = None) -> None:
    """Open the chat; this is what `twiddle` alone does."""
    require_screen("twiddle run")
    chosen, model = choose(setting)
    from tui.ui import start

    raise typer.Exit(start((chosen,), (model,)))
