"""Screen of twiddle; with the command line the only package that imports Textual."""

import asyncio
import os
import sys
from pathlib import Path

from tui.config import LoadedConfig
from tui.engine.process.pool import EnginePool
from tui.engine.protocol import Load
from tui.knobs.table import fixed
from tui.paths import history_path
from tui.presets.library import ResolvedSetting
from tui.store.async_store import AsyncStore
from tui.store.records import StoredConversation
from tui.terminal import safe_line
from tui.ui.terminal.terminal_background import TerminalBackground


def start(
    chosen: tuple[ResolvedSetting, ...],
    models: tuple[Path, ...],
    settled: LoadedConfig = LoadedConfig(),
    *,
    keep: bool = True,
    going_on: StoredConversation | None = None,
    notice: str = "",
) -> int:
    """Open the chat, a pane for each setting with its model, and return the exit code when it is closed.

    `settled` is the user's config; the conversation is saved if `keep` is True, and continues `going_on` if given.
    `notice` is shown below it.
    """
    store = AsyncStore(history_path()) if keep else None
    return asyncio.run(_run(chosen, loads_of(chosen, models), settled, store, going_on, notice))


def loads_of(chosen: tuple[ResolvedSetting, ...], models: tuple[Path, ...]) -> tuple[Load, ...]:
    """Return the model and load knobs of each setting."""
    return tuple(Load(str(model), fixed(each.knobs)) for each, model in zip(chosen, models, strict=True))


async def _run(
    chosen: tuple[ResolvedSetting, ...],
    loads: tuple[Load, ...],
    settled: LoadedConfig,
    store: AsyncStore | None,
    going_on: StoredConversation | None,
    notice: str,
) -> int:
    # Before Textual is imported: it reads these once, and takes 0.2 s in which a model can load and a terminal answer.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    engines = EnginePool()
    await engines.start(loads)
    with TerminalBackground() as background:
        from tui.ui.app import TwiddleApp
        from tui.ui.terminal.input_parser import InputParser
        from tui.ui.terminal.signals import exit_on_signals, exit_without_terminal
        from tui.ui.textual_private import use_parser

        dark = background.dark()
    use_parser(InputParser)
    app = TwiddleApp(engines, chosen, loads, store, settled, dark)
    if going_on:
        app.chat.autosave.open_sides(going_on)
    app.chat.opening_notice = notice
    exit_on_signals(app)
    watch = asyncio.create_task(exit_without_terminal(app))
    try:
        await app.run_async()
    finally:
        watch.cancel()
        app.chat.autosave.close()
        lost = await store.close() if store else ""  # before the engines, which may take their time
        await engines.stop()
        if lost:
            print(f"twiddle: What was said last is not saved. {safe_line(lost)}", file=sys.stderr)
    return app.return_code or 0
