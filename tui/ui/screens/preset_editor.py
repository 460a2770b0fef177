"""Editor of a preset: its Modelfile, and the findings about it, updated while one types."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from tui.errors import PresetError
from tui.presets.checks import Level, PresetFinding, check
from tui.presets.preset import compose
from tui.presets.preset_paths import name_of
from tui.presets.save import save_text
from tui.terminal import safe, safe_line
from tui.ui.bindings import bind
from tui.ui.screens.dialog import Dialog
from tui.ui.widgets.modelfile_area import ModelfileArea

PAUSE = 0.15
"""Seconds without a key after which the text is checked."""

_GLYPHS: dict[Level, str] = {"error": "✗", "warning": "!", "note": "·"}
_SAVE, _NEXT = "Save, if it can be read", "Go to the line of the next finding"
_LEAVE = "Leave; twice where something is not saved"
_STYLES: dict[Level, str] = {"error": "bold $text-error", "warning": "$text-warning", "note": "$text-muted"}


class PresetEditor(Dialog[str | None]):
    """Text area with a Modelfile over the list of findings. The result is the name of the saved preset, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ctrl+s", "save", "Save", id="preset-editor.save", tooltip=_SAVE, show=True, priority=True),
        bind("f8", "next_finding", "Next finding", id="preset-editor.finding", tooltip=_NEXT, show=True),
        bind("escape", "leave", "Back", id="preset-editor.back", tooltip=_LEAVE, show=True, priority=True),
    ]

    def __init__(self, path: Path, text: str) -> None:
        """`path` is the file that saving writes; `text` may come from another preset."""
        super().__init__()
        self._path, self._saved = path, text
        self.heading = f"preset {name_of(path)}"
        self._area = ModelfileArea(text)
        self._list = OptionList(markup=False)
        self._findings: tuple[PresetFinding, ...] = ()
        self._timer: Timer | None = None
        self._warned = False

    def content(self) -> Iterable[Widget]:
        """Yield the text of the preset and the findings about it."""
        yield self._area
        yield self._list

    def on_mount(self) -> None:
        """Show the findings about the unchanged text."""
        self._check()
        self._area.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check the text after a pause in the typing."""
        self._warn(False)
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._check)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to the line of the chosen finding."""
        event.stop()
        self._go_to(self._findings[event.option_index])

    def action_next_finding(self) -> None:
        """Go to the line of the next finding, and round again after the last."""
        placed = [finding for finding in self._findings if finding.line]
        if placed:
            below = (each for each in placed if (each.line or 0) - 1 > self._area.cursor_location[0])
            self._go_to(next(below, placed[0]))

    def action_save(self) -> None:
        """Save the text, unless it cannot be read."""
        try:
            compose(self._area.text, self._path)
            save_text(self._path, self._area.text)
        except PresetError as error:
            self._check()
            self.notify(safe(f"Not saved: {error}"), severity="error", markup=False)
            return
        self._saved = self._area.text
        self.dismiss(name_of(self._path))

    def action_leave(self) -> None:
        """Close the editor; an unsaved change is announced first."""
        if self._area.text == self._saved or self._warned:
            self.dismiss(None)
        else:
            self._warn(True)

    def _warn(self, warned: bool) -> None:
        self._warned = warned
        warning = "not saved: Esc again leaves it so, Ctrl+S saves" if warned else ""
        self.query_one(Vertical).border_subtitle = Content(warning)

    def _check(self) -> None:
        self._findings = check(self._area.text, self._path)
        self._area.mark(finding.line for finding in self._findings if finding.line and finding.level == "error")
        self._list.clear_options()
        none = Option("✓ nothing to say", disabled=True)
        self._list.add_options([Option(_line(finding)) for finding in self._findings] or [none])

    def _go_to(self, finding: PresetFinding) -> None:
        if finding.line:
            self._area.move_cursor((finding.line - 1, 0), center=True)
        self._area.focus()


def _line(finding: PresetFinding) -> Content:
    where = f"line {finding.line}: " if finding.line else ""
    glyph = Content.styled(f"{_GLYPHS[finding.level]} ", _STYLES[finding.level])
    return glyph + Content(safe_line(f"{where}{finding.text}"))
