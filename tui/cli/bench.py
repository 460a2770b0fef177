"""`twiddle bench`: speed of the engine against llama.cpp itself."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import to_builtins

from tui.bench.result import Result
from tui.cli.arguments import UsageError
from tui.cli.stderr import print_notice
from tui.cli.stdout import errors_as_json, print_table
from tui.engine.process.openmp import spin_briefly
from tui.errors import did_you_mean
from tui.models.reference import STARTER, find_model
from tui.terminal import safe_line

if TYPE_CHECKING:
    from tui.bench.environment import Environment

Load = tuple[float, float, float]
"""Load average of the last 1, 5 and 15 minutes."""


def bench(
    model: Annotated[str, typer.Option(help="Model to measure, as FROM names it.")] = STARTER,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures of every round as JSON.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run each measure once, as a test; ignore the figures.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART", help="Measure only this: chain, engine, process, screen, synthetic, store; repeatable."
        ),
    ] = None,
) -> None:
    """Measure the engine against llama.cpp itself.

    It takes about ten minutes on two cores.
    """
    with errors_as_json(as_json):
        path = find_model(model)
        spin_briefly()
        from tui.bench.environment import describe  # llama.cpp reads how long to spin when it is loaded
        from tui.bench.run import PARTS, run

        for part in only or ():
            if part not in PARTS:
                raise UsageError(f"There is no part {part!r} to measure.{did_you_mean(part, PARTS)}")
        place, before = describe(), os.getloadavg()
        results = list(run(model, path, only or PARTS, quick=quick, say=print_notice))
    loads = (before, os.getloadavg())
    if as_json:
        machine = {**to_builtins(place), "load_before": loads[0], "load_after": loads[1]}
        typer.echo(json.dumps({"machine": machine, "results": [_entry(result) for result in results]}, indent=2))
    else:
        _print(place, loads, results)


def _print(place: "Environment", loads: tuple[Load, Load], results: Sequence[Result]) -> None:
    writing, reading = place.threads
    typer.echo(safe_line(f"{place.cpu}, {place.cores} cores, {place.system}"))
    typer.echo(safe_line(f"llama-cpp-python {place.binding}: {place.build}"))
    typer.echo(f"{writing} threads write, {reading} read; load {loads[0][0]:.2f} before, {loads[1][0]:.2f} after")
    print_table(
        ("measure", "model", "median", "min", "max", "", "target"),
        [_row(result) for result in results],
        right=("median", "min", "max", "target"),
    )
    missed = [f"{result.name} ({result.model})" for result in results if result.met is False]
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
