"""What is said instead of a screen that there is no room for."""

from textual.content import Content
from textual.widget import Widget

LEAST = 48, 14
"""Columns and lines that the program needs."""


class TooSmall(Widget):
    """Lies over a screen for as long as the terminal is too small for it; keys go where they went."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TooSmall {
        layer: overlay;
        dock: top;
        display: none;
        width: 100%;
        height: 100%;
        content-align: center middle;
        text-align: center;
        background: $background;
        color: $foreground;
    }
    """

    def render(self) -> Content:
        size, (wide, high) = self.app.size, LEAST
        return Content(f"This terminal is {size.width} × {size.height}; twiddle needs {wide} × {high}.")
