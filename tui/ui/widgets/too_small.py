"""Notice in place of a screen that the terminal is too small for."""

from textual.content import Content
from textual.widget import Widget

LEAST = 48, 14
"""Smallest terminal in columns and lines."""


class TooSmall(Widget):
    """Notice over a screen while the terminal is too small for it; keys go where they went."""

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
        """Return the notice with both sizes."""
        size, (wide, high) = self.app.size, LEAST
        return Content(f"This terminal is {size.width} × {size.height}; twiddle needs {wide} × {high}.")
