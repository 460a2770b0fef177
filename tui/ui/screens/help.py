"""F1: the keys that work now, and the commands."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from tui.prompt_line.commands import LISTED
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import in_order

_OF_TEXTUAL = {
    "app.focus_next": "Next part of the screen",
    "app.focus_previous": "Previous part of the screen",
    "screen.copy_text": "Copy what is selected",
}
"""Descriptions of Textual's own keys, by action."""


class HelpGroup(Widget):
    """Heading over two columns: keys or commands, and what they do."""

    def __init__(self, heading: str, rows: Mapping[str, str]) -> None:
        """`rows` maps a key or command to its description."""
        super().__init__()
        self._heading, self._rows = heading, rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines after wrapping."""
        return len(list(self._lines(width)))

    def render(self) -> Content:
        """Return the heading and a line for each key."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> Iterator[Content]:
        wide = max(map(len, self._rows))
        yield Content.styled(self._heading, "bold $primary")
        for key, about in self._rows.items():
            for line in textwrap.wrap(about, max(width - wide - 4, 8)):
                yield Content.assemble((f"  {key:<{wide}}  ", "bold"), (line, "$foreground 80%"))
                key = ""
        yield Content()


class HelpScreen(Dialog[None]):
    """Keys and commands in groups, those nearest to the cursor first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("escape,f1,q", "dismiss", "Back", id="help.back", show=True),
    ]

    def compose(self) -> ComposeResult:
        """Yield the keys of the screen below this one, by group."""
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else self
        with VerticalScroll(classes="frame"):
            for heading, rows in _groups(below):
                yield HelpGroup(heading, rows)


def _groups(screen: Screen[Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the keys of the focused widget, those of the screen, the commands, and the keys that edit text."""
    here, around, text = "Focused part", "In this dialog" if screen.is_modal else "Everywhere", "Editing text"
    commands = {} if screen.is_modal else {each.usage: each.help for each in LISTED}
    groups: dict[str, dict[str, str]] = {here: {}, around: {}, "Commands, typed in the prompt": commands, text: {}}
    for active in in_order(screen):
        binding = active.binding
        if binding.description and not binding.system:
            # Only what is Textual's own has no id.
            group = groups[around if active.node in (screen, screen.app) else here if binding.id else text]
            key = screen.app.get_key_display(binding)
            what = _OF_TEXTUAL.get(binding.action) or binding.tooltip or binding.description
            same = next((keys for keys, about in group.items() if about == what), None)
            if same and key not in same.split():
                group[f"{same} {key}"] = group.pop(same)
            elif not same:
                group[key] = what
    return iter((heading, rows) for heading, rows in groups.items() if rows)
