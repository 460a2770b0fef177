"""Progress bars of a pull, on stderr if it is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from tui.models.pull import Report
from tui.terminal import safe_line


@contextmanager
def bars() -> Iterator[Report]:
    """Yield a callback that shows a bar for each file that is downloaded or checked."""
    tasks: dict[str, TaskID] = {}
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )

    def tell(doing: str, name: str, done: int, size: int) -> None:
        what = safe_line(f"{doing} {PurePosixPath(name).name}")
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=size)
        progress.update(tasks[what], completed=done)

    with progress:
        yield tell
