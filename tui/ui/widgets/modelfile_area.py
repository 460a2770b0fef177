"""Text area for Modelfiles, with syntax highlighting and faults underlined."""

from collections.abc import Iterable

from rich.text import Text

from tui.presets.highlight import HighlightSpan, parts
from tui.ui.widgets.safe_text_area import SafeTextArea

_STYLES = "comment instruction name number text unknown fault"


class ModelfileArea(SafeTextArea):
    """Text area that highlights a Modelfile while it is typed."""

    COMPONENT_CLASSES = {f"modelfile--{name}" for name in _STYLES.split()}

    def __init__(self, text: str) -> None:
        self._parts: list[list[HighlightSpan]] = []
        self._faults: set[int] = set()
        super().__init__(text, show_line_numbers=True, soft_wrap=True, tab_behavior="focus")
        self.cursor_blink = False

    def mark(self, faults: Iterable[int]) -> None:
        """Underline the lines (from 1) that have a fault."""
        now = {line - 1 for line in faults}
        if now != self._faults:
            self._faults = now
            self._build_highlight_map()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line with its styles."""
        line = super().get_line(line_index)
        for part in self._parts[line_index] if line_index < len(self._parts) else ():
            line.stylize(self.get_component_rich_style(f"modelfile--{part.kind}", partial=True), part.start, part.end)
        if line_index in self._faults:
            line.stylize(self.get_component_rich_style("modelfile--fault", partial=True))
        return line

    def _build_highlight_map(self) -> None:
        # TextArea calls this for every change of its text, undone ones included.
        super()._build_highlight_map()
        self._parts = parts(self.document.lines)
