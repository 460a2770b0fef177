"""The screen. The only room where Textual lives."""

import asyncio
import os
import signal
from pathlib import Path

from tui.engine.client import Engine
from tui.engine.protocol import Load
from tui.knobs import fixed
from tui.presets.library import Chosen


def start(chosen: tuple[Chosen, ...], model: Path) -> int:
    """Open the chat, a pane for each setting; the exit code when it is closed."""
    return asyncio.run(_run(chosen, str(model)))


async def _run(chosen: tuple[Chosen, ...], model: str) -> int:
    # Both before Textual is imported: it reads the frame rate once, and takes 0.2 s in which a model can load.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    engine = Engine()
    load = Load(model, fixed(chosen[0].knobs))
    await engine.start()
    engine.send(load)
    from tui.ui.app import TwiddleApp

    app = TwiddleApp(engine, load, chosen)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):  # on which Textual leaves the terminal raw
        asyncio.get_running_loop().add_signal_handler(number, app.exit, None, 128 + number)
    try:
        await app.run_async()
    finally:
        await engine.stop()
    return app.return_code or 0
