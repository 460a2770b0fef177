"""The screen. The only room where Textual lives."""

import asyncio
import os
import signal
from pathlib import Path

from tui.config import Reading
from tui.engine.client import Engine
from tui.engine.protocol import Load
from tui.knobs import fixed
from tui.presets.library import Chosen
from tui.ui.background import Background


def start(chosen: tuple[Chosen, ...], model: Path, settled: Reading = Reading()) -> int:
    """Open the chat, a pane for each setting; the exit code when it is closed."""
    return asyncio.run(_run(chosen, str(model), settled))


async def _run(chosen: tuple[Chosen, ...], model: str, settled: Reading) -> int:
    # Before Textual is imported: it reads these once, and takes 0.2 s in which a model can load and a terminal answer.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    engine = Engine()
    load = Load(model, fixed(chosen[0].knobs))
    await engine.start()
    engine.send(load)
    with Background() as background:
        from tui.ui.answers import ignore_late_answers
        from tui.ui.app import TwiddleApp

        dark = background.dark()
    ignore_late_answers()
    app = TwiddleApp(engine, load, chosen, settled, dark)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):  # on which Textual leaves the terminal raw
        asyncio.get_running_loop().add_signal_handler(number, app.exit, None, 128 + number)
    try:
        await app.run_async()
    finally:
        await engine.stop()
    return app.return_code or 0
