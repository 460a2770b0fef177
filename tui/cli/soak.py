"""`twiddle soak`: for those who change twiddle. Hours of use in which much goes wrong, and nothing may."""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.arguments import UsageError
from tui.cli.stderr import tell
from tui.models.reference import STARTER, find_model
from tui.terminal import safe_line

if TYPE_CHECKING:
    from tui.soak.witness import Witness


def soak(
    minutes: Annotated[float, typer.Option(min=0, help="How long; the journey that is begun is ended.")] = 10,
    seed: Annotated[int | None, typer.Option(help="Draw the same journeys again.")] = None,
    model: Annotated[str, typer.Option(help="The model to talk to, as FROM names it.")] = STARTER,
) -> None:
    """Use the program at random while its parts fail at random; exit code 1 when something broke that must hold.

    It has a home of its own, and leaves yours alone.
    """
    if not Path("/proc/self/statm").exists():
        raise UsageError("It looks at processes in /proc, which this system does not have.")
    from tui.soak.witness import Witness

    seed = random.randrange(2**32) if seed is None else seed
    typer.echo(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="twiddle-soak-") as folder:
        asyncio.run(_soak(Witness(Path(folder)), find_model(model), seed, minutes))


async def _soak(witness: "Witness", model: Path, seed: int, minutes: float) -> None:
    from tui.soak.invariant import Broken

    try:
        async for report in witness.travel(model, seed, minutes):
            typer.echo(str(report))
    except Broken as broken:
        tell(f"It broke in journey {witness.journey}: {safe_line(str(broken))}.")
        typer.echo(f"Before that it went: {', '.join(witness.events)}.", err=True)
        raise typer.Exit(1) from None
