"""F2: choose a preset."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.presets.library import Broken
from tui.presets.preset import Preset
from tui.terminal import safe, safe_line


class PresetPicker(ModalScreen[str | None]):
    """The library, narrowed down by typing. Gives the name chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back", id="presets.back"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="presets.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="presets.previous"),
    ]

    DEFAULT_CSS = """
    PresetPicker {
        align: center middle;
        & > Vertical {
            width: 80%;
            max-width: 90;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            border: round $primary;
            background: $surface;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0; margin-bottom: 1; background: $surface; }
        & OptionList, & OptionList:focus {
            height: auto;
            max-height: 60vh;
            border: none;
            padding: 0;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            scrollbar-size-vertical: 1;
        }
        & .about { height: 2; margin-top: 1; color: $foreground 80%; }
        & .about.-broken { color: $text-warning; }
    }
    """

    def __init__(self, presets: tuple[Preset | Broken, ...], current: str) -> None:
        """`current` is the name of the preset in use."""
        super().__init__()
        self._presets, self._current = presets, current
        self._list = OptionList(markup=False)
        self._about = Static(classes="about", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input(placeholder="Type to find a preset, Enter to use it")
            yield self._list
            yield self._about

    def on_mount(self) -> None:
        """Show them all."""
        self._show("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list down."""
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Use the one that is lit."""
        self._list.action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Use it, unless it cannot be read."""
        if event.option_id is not None:
            self.dismiss(event.option_id)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say all about it, or why it cannot be used."""
        lit = next((each for each in self._presets if each.name == event.option_id), None)
        if lit is not None:
            said = lit.reason if isinstance(lit, Broken) else lit.description
            self._about.update(Content(safe(" ".join(said.split()))))
            self._about.set_class(isinstance(lit, Broken), "-broken")

    def action_move(self, step: int) -> None:
        """Light the next one, while the focus stays with the typing."""
        if step > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def _show(self, typed: str) -> None:
        self._list.clear_options()
        wanted = typed.lower().split()
        for preset in self._presets:
            said = "cannot be read" if isinstance(preset, Broken) else preset.description
            if all(word in f"{preset.name} {said}".lower() for word in wanted):
                self._list.add_option(Option(self._line(preset, said), id=preset.name))
        if self._list.option_count:
            names = [option.id for option in self._list.options]
            self._list.highlighted = names.index(self._current) if not typed and self._current in names else 0

    def _line(self, preset: Preset | Broken, said: str) -> Content:
        mark = "▸ " if preset.name == self._current else "✗ " if isinstance(preset, Broken) else "  "
        name = Content.styled(f"{mark}{safe_line(preset.name):<14} ", "bold")
        return name + Content.styled(safe_line(" ".join(said.split())), "$foreground 75%")
