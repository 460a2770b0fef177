"""Ctrl+P: every key, command and preset by name."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, cast

from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widget import Widget

from tui.presets.library import list_presets
from tui.presets.preset import Preset
from tui.prompt_line.commands import suggestions
from tui.terminal import safe_line
from tui.ui.textual_private import keymap
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.prompt.composer import Composer

Doer = App[object] | Widget


class PaletteEntry(NamedTuple):
    """Entry of the palette."""

    name: str
    help: str
    node: Doer
    """App, screen or widget that has the action."""
    action: str

    @property
    def words(self) -> str:
        """Help for the palette, which declares it as text but reads text as markup, and Content as it is."""
        return cast(str, Content(self.help))

    @property
    def possible(self) -> bool:
        """True if the action is possible now."""
        _, name, parameters = parse(self.action)
        return bool(self.node.check_action(name, parameters))


class ChatCommands(Provider):
    """Provider of the entries of the chat."""

    async def discover(self) -> Hits:
        """Yield all entries, while nothing is typed."""
        for entry in self._entries():
            yield DiscoveryHit(Content(entry.name), _run(entry), entry.name, entry.words)

    async def search(self, query: str) -> Hits:
        """Yield the entries whose name matches, and those whose help contains the query."""
        matcher = self.matcher(query)
        for entry in self._entries():
            if score := matcher.match(entry.name):
                yield Hit(score, _lit(matcher, entry.name), _run(entry), entry.name, entry.words)
            elif query.lower() in entry.help.lower():
                yield Hit(0.01, Content(entry.name), _run(entry), entry.name, entry.words)

    def _entries(self) -> Iterator[PaletteEntry]:
        keys = [entry for entry in self._keys() if entry.possible]
        yield from keys
        # What a key is short for is there already, or makes no sense now.
        taken = {entry.action for entry in self._keys()}
        yield from (entry for entry in self._commands() if entry.action not in taken and entry.possible)
        for preset in list_presets():
            if isinstance(preset, Preset):
                entry = self._obey(f"Preset {safe_line(preset.name)}", preset.description, f"/preset {preset.name}")
                if entry.possible:
                    yield entry

    def _keys(self) -> Iterator[PaletteEntry]:
        """Yield the entries of the keys that work everywhere, and of those that change all knobs."""
        for node in (self.screen, self.app):
            yield from (self._pressed(node, each) for each in _bindings(node) if each.action != "command_palette")
        if self.screen.check_action("toggle_knobs", ()):  # what the knobs would tell, saving them does
            panel = self.screen.query_one(KnobPanel)
            for binding in _bindings(panel):
                if parse(binding.action)[1] == "ask":
                    yield self._pressed(panel, binding)

    def _commands(self) -> Iterator[PaletteEntry]:
        """Yield the entries of the commands; one that needs an argument is put into the prompt."""
        for command in suggestions():
            name = " ".join(command.text.strip().removeprefix("/").split()).capitalize()
            if command.unfinished:
                composer = self.screen.query_one(Composer)
                yield PaletteEntry(f"{name} …", command.about, composer, f"begin({command.text!r})")
            else:
                yield self._obey(name, command.about, command.text.strip())

    def _obey(self, name: str, help: str, line: str) -> PaletteEntry:
        return PaletteEntry(name, safe_line(" ".join(help.split())), self.screen, f"run({line!r})")

    def _pressed(self, node: Doer, binding: Binding) -> PaletteEntry:
        chosen = keymap(self.app).get(binding.id or "", binding.key)
        key = self.app.get_key_display(binding.with_key(chosen.split(",")[0], binding.key_display))
        return PaletteEntry(
            binding.description, f"{binding.tooltip or binding.description} · {key}", node, binding.action
        )


def _bindings(node: Doer) -> Iterator[Binding]:
    """Yield the bindings that the class of a widget declares itself."""
    return (each for each in vars(type(node)).get("BINDINGS", ()) if isinstance(each, Binding) and each.description)


def _run(entry: PaletteEntry) -> Callable[[], Awaitable[object]]:
    return lambda: entry.node.run_action(entry.action)


def _lit(matcher: Matcher, name: str) -> Content:
    """Return the name with the matched letters highlighted; the matcher's own method reads it as markup."""
    lit = Content(name)
    for place in matcher.fuzzy_search.match(matcher.query, name)[1]:
        lit = lit.stylize(matcher.match_style, place, place + 1)
    return lit
