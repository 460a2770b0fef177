"""`python -m tests.soak`: uses the whole program at random while its parts fail at random."""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.soak.invariants import Broken
from tests.soak.observer import Observer
from tui.cli.stderr import print_notice
from tui.models.reference import STARTER, find_model
from tui.terminal import safe_line


def soak(
    minutes: Annotated[float, typer.Option(min=0, help="Time to run; the last journey is finished.")] = 10,
    seed: Annotated[int | None, typer.Option(help="Repeat the journeys of this seed.")] = None,
    model: Annotated[str, typer.Option(help="Model, as FROM names it.")] = STARTER,
) -> None:
    """Use the program at random while its parts fail at random; exit code 1 when an invariant breaks.

    It runs in a temporary home and leaves yours alone.
    """
    if not Path("/proc/self/statm").exists():
        raise typer.BadParameter("The soak test reads /proc, which this system does not have.")
    seed = random.randrange(2**32) if seed is None else seed
    typer.echo(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="twiddle-soak-") as folder:
        asyncio.run(_soak(Observer(Path(folder)), find_model(model), seed, minutes))


async def _soak(observer: Observer, model: Path, seed: int, minutes: float) -> None:
    try:
        async for report in observer.run(model, seed, minutes):
            typer.echo(str(report))
    except Broken as broken:
        print_notice(f"It broke in journey {observer.journey}: {safe_line(str(broken))}.")
        typer.echo(f"Events before that: {', '.join(observer.events)}.", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(soak)
