"""Dialogs for the name of a preset: one that saves the knobs, and one for a new Modelfile."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.errors import PresetError
from tui.knobs.pair import KnobPair
from tui.knobs.table import knob
from tui.paths import is_there
from tui.presets.preset import Preset
from tui.presets.preset_paths import own_path
from tui.presets.save import save_preset
from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog


class SavePreset(Dialog[str | None]):
    """Saves the knobs as a preset of the user. The result is its name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "save", "Save", id="save.save", show=True, priority=True),
        bind("escape", "dismiss", "Back", id="save.back", show=True),
    ]

    def __init__(self, preset: Preset, pair: KnobPair) -> None:
        """`preset` is the one in use, `pair` its knobs as they are now."""
        super().__init__()
        self._preset, self._pair = preset, pair
        self._name_input = Input(self._own_name, placeholder="Its name, such as my-preset")
        self._about_input = Input(placeholder="Tab: what it is for, in a line (may be empty)")
        self._overwriting = ""
        """Name of an existing preset that was entered once; entering it again overwrites the preset."""

    def content(self) -> Iterable[Widget]:
        """Yield the summary of the knobs and the inputs for name and description."""
        yield Static("Save the knobs as a preset", classes="name", markup=False)
        yield Static(self._summary, classes="what", markup=False)
        yield self._name_input
        yield self._about_input
        yield self.error_line

    def on_mount(self) -> None:
        """Focus the name."""
        self._name_input.focus()

    def on_input_changed(self) -> None:
        """Clear the error, which was about another name."""
        self._overwriting = ""
        self.show_error("")

    def action_save(self) -> None:
        """Save the preset; over an existing one only when Enter is pressed twice."""
        name, about = self._name_input.value.strip(), self._about_input.value.strip()
        try:
            if self._replaces(name) and self._overwriting != name:
                self._overwriting = name
                self.show_error(f"There is a preset {name!r} of yours already; Enter again overwrites it.")
                return
            path = save_preset(name, self._pair, self._preset, description=about, overwrite=True)
        except PresetError as error:
            self.show_error(str(error))
            return
        self.notify(safe(str(path)), title=f"Saved as {name}", markup=False)
        self.dismiss(name)

    def _replaces(self, name: str) -> bool:
        """Return True if saving would overwrite another preset than the one in use."""
        path = own_path(name)
        return is_there(path) and not (self._preset.path and self._preset.path.resolve() == path.resolve())

    @property
    def _own_name(self) -> str:
        """Name of the preset in use if it is the user's own, since most want to save over it; else empty."""
        try:
            mine = self._preset.path == own_path(self._preset.name)
        except PresetError:
            return ""
        return self._preset.name if mine else ""

    @property
    def _summary(self) -> str:
        turned = self._pair.differing(self._preset.pair)
        values = ", ".join(f"{name} {knob(name).show(self._pair.value(name))}" for name in turned)
        model = "for any model" if self._preset.any_model else f"on {self._preset.model}"
        return safe_line(f"{self._preset.name} {f'with {values}' if values else 'as it is'}, {model}")


class NameAsker(Dialog[str | None]):
    """Line for a name that no preset in the user's folder has. The result is the name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "accept", "Go on", id="name.take", show=True, priority=True),
        bind("escape", "dismiss", "Back", id="name.back", show=True),
    ]

    def __init__(self, heading: str) -> None:
        """`heading` says what the name is for."""
        super().__init__()
        self.heading = heading

    def content(self) -> Iterable[Widget]:
        """Yield the input for the name."""
        yield Input(placeholder="A name, such as my-preset")
        yield self.error_line

    def on_input_changed(self) -> None:
        """Clear the error, which was about another name."""
        self.show_error("")

    def action_accept(self) -> None:
        """Give the name, unless it is invalid or in use."""
        name = self.query_one(Input).value.strip()
        try:
            path = own_path(name)
            if is_there(path):
                raise PresetError(f"There is a preset {name!r} of yours already; choose another name.")
        except PresetError as error:
            self.show_error(str(error))
        else:
            self.dismiss(name)
