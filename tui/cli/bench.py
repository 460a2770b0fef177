"""`twiddle bench`: what the engine costs over llama.cpp itself, measured side by side."""

import json
import os
import platform
from typing import Annotated, Any

import typer

from tui.bench.result import Result
from tui.cli.aside import tell
from tui.cli.tables import print_table
from tui.engine.spinning import spin_briefly
from tui.models.reference import STARTER, find_model


def bench(
    model: Annotated[str, typer.Option(help="The model to measure on, as FROM names it.")] = STARTER,
    as_json: Annotated[bool, typer.Option("--json", help="Print every round's figures as JSON.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Try every measure once; the figures mean nothing.")] = False,
) -> None:
    """Measure the engine against llama.cpp itself; takes about ten minutes on two cores."""
    path = find_model(model)
    spin_briefly()
    from tui.bench.run import run  # llama.cpp reads how long to spin when it is loaded

    before = os.getloadavg()
    results = list(run(model, path, quick=quick, say=tell))
    machine = {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_before": before,
        "load_after": os.getloadavg(),
    }
    if as_json:
        typer.echo(json.dumps({"machine": machine, "results": [_entry(result) for result in results]}, indent=2))
        return
    typer.echo(f"{machine['system']}, {machine['cores']} cores, load {before[0]:.2f} to {os.getloadavg()[0]:.2f}")
    print_table(
        ("measure", "model", "median", "min", "max", "", "target"),
        [_row(result) for result in results],
        right=("median", "min", "max", "target"),
    )
    missed = [result.name for result in results if result.met is False]
    typer.echo(f"missed: {'; '.join(missed)}" if missed else "every target is met")


def _row(result: Result) -> tuple[str, ...]:
    figures = (f"{value:.2f}" for value in (result.median, min(result.values), max(result.values)))
    sign = ">=" if result.higher else "<="
    target = "" if result.target is None else f"{sign} {result.target:g}{'' if result.met else ' missed'}"
    return (result.name, result.model, *figures, result.unit, target)


def _entry(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "model": result.model,
        "unit": result.unit,
        "median": result.median,
        "min": min(result.values),
        "max": max(result.values),
        "target": result.target,
        "met": result.met,
        "rounds": result.values,
    }
