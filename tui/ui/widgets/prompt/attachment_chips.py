"""Attachments of the next question."""

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.terminal import safe_line


class AttachmentChips(Static):
    """Line for each attachment: files named in the prompt, then pasted texts."""

    @dataclass
    class Removed(Message):
        """The line of a pasted text was clicked."""

        index: int

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._files: tuple[str, ...] = ()
        self._pastes: tuple[str, ...] = ()

    def show(self, files: tuple[str, ...], pastes: tuple[str, ...]) -> None:
        """Show one line per attachment."""
        if (files, pastes) == (self._files, self._pastes):
            return
        self._files, self._pastes = files, pastes
        lines = [Content(f"@ {safe_line(file)}") for file in files]
        lines += [Content(f"✕ {safe_line(paste)} · ⌫ removes, ^g shows") for paste in pastes]
        self.display = bool(lines)
        self.update(Content("\n").join(lines))

    def on_click(self, event: events.Click) -> None:
        """Remove the pasted text that was clicked."""
        index = event.y - len(self._files)
        if 0 <= index < len(self._pastes):
            self.post_message(self.Removed(index))
