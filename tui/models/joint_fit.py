"""Whether several models fit into memory at once."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tui.engine.protocol import Load
from tui.errors import ModelError
from tui.models.free_memory import FreeMemory, measure_memory
from tui.models.memory import SLACK, MemoryEstimate, estimate, show_size
from tui.models.preflight import check_model


def refuse_together(wanted: Iterable[Load], beside: Iterable[Load]) -> None:
    """Raise ModelError, with the numbers, for models that do not fit beside those that are loaded."""
    refuse_beside(_sized(wanted), _sized(beside), measure_memory())


def refuse_beside(wanted: Sequence["Sized"], beside: Sequence["Sized"], room: FreeMemory | None) -> None:
    """The same for models whose sizes are known. Where the memory cannot be told, nothing is refused.

    What is free includes the pages of files that the system can let go of, and among those are the weights of the
    models in use: they must stay, or every token would read them from the disk.
    """
    needed = sum(memory.total for _, memory in wanted)
    mapped = sum(memory.weights for load, memory in beside if load.knobs.use_mmap)
    if room is None or needed <= (room.free + room.gpu - mapped) * SLACK:
        return
    each = ", ".join(f"{Path(load.path).name} needs {show_size(memory.total)}" for load, memory in wanted)
    free = f"{show_size(max(room.free + room.gpu - mapped, 0))} are free"
    where = "beside what is loaded" if beside else "together"
    raise ModelError(
        f"Memory does not hold these models {where}: {each}, {free}; take a smaller quantization, or turn num_ctx down."
    )


Sized = tuple[Load, MemoryEstimate]
"""What is to be loaded, and the memory it takes."""


def _sized(loads: Iterable[Load]) -> list[Sized]:
    return [(load, estimate(check_model(Path(load.path)), load.knobs)) for load in loads]
