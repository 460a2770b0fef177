"""F2: choose a preset."""

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from msgspec.structs import replace
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.knobs.pair import KnobPair
from tui.knobs.table import KNOBS, Knobs
from tui.presets.library import BrokenPreset
from tui.presets.preset import Preset, anchored, difference
from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.screens.picker import Picker, matches, move_bindings

Purpose = Literal["use", "edit", "new", "copy"]
_COPY = "One of your own with the same text"


class PresetChoice(NamedTuple):
    """Preset that was chosen, and what for."""

    purpose: Purpose
    name: str


class PresetPicker(Picker[PresetChoice | None]):
    """Library of presets, beside it what the highlighted one would change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("enter", "choose('use')", "Use", id="presets.use", show=True, priority=True),
        bind("ctrl+e", "choose('edit')", "Edit", id="presets.edit", tooltip="Edit its Modelfile here",
             show=True, priority=True),
        bind("ctrl+n", "choose('new')", "New", id="presets.new", tooltip="A new preset that builds on it",
             show=True, priority=True),
        bind("ctrl+d", "choose('copy')", "Duplicate", id="presets.duplicate", tooltip=_COPY, show=True, priority=True),
        bind("escape,f2", "dismiss", "Back", id="presets.back", show=True, key_display="esc"),
        *move_bindings("presets"),
    ]  # fmt: skip

    heading = "presets and the changes they make"
    placeholder = "Type to find a preset"

    def __init__(self, presets: tuple[Preset | BrokenPreset, ...], current: Preset, pair: KnobPair) -> None:
        """List `presets`; `current` is the one in use, and `pair` its knobs as they are now."""
        super().__init__()
        self._presets, self._current = presets, current.name
        self._now = replace(
            anchored(current), turned=tuple((name, pair.value(name)) for name in pair.differing(KnobPair(Knobs())))
        )
        self._about = Static(classes="about", markup=False)

    def content(self) -> Iterable[Widget]:
        """Yield the filter, the presets, and the details of the highlighted one."""
        yield Input(placeholder=self.placeholder)
        yield Horizontal(self.options, VerticalScroll(self._about, can_focus=False))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what the preset would change, or why it cannot be read."""
        preset = self._preset
        if preset is not None:
            content = Content(safe(preset.reason)) if isinstance(preset, BrokenPreset) else self._changes(preset)
            self._about.update(content)
            self._about.set_class(isinstance(preset, BrokenPreset), "-broken")

    def action_choose(self, purpose: Purpose = "use") -> None:
        """Give the highlighted preset; nothing can build on one that cannot be read."""
        preset = self._preset
        if preset is not None and (purpose in ("use", "edit") or not isinstance(preset, BrokenPreset)):
            self.dismiss(PresetChoice(purpose, preset.name))

    @property
    def _preset(self) -> Preset | BrokenPreset | None:
        return next((each for each in self._presets if each.name == self.highlighted), None)

    def _changes(self, preset: Preset) -> Content:
        """Return the description of a preset and its differences from what is in use."""
        lines = [Content(safe(" ".join(preset.description.split()))), Content("")]
        rows = difference(self._now, preset.on(self._now.model))
        if preset.any_model:
            lines.append(Content.styled(safe_line(f"model stays {self._now.model}"), "$text-muted"))
        if not rows:
            lines.append(Content.styled("The same as what is in use.", "$text-muted"))
        for row in rows:
            name = Content.styled(f"{row.what} ", "$text-accent")
            if row.what in KNOBS:
                lines.append(name + Content(safe_line(f"{row.one} → {row.other}")))
            else:
                lines.append(name + Content(safe_line(" ".join(row.other.split())) or "none"))
        lines += [Content.styled(safe(note), "$text-muted") for note in preset.notes]
        return Content("\n").join(lines)

    def fill(self, typed: str) -> None:
        """Show the presets whose name or description has every typed word."""
        abouts = (
            (each, "cannot be read" if isinstance(each, BrokenPreset) else each.description) for each in self._presets
        )
        found = [
            (each, about)
            for each, about in abouts
            if matches(typed, f"{each.name} {about} {getattr(each, 'model', '')}")
        ]
        names = [each.name for each, _ in found]
        current = names.index(self._current) if not typed and self._current in names else 0
        self.show_options([Option(self._line(each, about), id=each.name) for each, about in found], current)

    def _line(self, preset: Preset | BrokenPreset, about: str) -> Content:
        mark = "▸ " if preset.name == self._current else "✗ " if isinstance(preset, BrokenPreset) else "  "
        name = Content.styled(f"{mark}{safe_line(preset.name):<14} ", "bold")
        return name + Content.styled(safe_line(" ".join(about.split())), "$foreground 75%")
