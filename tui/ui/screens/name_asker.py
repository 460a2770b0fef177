"""A name for a preset, asked for."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.errors import PresetError
from tui.presets.preset_paths import own_path
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer


class NameAsker(Dialog[str | None]):
    """Gives a name that is free among the person's own presets, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Go on", priority=True, id="name.take"),
        Binding("escape", "dismiss", "Back", id="name.back"),
    ]

    DEFAULT_CSS = """
    NameAsker {
        align: center middle;
        & > Vertical {
            width: 60;
            max-width: 90%;
            height: auto;
            padding: 1 2 0 2;
            border: round $primary;
            border-title-color: $text-primary;
            background: $surface;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0; background: $surface; }
        & Static { height: auto; min-height: 1; color: $text-error; text-style: bold; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, title: str, name: str = "") -> None:
        """`name` is what to begin with."""
        super().__init__()
        self._title, self._name = title, name

    def compose(self) -> ComposeResult:
        box = Vertical(Input(self._name, placeholder="A name, such as my-preset"), Static(markup=False), Footer())
        box.border_title = Content(safe_line(self._title))
        yield box

    def on_input_changed(self) -> None:
        """Another name is another question."""
        self.query_one(Static).update("")

    def action_take(self) -> None:
        """Take the name, unless it cannot be one or is taken."""
        name = self.query_one(Input).value.strip()
        try:
            path = own_path(name)
            if path.exists():
                raise PresetError(f"There is a preset {name!r} of yours already; choose another name.")
        except PresetError as error:
            self.query_one(Static).update(Content(safe(str(error))))
        else:
            self.dismiss(name)
