"""Footer: the keys that work now, as many as fit."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.terminal import safe_line


def in_order(screen: Screen[object]) -> Sequence[ActiveBinding]:
    """Return the keys that work now: of the focused widget, of the screen as it declares them, then of the app.

    Textual has them by key: what a screen takes by priority stands in the place of what it takes the key from.
    """
    declared = [each.id for each in screen.BINDINGS if isinstance(each, Binding)]

    def rank(active: ActiveBinding) -> tuple[int, int]:
        if active.node is screen:
            known = active.binding.id in declared
            return 1, declared.index(active.binding.id) if known else len(declared)
        return (2, 0) if active.node is screen.app else (0, 0)

    return sorted(screen.active_bindings.values(), key=rank)


HELP = ("chat.help", "dialog.help")
"""Bindings that come last and are never left out: they show the others."""


class FooterItem(NamedTuple):
    """Key and what it does."""

    id: str
    key: str
    """Name of the key in Textual."""
    shown: str
    does: str

    @property
    def width(self) -> int:
        """Width in cells, with the blanks around it."""
        return cell_len(self.shown) + cell_len(self.does) + 3


class Footer(Widget):
    """Line of keys, those of the focused widget first; a click presses one."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"footer--key", "footer--does"}

    def __init__(self) -> None:
        super().__init__()
        self._items: list[FooterItem] = []

    def on_mount(self) -> None:
        """Show the keys now, and again whenever other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._read)
        self._read(self.screen)

    def render_line(self, y: int) -> Strip:
        """Return the row of keys that fit, none of them cut."""
        plain = self.rich_style
        key, does = (
            plain + Style.combine([self.get_component_rich_style(f"footer--{part}")]) for part in ("key", "does")
        )
        parts = [
            Segment(text, style)
            for item in self._fitting()
            for text, style in ((f" {item.shown} ", key), (f"{item.does} ", does))
        ]
        return Strip(parts).adjust_cell_length(self.size.width, plain)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        left = event.x
        for item in self._fitting():
            left -= item.width
            if left < 0:
                self.app.simulate_key(item.key)
                return

    def _read(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not self.is_attached:
            return
        items = sorted(_items(self, in_order(screen)), key=lambda item: item.id in HELP)
        if items != self._items:
            self._items = items
            self.refresh()

    def _fitting(self) -> list[FooterItem]:
        room = self.size.width
        if sum(item.width for item in self._items) <= room:
            return self._items
        last = [item for item in self._items if item.id in HELP]
        room -= sum(item.width for item in last)
        chosen: list[FooterItem] = []
        for item in self._items:
            if item not in last:
                if item.width > room:
                    break
                chosen.append(item)
                room -= item.width
        return [*chosen, *last]


def _items(footer: Footer, active: Iterable[ActiveBinding]) -> Iterable[FooterItem]:
    seen = set()
    for _, binding, enabled, _ in active:
        if binding.show and enabled and binding.description and binding.action not in seen:
            seen.add(binding.action)
            shown = footer.app.get_key_display(binding)
            yield FooterItem(binding.id or "", binding.key, safe_line(shown), safe_line(binding.description))
