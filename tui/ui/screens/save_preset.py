"""Keep the knobs as a preset: ask for its name and what it is for."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.errors import PresetError
from tui.knobs.pair import KnobPair
from tui.knobs.table import knob
from tui.presets.preset import Preset
from tui.presets.preset_paths import own_path
from tui.presets.save import save_preset
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer


class SavePreset(Dialog[str | None]):
    """Saves knobs as the person's own preset, and says where. Gives its name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "save", "Save", priority=True, id="save.save"),
        Binding("escape", "dismiss", "Back", id="save.back"),
    ]

    DEFAULT_CSS = """
    SavePreset {
        align: center middle;
        & > Vertical {
            width: 90%;
            max-width: 72;
            height: auto;
            max-height: 94%;
            padding: 1 2 0 2;
            border: round $primary;
            background: $surface;
        }
        & Static { width: 1fr; height: auto; }
        & .name { text-style: bold; color: $text-primary; }
        & .what { color: $foreground 80%; max-height: 4; margin-bottom: 1; }
        & Input, & Input:focus { border: none; height: 1; padding: 0 1; margin-bottom: 1; background: $background; }
        & .said { min-height: 1; color: $text-error; text-style: bold; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, preset: Preset, pair: KnobPair) -> None:
        """`preset` is what the knobs were turned from."""
        super().__init__()
        self._preset, self._pair = preset, pair
        self._called = Input(self._own_name, placeholder="Its name, such as my-preset")
        self._about = Input(placeholder="Tab: what it is for, in a line (may be empty)")
        self._said = Static(classes="said", markup=False)
        self._overwriting = ""
        """The preset that was named though it is there already: to name it again is to mean it."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Save the knobs as a preset", classes="name", markup=False)
            yield Static(self._what, classes="what", markup=False)
            yield self._called
            yield self._about
            yield self._said
            yield Footer()

    def on_mount(self) -> None:
        """Ask for the name first."""
        self._called.focus()

    def on_input_changed(self) -> None:
        """Another name is another question."""
        self._overwriting = ""
        self._refuse("")

    def action_save(self) -> None:
        """Save it; over another preset only when asked for twice."""
        name, about = self._called.value.strip(), self._about.value.strip()
        try:
            if self._replaces(name) and self._overwriting != name:
                self._overwriting = name
                self._refuse(f"There is a preset {name!r} of yours already; Enter again overwrites it.")
                return
            path = save_preset(name, self._pair, self._preset, description=about, overwrite=True)
        except PresetError as error:
            self._refuse(str(error))
            return
        self.notify(safe(str(path)), title=f"Saved as {name}", markup=False)
        self.dismiss(name)

    def _replaces(self, name: str) -> bool:
        """Whether another preset of that name is there; the one in use is changed where it stands."""
        path = own_path(name)
        return path.exists() and not (self._preset.path and self._preset.path.resolve() == path.resolve())

    @property
    def _own_name(self) -> str:
        """The name of the preset in use where it is the person's own: most want to change that."""
        try:
            mine = self._preset.path == own_path(self._preset.name)
        except PresetError:
            return ""
        return self._preset.name if mine else ""

    @property
    def _what(self) -> str:
        turned = self._pair.differing(self._preset.pair)
        said = ", ".join(f"{name} {knob(name).show(self._pair.value(name))}" for name in turned)
        return safe_line(f"{self._preset.name} with {said}" if said else f"{self._preset.name} as it is")

    def _refuse(self, reason: str) -> None:
        self._said.update(Content(safe(reason)))
