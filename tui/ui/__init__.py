"""The screen. The only room where Textual lives."""

import asyncio
import os
import signal
from pathlib import Path

from tui.engine.engines import Engines
from tui.engine.protocol import Load
from tui.knobs import fixed
from tui.presets.library import Chosen


def start(chosen: tuple[Chosen, ...], models: tuple[Path, ...]) -> int:
    """Open the chat, a pane for each setting with its model; the exit code when it is closed."""
    return asyncio.run(_run(chosen, loads_of(chosen, models)))


def loads_of(chosen: tuple[Chosen, ...], models: tuple[Path, ...]) -> tuple[Load, ...]:
    """What an engine has to load for each setting."""
    return tuple(Load(str(model), fixed(each.knobs)) for each, model in zip(chosen, models, strict=True))


async def _run(chosen: tuple[Chosen, ...], loads: tuple[Load, ...]) -> int:
    # Both before Textual is imported: it reads the frame rate once, and takes 0.2 s in which a model can load.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    engines = Engines()
    await engines.start(loads)
    from tui.ui.app import TwiddleApp

    app = TwiddleApp(engines, chosen, loads)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):  # on which Textual leaves the terminal raw
        asyncio.get_running_loop().add_signal_handler(number, app.exit, None, 128 + number)
    try:
        await app.run_async()
    finally:
        await engines.stop()
    return app.return_code or 0
