"""What a run of the benchmark came to, and on what machine."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct

from tui.bench.lab import Lab
from tui.bench.measures import Measure, Sample


class Place(Struct, frozen=True):
    """Where it was measured."""

    cpu: str
    cores: int
    """That this process may use."""
    threads: tuple[int, int]
    """That write, and that read prompts."""
    binding: str
    """Version of llama-cpp-python."""
    build: str
    """Backends and CPU features, in llama.cpp's words."""
    model: str
    context: int


class Figure(Struct, frozen=True):
    """What a measure came to."""

    name: str
    says: str
    unit: str
    """Of the value, or of the two that it is the ratio of."""
    better: str
    target: float | None
    met: bool | None
    """Whether the median reaches the target; None without one."""
    median: float
    low: float
    high: float
    over: float | None
    under: float | None
    """Medians of the two that the value is the ratio of, where it is one."""
    values: tuple[float, ...]
    """Of each round."""


class Report(Struct, frozen=True):
    """A run of the benchmark."""

    place: Place
    load_before: tuple[float, float, float]
    load_after: tuple[float, float, float]
    """Processes that wanted a core, in the mean of the last 1, 5 and 15 minutes: above 0.5 before, others disturb."""
    seconds: float
    figures: tuple[Figure, ...]

    @property
    def missed(self) -> tuple[Figure, ...]:
        """The figures that miss their targets."""
        return tuple(figure for figure in self.figures if figure.met is False)


def take(lab: Lab, measures: Sequence[Measure], say: Callable[[str], None]) -> Report:
    """Take measures, a round of all of them at a time; `say` is told what is being done."""
    began, load = time.perf_counter(), os.getloadavg()
    say(f"Loading {lab.path}")
    place = _place(lab)
    if any(measure.large for measure in measures):
        say("Writing a large model")
        _ = lab.large
    samples: dict[str, list[Sample]] = {measure.name: [] for measure in measures}
    for number in range(lab.scale.rounds + (lab.scale.rounds > 1)):
        for measure in measures:
            say(f"Round {number}, {measure.name}")
            samples[measure.name].append(measure.take(lab, number))
    figures = tuple(_figure(measure, samples[measure.name][-lab.scale.rounds :]) for measure in measures)
    return Report(place, load, os.getloadavg(), time.perf_counter() - began, figures)


def _figure(measure: Measure, samples: Sequence[Sample]) -> Figure:
    values = tuple(sample.value for sample in samples)
    middle = median(values)
    met = None
    if measure.target is not None:
        met = middle >= measure.target if measure.better == "higher" else middle <= measure.target
    overs = [sample.over for sample in samples if sample.over is not None]
    unders = [sample.under for sample in samples if sample.under is not None]
    return Figure(
        name=measure.name,
        says=measure.says,
        unit=measure.unit,
        better=measure.better,
        target=measure.target,
        met=met,
        median=middle,
        low=min(values),
        high=max(values),
        over=median(overs) if overs else None,
        under=median(unders) if unders else None,
        values=values,
    )


def _place(lab: Lab) -> Place:
    from tui.engine.llama import machine

    there, info = machine(), lab.model.info
    return Place(
        cpu=_cpu(),
        cores=there.cores,
        threads=(info.threads, info.batch_threads),
        binding=there.binding,
        build=there.system,
        model=info.description,
        context=info.context,
    )


def _cpu() -> str:
    """The processor's name, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
