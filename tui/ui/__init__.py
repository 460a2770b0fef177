"""The screen. The only room where Textual lives."""

import asyncio
import os
import sys
from pathlib import Path

from tui.engine.engines import Engines
from tui.engine.protocol import Load
from tui.knobs import fixed
from tui.paths import history_path
from tui.presets.library import Chosen
from tui.store.diary import Diary
from tui.store.page import Kept
from tui.terminal import safe_line


def start(
    chosen: tuple[Chosen, ...], models: tuple[Path, ...], *, keep: bool = True, going_on: Kept | None = None
) -> int:
    """Open the chat, a pane for each setting with its model; the exit code when it is closed.

    `keep` says whether what is said is saved, `going_on` with which conversation the first pane begins.
    """
    return asyncio.run(_run(chosen, loads_of(chosen, models), Diary(history_path()) if keep else None, going_on))


def loads_of(chosen: tuple[Chosen, ...], models: tuple[Path, ...]) -> tuple[Load, ...]:
    """What an engine has to load for each setting."""
    return tuple(Load(str(model), fixed(each.knobs)) for each, model in zip(chosen, models, strict=True))


async def _run(chosen: tuple[Chosen, ...], loads: tuple[Load, ...], diary: Diary | None, going_on: Kept | None) -> int:
    # Both before Textual is imported: it reads the frame rate once, and takes 0.2 s in which a model can load.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    engines = Engines()
    await engines.start(loads)
    from tui.ui.app import TwiddleApp
    from tui.ui.signals import end_in_good_order, outlive_no_terminal

    app = TwiddleApp(engines, chosen, loads, diary)
    if going_on:
        app.chat.keeper.open(app.chat.side, going_on)
    end_in_good_order(app)
    watch = asyncio.create_task(outlive_no_terminal(app))
    try:
        await app.run_async()
    finally:
        watch.cancel()
        await engines.stop()
        if diary:
            app.chat.keeper.note()
            if lost := await diary.close():
                print(f"twiddle: What was said last is not saved. {safe_line(lost)}", file=sys.stderr)
    return app.return_code or 0
