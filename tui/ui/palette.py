"""Ctrl+P: everything that has a key or a command, by name, and every preset."""

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
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.prompt.composer import Composer

Doer = App[object] | Widget


class PaletteEntry(NamedTuple):
    """An entry of the palette."""

    name: str
    help: str
    node: Doer
    """Who is asked to do it."""
    action: str

    @property
    def words(self) -> str:
        """The help as the palette takes it: declared as text, read as markup unless it is Content."""
        return cast(str, Content(self.help))

    @property
    def possible(self) -> bool:
        """Whether there is something for it to do now."""
        _, name, parameters = parse(self.action)
        return bool(self.node.check_action(name, parameters))


class ChatCommands(Provider):
    """What can be done from the chat."""

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for deed in self._deeds():
            yield DiscoveryHit(Content(deed.name), _run(deed), deed.name, deed.words)

    async def search(self, query: str) -> Hits:
        """What is called like it; then what has it among the words about it."""
        matcher = self.matcher(query)
        for deed in self._deeds():
            if score := matcher.match(deed.name):
                yield Hit(score, _lit(matcher, deed.name), _run(deed), deed.name, deed.words)
            elif query.lower() in deed.help.lower():
                yield Hit(0.01, Content(deed.name), _run(deed), deed.name, deed.words)

    def _deeds(self) -> Iterator[PaletteEntry]:
        keys = [deed for deed in self._keys() if deed.possible]
        yield from keys
        # What a key is short for is there already, or makes no sense now.
        taken = {deed.action for deed in self._keys()}
        yield from (deed for deed in self._commands() if deed.action not in taken and deed.possible)
        for preset in list_presets():
            if isinstance(preset, Preset):
                deed = self._obey(f"Preset {safe_line(preset.name)}", preset.description, f"/preset {preset.name}")
                if deed.possible:
                    yield deed

    def _keys(self) -> Iterator[PaletteEntry]:
        """What has a key wherever the cursor is, and what a key among the knobs does to all of them."""
        for node in (self.screen, self.app):
            yield from (self._pressed(node, each) for each in _bindings(node) if each.action != "command_palette")
        if self.screen.check_action("toggle_knobs", ()):  # what the knobs would tell, saving them does
            panel = self.screen.query_one(KnobPanel)
            for binding in _bindings(panel):
                if parse(binding.action)[1] == "ask":
                    yield self._pressed(panel, binding)

    def _commands(self) -> Iterator[PaletteEntry]:
        """What can be typed; where something must be said with it, the prompt asks for that."""
        for command in suggestions():
            name = " ".join(command.text.strip().removeprefix("/").split()).capitalize()
            if command.unfinished:
                composer = self.screen.query_one(Composer)
                yield PaletteEntry(f"{name} …", command.about, composer, f"begin({command.text!r})")
            else:
                yield self._obey(name, command.about, command.text.strip())

    def _obey(self, name: str, help: str, line: str) -> PaletteEntry:
        return PaletteEntry(name, safe_line(" ".join(help.split())), self.screen, f"obey({line!r})")

    def _pressed(self, node: Doer, binding: Binding) -> PaletteEntry:
        chosen = self.app._keymap.get(binding.id or "", binding.key)
        key = self.app.get_key_display(binding.with_key(chosen.split(",")[0], binding.key_display))
        return PaletteEntry(
            binding.description, f"{binding.tooltip or binding.description} · {key}", node, binding.action
        )


def _bindings(node: Doer) -> Iterator[Binding]:
    """Those that a widget declares itself."""
    return (each for each in vars(type(node)).get("BINDINGS", ()) if isinstance(each, Binding) and each.description)


def _run(deed: PaletteEntry) -> Callable[[], Awaitable[object]]:
    return lambda: deed.node.run_action(deed.action)


def _lit(matcher: Matcher, name: str) -> Content:
    """The name with what matched lit up; the matcher's own way reads it as markup."""
    lit = Content(name)
    for place in matcher.fuzzy_search.match(matcher.query, name)[1]:
        lit = lit.stylize(matcher.match_style, place, place + 1)
    return lit
