"""Text area that keeps what a person writes as it is, and filters what the terminal sees of it."""

from rich.text import Text
from textual.widgets import TextArea

from tui.terminal import safe_signs


class SafeTextArea(TextArea):
    """TextArea for any text: its own text is the person's, its lines are painted filtered."""

    def get_line(self, line_index: int) -> Text:
        """Return a line as the terminal may see it, a sign for each of its own."""
        # Not by way of TextArea's own, whose Text leaves some control characters out, so that all after them move.
        return Text(safe_signs(self.document.get_line(line_index)), end="", no_wrap=True)
