"""F2: choose a preset."""

from typing import ClassVar, Literal, NamedTuple

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.knobs.pair import KnobPair
from tui.knobs.table import KNOBS, Knobs
from tui.presets.library import BrokenPreset
from tui.presets.preset import Preset, difference
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer


class PresetChoice(NamedTuple):
    """What is wanted with a preset."""

    deed: Literal["use", "edit", "new", "copy"]
    name: str


class PresetPicker(Dialog[PresetChoice | None]):
    """The library, narrowed down by typing, with what each preset would change. Gives what is wanted, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take('use')", "Use", priority=True, id="presets.use"),
        Binding("ctrl+e", "take('edit')", "Edit", tooltip="Edit its Modelfile here", priority=True, id="presets.edit"),
        Binding(
            "ctrl+n", "take('new')", "New", tooltip="A new preset that builds on it", priority=True, id="presets.new"
        ),
        Binding(
            "ctrl+d",
            "take('copy')",
            "Duplicate",
            tooltip="One of your own with the same text",
            priority=True,
            id="presets.duplicate",
        ),
        Binding("escape,f2", "dismiss", "Back", key_display="esc", id="presets.back"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="presets.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="presets.previous"),
    ]

    DEFAULT_CSS = """
    PresetPicker {
        align: center middle;
        & > Vertical {
            width: 94%;
            max-width: 120;
            height: 90%;
            max-height: 36;
            padding: 1 2 0 2;
            border: round $primary;
            border-title-color: $text-primary;
            background: $surface;
        }
        & Horizontal { height: 1fr; }
        & Input, & Input:focus { border: none; height: 1; padding: 0; margin-bottom: 1; background: $surface; }
        & OptionList, & OptionList:focus {
            width: 3fr;
            height: 1fr;
            border: none;
            padding: 0;
            background: $surface;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            scrollbar-size-vertical: 1;
        }
        & VerticalScroll {
            width: 2fr;
            height: 1fr;
            padding: 0 0 0 2;
            border-left: solid $foreground 20%;
            scrollbar-size-vertical: 1;
        }
        & .about { height: auto; color: $foreground 90%; }
        & .about.-broken { color: $text-warning; }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, presets: tuple[Preset | BrokenPreset, ...], current: Preset, pair: KnobPair) -> None:
        """`current` is the preset in use, and `stand` where the knobs are."""
        super().__init__()
        self._presets, self._current = presets, current.name
        self._now = replace(
            current, turned=tuple((name, pair.value(name)) for name in pair.differing(KnobPair(Knobs())))
        )
        self._list = OptionList(markup=False)
        self._about = Static(classes="about", markup=False)

    def compose(self) -> ComposeResult:
        box = Vertical(
            Input(placeholder="Type to find a preset"),
            Horizontal(self._list, VerticalScroll(self._about, can_focus=False)),
            Footer(),
        )
        box.border_title = Content("presets, and what each would change")
        yield box

    def on_mount(self) -> None:
        """Show them all."""
        self._show("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list down."""
        self._show(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Use it."""
        event.stop()
        self.action_take("use")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say all about it, or why it cannot be used."""
        lit = self._lit
        if lit is not None:
            self._about.update(Content(safe(lit.reason)) if isinstance(lit, BrokenPreset) else self._changes(lit))
            self._about.set_class(isinstance(lit, BrokenPreset), "-broken")

    def action_take(self, deed: Literal["use", "edit", "new", "copy"]) -> None:
        """Choose what to do with the one that is lit; nothing builds on one that cannot be read."""
        lit = self._lit
        if lit is not None and (deed in ("use", "edit") or not isinstance(lit, BrokenPreset)):
            self.dismiss(PresetChoice(deed, lit.name))

    @property
    def _lit(self) -> Preset | BrokenPreset | None:
        if self._list.highlighted is None:
            return None
        name = self._list.get_option_at_index(self._list.highlighted).id
        return next((each for each in self._presets if each.name == name), None)

    def _changes(self, preset: Preset) -> Content:
        """What it is for, and in what it differs from where things stand."""
        lines = [Content(safe(" ".join(preset.description.split()))), Content("")]
        rows = difference(self._now, preset)
        if not rows:
            lines.append(Content.styled("Just as things stand now.", "$text-muted"))
        for row in rows:
            name = Content.styled(f"{row.what} ", "$text-accent")
            if row.what in KNOBS:
                lines.append(name + Content(safe_line(f"{row.one} → {row.other}")))
            else:
                lines.append(name + Content(safe_line(" ".join(row.other.split())) or "none"))
        lines += [Content.styled(safe(note), "$text-muted") for note in preset.notes]
        return Content("\n").join(lines)

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
            said = "cannot be read" if isinstance(preset, BrokenPreset) else preset.description
            if all(word in f"{preset.name} {said}".lower() for word in wanted):
                self._list.add_option(Option(self._line(preset, said), id=preset.name))
        if self._list.option_count:
            names = [option.id for option in self._list.options]
            self._list.highlighted = names.index(self._current) if not typed and self._current in names else 0

    def _line(self, preset: Preset | BrokenPreset, said: str) -> Content:
        mark = "▸ " if preset.name == self._current else "✗ " if isinstance(preset, BrokenPreset) else "  "
        name = Content.styled(f"{mark}{safe_line(preset.name):<14} ", "bold")
        return name + Content.styled(safe_line(" ".join(said.split())), "$foreground 75%")
