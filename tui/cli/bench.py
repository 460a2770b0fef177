"""`twiddle bench`: how fast it is here, against llama.cpp's own ways and against what it should be."""

from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import to_builtins

from tui.bench.lab import FULL, QUICK, open_lab
from tui.bench.measures import MEASURES, Measure
from tui.bench.report import Figure, Report, take
from tui.cli.arguments import UsageError
from tui.cli.aside import murmur
from tui.cli.lines import errors_as_json, print_line
from tui.cli.tables import print_table
from tui.errors import did_you_mean
from tui.models.reference import STARTER, find_model
from tui.terminal import safe_line


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    model: Annotated[str, typer.Option(metavar="REF", help="The model to measure, as FROM names it.")] = STARTER,
    quick: Annotated[
        bool, typer.Option("--quick", help="See that everything works; the figures mean nothing.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Take this measure only; repeatable.")] = None,
) -> None:
    """Measure the engine, against llama.cpp's own ways and against targets: some minutes on a quiet machine."""
    with errors_as_json(as_json):
        measures = _chosen(only or ())
        with open_lab(find_model(model), QUICK if quick else FULL) as lab:
            report = take(lab, measures, murmur)
    if as_json:
        print_line(**to_builtins(report))
    else:
        _print(report)


def _chosen(names: Sequence[str]) -> tuple[Measure, ...]:
    known = [measure.name for measure in MEASURES]
    for name in names:
        if name not in known:
            raise UsageError(f"There is no measure {name!r}.{did_you_mean(name, known)}")
    return tuple(measure for measure in MEASURES if not names or measure.name in names)


def _print(report: Report) -> None:
    place, (writing, reading) = report.place, report.place.threads
    typer.echo(f"{safe_line(place.cpu)}, {place.cores} cores; {writing} threads write, {reading} read")
    typer.echo(f"llama-cpp-python {place.binding}: {safe_line(place.build)}")
    typer.echo(f"{safe_line(place.model)}, context {place.context}")
    loads = (" ".join(f"{load:.2f}" for load in each) for each in (report.load_before, report.load_after))
    typer.echo(f"load {next(loads)} before, {next(loads)} after; {report.seconds:.0f} s\n")
    headings = ("measure", "median", "min", "max", "of", "unit", "target", "", "what")
    print_table(headings, map(_row, report.figures), right=("median", "min", "max", "of", "target"))
    missed = report.missed
    typer.echo(f"\nmissed: {', '.join(figure.name for figure in missed)}" if missed else "\nEvery target is met.")


def _row(figure: Figure) -> tuple[str, ...]:
    sign = "≥" if figure.better == "higher" else "≤"
    return (
        figure.name,
        *(_digits(value) for value in (figure.median, figure.low, figure.high)),
        f"{_digits(figure.over)} / {_digits(figure.under)}" if figure.over and figure.under else "",
        figure.unit,
        f"{sign} {figure.target:g}" if figure.target is not None else "",
        {True: "met", False: "missed", None: ""}[figure.met],
        figure.says,
    )


def _digits(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
