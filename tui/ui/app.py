"""App: themes, keys, the clipboard, and the first screen."""

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
from tui.terminal import safe_line, safe_lines, without_controls, written
from tui.ui.bindings import bind
from tui.ui.controllers.theme_controller import ThemeController
from tui.ui.keys import read_keys
from tui.ui.screens.chat import ChatScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.link import LinkScreen
from tui.ui.terminal.clipboard import copy
from tui.ui.terminal.driver import PatientDriver
from tui.ui.terminal.signals import Suspension, suspend
from tui.ui.textual_private import close_with
from tui.ui.widgets.safe_text_area import SafeTextArea
from tui.ui.widgets.transcript.copy_targets import CopyTargets


class TwiddleApp(App[None]):
    """Textual app of twiddle."""

    TITLE = "twiddle"
    CSS_PATH: ClassVar = ["widgets/widgets.tcss", "app.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Close twiddle", show=True, priority=True),
        bind("ctrl+p", "command_palette", "All", id="app.palette", tooltip="Keys, commands and presets by name",
             show=True, priority=True),
        bind("ctrl+z", "suspend_process", "Suspend", id="app.suspend", tooltip="Back to the shell; fg resumes"),
    ]  # fmt: skip

    def __init__(
        self,
        engines: EnginePool,
        chosen: tuple[ResolvedSetting, ...],
        loads: tuple[Load, ...],
        store: AsyncStore | None = None,
        loaded_config: LoadedConfig = LoadedConfig(),
        dark: bool | None = None,
    ) -> None:
        """`engines` hold the model of each setting already; conversations are saved in `store`, if there is one.

        `loaded_config` is the user's config; `dark` is True for a dark terminal, None if that is unknown.
        """
        super().__init__(driver_class=PatientDriver)
        self._loaded_config = loaded_config
        self._theme_controller = ThemeController(self, loaded_config.config.theme, dark)
        self.chat = ChatScreen(engines, chosen, loads, store)

    def on_mount(self) -> None:
        """Set the theme and the user's keys, then open the chat."""
        self._theme_controller.open()
        keys = read_keys(self._loaded_config.config.keys)
        self.set_keymap(keys.keymap)
        self.push_screen(self.chat)
        for fault in (*self._loaded_config.faults, *keys.faults):
            self.notify(fault, title="Left out of your settings", severity="warning", markup=False)
        if not self.is_headless:
            Suspension(self)
            self.call_after_refresh(_freeze_memory)

    async def on_event(self, event: events.Event) -> None:
        """Filter pasted text, wherever it goes."""
        if isinstance(event, events.Paste):
            event.text = (written if isinstance(self.focused, SafeTextArea) else safe_lines)(event.text)
        await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, also from a remote terminal, and show a notice about it."""
        self._clipboard = without_controls(text)
        self.run_worker(self._copy(self._clipboard))

    async def _copy(self, text: str) -> None:
        notice = await copy(text, self._driver.write if self._driver else None)
        self.notify(notice, markup=False)

    def on_copy_targets_link_chosen(self, event: CopyTargets.LinkChosen) -> None:
        """Show the target of a link before it is opened."""
        self.push_screen(LinkScreen(event.target))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the entries of Ctrl+P besides those of the chat."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def action_help(self) -> None:
        """Show the keys that work on the current screen."""
        self.push_screen(HelpScreen())

    def action_suspend_process(self) -> None:
        """Suspend the program, as Ctrl+Z does in a shell."""
        if not suspend():
            self.notify("twiddle was not started by a shell that could wake it up again.", markup=False)

    def _fatal_error(self) -> None:
        # Textual's own report prints local variables, and those hold the chat.
        error = sys.exc_info()[1] or self._exception or RuntimeError()
        close_with(self, Text(f"twiddle: it broke ({type(error).__name__}); {safe_line(write_trail(error))}"))


def _freeze_memory() -> None:
    """Exempt all objects of the first paint from garbage collection, which would delay keys."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
