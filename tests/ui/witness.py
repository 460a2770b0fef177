"""The program itself, and a note of what was painted: `python -m tests.ui.witness NOTES MODEL`.

Each widget class of ours that is painted is noted, with whether text from elsewhere was in it or in what it holds.
"""

import atexit
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import json

import tui.session.session
import tui.ui
from tests.engine.scripted import serve_scripts
from tui.engine.process.pool import EnginePool
from tui.knobs.setting import Setting
from tui.models.reference import STARTER, find_model
from tui.presets.library import resolve
from tui.ui import start

if TYPE_CHECKING:
    from textual.geometry import Region
    from textual.strip import Strip
    from textual.widget import Widget

FOREIGN = ("␛", "[@cl")
"""Every hostile text has one of these in it, once it is harmless; the program's own words have none."""


def watch(painted: dict[str, bool]) -> None:
    """Have whoever is painted noted, and fail on text that does something when it is clicked."""
    from textual.widget import Widget

    import tui.ui.app  # noqa: F401 (with every widget there is)

    open_: list[type[Widget]] = [Widget]
    while open_:
        kind = open_.pop()
        open_ += kind.__subclasses__()
        if "render_lines" in vars(kind):
            _note(kind, painted)


def _note(kind: "type[Widget]", painted: dict[str, bool]) -> None:
    from textual.screen import Screen
    from textual.widgets._toast import Toast

    paint = kind.render_lines

    def note(widget: "Widget", crop: "Region") -> "list[Strip]":
        strips = paint(widget, crop)
        foreign = any(mark in strip.text for strip in strips for mark in FOREIGN)
        # A screen paints what is below it; a toast is on whichever screen is open.
        foreign = foreign and not isinstance(widget, Screen | Toast)
        for holder in widget.ancestors_with_self:
            for each in type(holder).__mro__:
                if each.__module__.startswith("tui."):
                    painted[each.__qualname__] = painted.get(each.__qualname__, False) or foreign
        for segment in (segment for strip in strips for segment in strip):
            assert not segment.style or "@click" not in segment.style.meta, f"{widget}: {segment}"
        return strips

    kind.render_lines = note  # type: ignore[method-assign, assignment]


def main(notes: str, script: str) -> int:
    """Open the screen; the starter model is a script."""

    def find(reference: str, folder: Path | None = None) -> Path:
        return Path(script) if reference == STARTER else find_model(reference, folder)

    tui.presets.preset.find_model = find  # type: ignore[attr-defined]
    serve_scripts()
    tui.ui.EnginePool = partial(EnginePool, refuse=lambda *_: None)  # type: ignore[assignment, attr-defined]
    os.environ["TEXTUAL_ANIMATIONS"] = "none"  # before Textual is imported
    painted: dict[str, bool] = {}
    watch(painted)
    atexit.register(lambda: Path(notes).write_bytes(json.encode(painted)))
    return start((resolve(Setting()),), (Path(script),))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
