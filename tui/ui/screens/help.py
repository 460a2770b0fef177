"""F1: the keys that work where the person is, and the commands."""

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui.slash import COMMANDS


class HelpScreen(ModalScreen[None]):
    """What can be pressed and typed, a group at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Back", id="help.back")]

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 90%;
            max-width: 92;
            height: auto;
            max-height: 94%;
            padding: 1 2;
            border: round $primary;
            background: $surface;
            scrollbar-size-vertical: 1;
        }
        & Static { width: 1fr; height: auto; }
    }
    """

    def compose(self) -> ComposeResult:
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else self
        with VerticalScroll():
            for heading, rows in _groups(below):
                wide = max(map(len, rows))
                lines = [Content.styled(heading, "bold $primary")]
                lines += [
                    Content.assemble((f"  {key:<{wide}}  ", "bold"), (what, "$foreground 80%"))
                    for key, what in rows.items()
                ]
                yield Static(Content("\n").join([*lines, Content("")]), markup=False)


def _groups(screen: Screen[Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """What works on a screen now: the keys of what has the focus, the screen's own, the commands."""
    here, around, text = "Where the cursor is", "In this dialog" if screen.is_modal else "Everywhere", "To edit text"
    commands = {} if screen.is_modal else COMMANDS
    groups: dict[str, dict[str, str]] = {here: {}, around: {}, "Type in the prompt": commands, text: {}}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and not binding.system:
            # Only what is Textual's own has no id.
            group = groups[around if active.node in (screen, screen.app) else here if binding.id else text]
            key = screen.app.get_key_display(binding)
            what = binding.tooltip or binding.description
            same = next((shown for shown, said in group.items() if said == what), None)
            if same:
                group[f"{same} {key}"] = group.pop(same)
            else:
                group[key] = what
    return iter((heading, rows) for heading, rows in groups.items() if rows)
