"""Notice in place of a screen that the terminal is too small for."""

from textual.content import Content
from textual.widget import Widget

LEAST = 48, 14
"""Smallest terminal in columns and lines."""


class TooSmall(Widget):
    """Notice over a screen while the terminal is too small for it; keys go where they went."""

    ALLOW_SELECT = False

    def render(self) -> Content:
        """Return the notice with both sizes."""
        size, (wide, high) = self.app.size, LEAST
        return Content(f"This terminal is {size.width} × {size.height}; twiddle needs {wide} × {high}.")
