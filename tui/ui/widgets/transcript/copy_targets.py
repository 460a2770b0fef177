"""Steps through the parts of a transcript that can be copied."""

from dataclasses import dataclass

from rich.cells import cell_len
from textual.message import Message
from textual.widget import Widget

from tui.ui.widgets.transcript.entry import Entry, ReplyEntry
from tui.ui.widgets.transcript.entry_stack import EntryStack
from tui.ui.widgets.transcript.viewport import Viewport


class CopyTargets:
    """Blocks of code and links of a transcript; one at a time is lit."""

    @dataclass
    class LinkChosen(Message):
        """The user wants to follow a link."""

        target: str
        """Target as the model wrote it."""

    def __init__(self, widget: Widget, stack: EntryStack, viewport: Viewport) -> None:
        self._widget, self._stack, self._viewport = widget, stack, viewport
        self.lit: Entry | None = None
        """Entry with the lit part."""

    def forget_missing(self) -> None:
        """Unset the entry with the lit part if it is not shown any more."""
        if self.lit not in self._stack.entries:
            self.lit = None

    def step(self, step: int) -> None:
        """Light the block of code or the link before or after; the first time, the newest."""
        replies = [entry for entry in self._stack.entries if isinstance(entry, ReplyEntry)]
        start = len(replies) - 1
        if self.lit in replies and self.lit.lit:
            targets = self.lit.find_targets()
            at = targets.index(self.lit.lit) + step
            if 0 <= at < len(targets):
                self._light(self.lit, at)
                return
            start = replies.index(self.lit) + step
        else:
            step = -1
        for entry in replies[start::step] if start >= 0 else ():
            self._viewport.lay_out(entry)
            if targets := entry.find_targets():
                self._light(entry, 0 if step > 0 else len(targets) - 1)
                return
        if not (self.lit and self.lit.lit):
            self._widget.notify("No reply here has a block of code or a link.", markup=False)

    def copy(self, picked: Entry | None) -> None:
        """Copy the part that is lit, else the message picked, else the last one."""
        entry = self.lit if self.lit and self.lit.lit else picked or self._stack.last()
        if entry:
            self._widget.app.copy_to_clipboard(entry.lit.text if entry.lit else entry.text)

    def follow(self) -> None:
        """Post that the user wants to follow the lit link."""
        if self.lit and self.lit.lit:
            self._widget.post_message(self.LinkChosen(self.lit.lit.text))

    def offers(self, action: str) -> bool:
        """Return True if there is something for one of the actions `copy`, `light` and `follow`."""
        if action == "copy":
            return self._stack.last() is not None
        if action == "light":
            return any(isinstance(entry, ReplyEntry) for entry in self._stack.entries)
        return bool(self.lit and self.lit.lit and self.lit.lit.kind == "link")

    def click(self, x: int, y: int) -> None:
        """Follow the link at a cell, if there is one; `y` counts from the first line of the stack."""
        for span in self._stack.line(y).spans:
            x -= cell_len(span.text)
            if x < 0:
                if span.link:
                    self._widget.post_message(self.LinkChosen(span.link))
                return

    def _light(self, entry: Entry, at: int) -> None:
        widget = self._widget
        if self.lit in self._stack.entries and self.lit:
            self.lit.lit = None
            self._viewport.redraw(self.lit)
        self.lit = entry
        entry.lit = entry.find_targets()[at]
        self._viewport.redraw(entry)
        top = self._stack.top(entry) + entry.lit.lines.start
        if not widget.scroll_offset.y <= top <= widget.scroll_offset.y + widget.size.height - len(entry.lit.lines):
            self._viewport.following = False
            widget.scroll_to(y=top - 1)
        widget.refresh_bindings()
