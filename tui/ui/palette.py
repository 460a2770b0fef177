"""Ctrl+P: what can be done, by name."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.presets.library import list_presets
from tui.presets.preset import Preset
from tui.terminal import safe_line


class Deed(NamedTuple):
    """An entry of the palette."""

    name: str
    help: str
    action: str
    """What the screen is asked to do."""


class ChatCommands(Provider):
    """The commands of the chat, and every preset."""

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for deed in self._deeds():
            yield DiscoveryHit(deed.name, self._run(deed), help=deed.help)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for deed in self._deeds():
            if score := matcher.match(deed.name):
                yield Hit(score, matcher.highlight(deed.name), self._run(deed), help=deed.help)

    def _run(self, deed: Deed) -> Callable[[], Awaitable[object]]:
        return lambda: self.screen.run_action(deed.action)

    def _deeds(self) -> Iterator[Deed]:
        yield Deed("New chat", "Begin anew with the same settings", "new")
        yield Deed("Answer again", "Another answer to the last question", "again")
        yield Deed("Compare", "A second side with its own knobs; with two, keep the active one", "compare")
        yield Deed("Presets", "Choose from the list", "presets")
        yield Deed("Knobs", "Show or hide them", "toggle_knobs")
        yield Deed("Keys", "What can be pressed and typed", "app.push_screen('help')")
        for preset in list_presets():
            if isinstance(preset, Preset):
                yield Deed(f"Preset {safe_line(preset.name)}", safe_line(preset.description), f"use({preset.name!r})")
