"""Ctrl+P: what can be done, by name."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, cast

from textual.actions import parse
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from tui.presets.library import list_presets
from tui.presets.preset import Preset
from tui.terminal import safe_line


class Deed(NamedTuple):
    """An entry of the palette."""

    name: str
    help: str
    action: str
    """What the screen is asked to do."""

    @property
    def words(self) -> str:
        """The help as the palette takes it: declared as text, read as markup unless it is Content."""
        return cast(str, Content(self.help))


class ChatCommands(Provider):
    """The commands of the chat, and every preset."""

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for deed in self._possible():
            yield DiscoveryHit(Content(deed.name), self._run(deed), deed.name, deed.words)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for deed in self._possible():
            if score := matcher.match(deed.name):
                yield Hit(score, _lit(matcher, deed.name), self._run(deed), deed.name, deed.words)

    def _run(self, deed: Deed) -> Callable[[], Awaitable[object]]:
        return lambda: self.screen.run_action(deed.action)

    def _possible(self) -> Iterator[Deed]:
        for deed in self._deeds():
            _, name, parameters = parse(deed.action)
            if self.screen.check_action(name, parameters):
                yield deed

    def _deeds(self) -> Iterator[Deed]:
        yield Deed("New chat", "Begin anew with the same settings", "obey('/clear')")
        yield Deed("History", "Go on with a conversation that was kept", "obey('/history')")
        yield Deed("Answer again", "Another answer to the last question", "obey('/again')")
        yield Deed("Tree", "Every version of every message; go to one", "obey('/tree')")
        yield Deed("Tokens", "The reply token by token: how sure the model was of each", "look")
        yield Deed("Picture", "Save how the reply was chosen, token by token (SVG)", "obey('/picture')")
        yield Deed("Stop", "Stop the reply that is being written", "stop")
        yield Deed("Other side", "Make the next side the active one", "other_side")
        yield Deed("Compare", "Another side with its own knobs, up to four", "obey('/compare')")
        yield Deed("Keep this side", "Make it the conversation, and drop the others", "obey('/keep')")
        yield Deed("Drop this side", "The others stay", "obey('/drop')")
        yield Deed("Presets", "Choose from the list", "obey('/preset')")
        yield Deed("Knobs", "Show or hide them", "toggle_knobs")
        yield Deed("Engine", "Its log, and another start", "obey('/engine')")
        yield Deed("Keys", "What can be pressed and typed", "obey('/help')")
        for preset in list_presets():
            if isinstance(preset, Preset):
                name, action = safe_line(preset.name), f"obey({f'/preset {preset.name}'!r})"
                yield Deed(f"Preset {name}", safe_line(preset.description), action)


def _lit(matcher: Matcher, name: str) -> Content:
    """The name with what matched lit up; the matcher's own way reads it as markup."""
    lit = Content(name)
    for place in matcher.fuzzy_search.match(matcher.query, name)[1]:
        lit = lit.stylize(matcher.match_style, place, place + 1)
    return lit
