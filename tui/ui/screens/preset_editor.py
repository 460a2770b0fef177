"""A preset being edited in place: its Modelfile, and what there is to say about it while it is typed."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from tui.errors import PresetError
from tui.presets.checks import Level, PresetFinding, check
from tui.presets.preset import compose
from tui.presets.preset_paths import name_of
from tui.presets.save import put
from tui.terminal import safe, safe_line
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.footer import Footer
from tui.ui.widgets.modelfile_area import ModelfileArea

REST = 0.15
"""Seconds without a key after which the text is checked."""

_GLYPHS: dict[Level, str] = {"error": "✗", "warning": "!", "note": "·"}
_STYLES: dict[Level, str] = {"error": "bold $text-error", "warning": "$text-warning", "note": "$text-muted"}


class PresetEditor(Dialog[str | None]):
    """A Modelfile in an editor. Gives the name of the preset once it is saved, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", tooltip="Save, if it can be read", priority=True, id="preset-editor.save"),
        Binding(
            "f8",
            "next_finding",
            "Next finding",
            tooltip="Go to the line of the next finding",
            id="preset-editor.finding",
        ),
        Binding(
            "escape",
            "leave",
            "Back",
            tooltip="Leave; twice where something is not saved",
            priority=True,
            id="preset-editor.back",
        ),
    ]

    DEFAULT_CSS = """
    PresetEditor {
        align: center middle;
        & > Vertical {
            width: 94%;
            max-width: 120;
            height: 94%;
            padding: 1 1 0 1;
            border: round $primary;
            border-title-color: $text-primary;
            border-subtitle-color: $text-warning;
            border-subtitle-align: left;
            background: $surface;
        }
        & ModelfileArea, & ModelfileArea:focus { height: 1fr; border: none; background: $surface; }
        & OptionList, & OptionList:focus {
            height: auto;
            max-height: 30%;
            min-height: 2;
            border: none;
            border-top: solid $foreground 20%;
            padding: 0;
            background: $surface;
            scrollbar-size-vertical: 1;
        }
        & Footer { background: $surface; }
    }
    """

    def __init__(self, path: Path, text: str) -> None:
        """`path` is where it is saved; `text` may be that of another preset to begin with."""
        super().__init__()
        self._path, self._saved = path, text
        self._area = ModelfileArea(text)
        self._list = OptionList(markup=False)
        self._findings: tuple[PresetFinding, ...] = ()
        self._resting: Timer | None = None
        self._warned = False

    def compose(self) -> ComposeResult:
        box = Vertical(self._area, self._list, Footer())
        box.border_title = Content(f"preset {safe_line(name_of(self._path))}")
        yield box

    def on_mount(self) -> None:
        """Begin with what there is to say about it as it is."""
        self._check()
        self._area.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check what was typed, once the fingers rest."""
        self._warn(False)
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._check)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to the line that a finding is about."""
        event.stop()
        self._go_to(self._findings[event.option_index])

    def action_next_finding(self) -> None:
        """Go to the line of the next finding, and round again after the last."""
        there = [finding for finding in self._findings if finding.line]
        if there:
            below = (each for each in there if (each.line or 0) - 1 > self._area.cursor_location[0])
            self._go_to(next(below, there[0]))

    def action_save(self) -> None:
        """Save it, unless it cannot be read."""
        try:
            compose(self._area.text, self._path)
            put(self._path, self._area.text)
        except PresetError as error:
            self._check()
            self.notify(safe(f"Not saved: {error}"), severity="error", markup=False)
            return
        self._saved = self._area.text
        self.dismiss(name_of(self._path))

    def action_leave(self) -> None:
        """Go back; where something would be lost, say so first."""
        if self._area.text == self._saved or self._warned:
            self.dismiss(None)
        else:
            self._warn(True)

    def _warn(self, warned: bool) -> None:
        self._warned = warned
        said = "not saved: Esc again leaves it so, Ctrl+S saves" if warned else ""
        self.query_one(Vertical).border_subtitle = Content(said)

    def _check(self) -> None:
        self._findings = check(self._area.text, self._path)
        self._area.mark(finding.line for finding in self._findings if finding.line and finding.level == "error")
        self._list.clear_options()
        fine = Option("✓ nothing to say", disabled=True)
        self._list.add_options([Option(_line(finding)) for finding in self._findings] or [fine])

    def _go_to(self, finding: PresetFinding) -> None:
        if finding.line:
            self._area.move_cursor((finding.line - 1, 0), center=True)
        self._area.focus()


def _line(finding: PresetFinding) -> Content:
    where = f"line {finding.line}: " if finding.line else ""
    glyph = Content.styled(f"{_GLYPHS[finding.level]} ", _STYLES[finding.level])
    return glyph + Content(safe_line(f"{where}{finding.text}"))
