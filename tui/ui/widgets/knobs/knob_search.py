"""Line above the knobs: the number of turned knobs, or the search."""

from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.terminal import safe_line


class KnobSearch(Widget):
    """Search for a knob."""

    COMPONENT_CLASSES = {"knob-search--hint", "knob-search--mark", "knob-search--entry"}

    wanted: reactive[str] = reactive("")
    """Text of the search."""

    typing: reactive[bool] = reactive(False)
    """True if typed letters go here."""

    turned: reactive[int] = reactive(0)
    """Number of knobs away from the preset."""

    found: reactive[bool] = reactive(True)
    """True if a knob matches."""

    def watch_typing(self) -> None:
        """Set the class `-on` for a search."""
        self.set_class(self.typing or bool(self.wanted), "-on")

    watch_wanted = watch_typing

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        width = self.content_size.width
        if self.typing or self.wanted:
            left = f" / {safe_line(self.wanted)}{'▏' if self.typing else ''} "
            right = ("Esc clears " if self.found else "none is like it, Esc clears ", "hint")
            return self._line(width, (left, "entry"), right)
        turned = f"{self.turned} turned" if self.turned else ""
        return self._line(width, ("  knobs", ""), (f" · {turned}" if turned else "", "mark"), ("/ finds ", "hint"))

    def _line(self, width: int, *parts: tuple[str, str]) -> Strip:
        *left, (text, style) = parts
        start = Strip([Segment(part, self._style(kind)) for part, kind in left])
        start = start.crop_extend(0, max(width - len(text), 0), self._style("hint"))
        return Strip([*start, Segment(text, self._style(style))]).crop_extend(0, width, self._style("hint"))

    def _style(self, kind: str) -> Style:
        return self.get_visual_style(*([f"knob-search--{kind}"] if kind else [])).rich_style
