"""The app: themes, signals and the first screen. Nothing else."""

import gc
import sys
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from tui.config import LoadedConfig
from tui.crash_report import write_trail
from tui.engine.process.pool import EnginePool
from tui.engine.protocol import Load
from tui.presets.library import ResolvedSetting
from tui.store.async_store import AsyncStore
from tui.terminal import safe, safe_line, safe_lines
from tui.ui.bindings import bind
from tui.ui.controllers.theme_controller import ThemeController
from tui.ui.keys import read_keys
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.link import LinkScreen
from tui.ui.terminal.clipboard import copy
from tui.ui.terminal.driver import PatientDriver
from tui.ui.terminal.signals import Suspension, suspend
from tui.ui.widgets.transcript.copy_targets import CopyTargets


class TwiddleApp(App[None]):
    """twiddle in a terminal."""

    TITLE = "twiddle"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Close twiddle", show=True, priority=True),
        bind("ctrl+p", "command_palette", "All", id="app.palette", tooltip="Keys, commands and presets by name",
             show=True, priority=True),
        bind("ctrl+z", "suspend_process", "Suspend", id="app.suspend", tooltip="Back to the shell; fg goes on"),
    ]  # fmt: skip

    def __init__(
        self,
        engines: EnginePool,
        chosen: tuple[ResolvedSetting, ...],
        loads: tuple[Load, ...],
        store: AsyncStore | None = None,
        settled: LoadedConfig = LoadedConfig(),
        dark: bool | None = None,
    ) -> None:
        """`engines` hold already what each setting loads; what is said is kept in the diary, if there is one.

        `settled` is the person's config, `dark` what is known of the terminal's background.
        """
        super().__init__(driver_class=PatientDriver)
        self._settled = settled
        self._theme_controller = ThemeController(self, settled.config.theme, dark)
        self.chat = ChatScreen(engines, chosen, loads, store)

    def on_mount(self) -> None:
        """Put a theme on and the person's keys in place, then show the chat."""
        self._theme_controller.open()
        keys = read_keys(self._settled.config.keys)
        self.set_keymap(keys.keymap)
        self.push_screen(self.chat)
        for fault in (*self._settled.faults, *keys.faults):
            self.notify(fault, title="Left out of your settings", severity="warning", markup=False)
        if not self.is_headless:
            Suspension(self)
            self.call_after_refresh(_settle_memory)

    async def on_event(self, event: events.Event) -> None:
        """Filter what is pasted, wherever it goes."""
        if isinstance(event, events.Paste):
            event.text = safe_lines(event.text)
        await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, wherever the terminal is, and say how much it was."""
        self._clipboard = safe(text)
        self.run_worker(self._copy(self._clipboard))

    async def _copy(self, text: str) -> None:
        told = await copy(text, self._driver.write if self._driver else None)
        self.notify(told, markup=False)

    def on_copy_targets_link_chosen(self, event: CopyTargets.LinkChosen) -> None:
        """Show where a link leads before anybody goes there."""
        self.push_screen(LinkScreen(event.target))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What Ctrl+P offers besides the commands of the chat."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def action_help(self) -> None:
        """Show the keys that work on the current screen."""
        self.push_screen(HelpScreen())

    def action_suspend_process(self) -> None:
        """Let the shell have the terminal."""
        if not suspend():
            self.notify("twiddle was not started by a shell that could wake it up again.", markup=False)

    def _fatal_error(self) -> None:
        # Textual's own report prints local variables, and those hold the chat.
        error = sys.exc_info()[1] or self._exception or RuntimeError()
        try:
            where = f"where is in {write_trail(error)}"
        except OSError as failure:
            where = f"where could not be written down: {failure.strerror}"
        self._exit_renderables.append(Text(f"twiddle: it broke ({type(error).__name__}); {safe_line(where)}"))
        self._close_messages_no_wait()


def _settle_memory() -> None:
    """What is there after the first paint stays: keep the garbage collector from walking it while keys wait."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
