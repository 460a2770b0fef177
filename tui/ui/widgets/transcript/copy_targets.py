"""Messages of which parts can be copied: the one picked, a block of code, where a link leads."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.conversation.conversation import Conversation
from tui.ui.widgets.transcript.entry import Entry, ReplyEntry
from tui.ui.widgets.transcript.messages import Messages


class CopyTargets(Messages):
    """Messages whose blocks of code and links can be stepped through."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y", "copy", "Copy", tooltip="Copy the code or link that is lit, else the message", id="transcript.copy"
        ),
        Binding(
            "left_square_bracket",
            "light(-1)",
            "Code",
            key_display="[ ]",
            tooltip="Light up the block of code or the link before",
            id="transcript.before",
        ),
        Binding(
            "right_square_bracket",
            "light(1)",
            "Code after",
            show=False,
            tooltip="Light up the block of code or the link after",
            id="transcript.after",
        ),
        Binding("enter", "follow", "Link", tooltip="Show where the link that is lit up leads", id="transcript.follow"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | [, ] | Light up the block of code or the link before, after. |
    | y | Copy what is lit up, else the message picked, else the last. |
    | enter | Where a link leads, when one is lit up; a click on a link says it too. |
    """

    @dataclass
    class LinkChosen(Message):
        """The person wants to go where a link leads."""

        target: str
        """As the model wrote it."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._lit: Entry | None = None

    def show(self, conversation: Conversation) -> None:
        """Show the path of a conversation in place of everything; what is no longer there is not lit up."""
        super().show(conversation)
        if self._lit not in self._stack.entries:
            self._lit = None

    def action_light(self, step: int) -> None:
        """Light up the excerpt before or after; the first time, the newest."""
        replies = [entry for entry in self._stack.entries if isinstance(entry, ReplyEntry)]
        start = len(replies) - 1
        if self._lit in replies and self._lit.lit:
            there = self._lit.excerpts()
            at = there.index(self._lit.lit) + step
            if 0 <= at < len(there):
                self._light(self._lit, at)
                return
            start = replies.index(self._lit) + step
        else:
            step = -1
        for entry in replies[start::step] if start >= 0 else ():
            if entry.width != self._width:
                entry.lay_out(self._width)
                self.redraw(entry)
            if there := entry.excerpts():
                self._light(entry, 0 if step > 0 else len(there) - 1)
                return
        if not (self._lit and self._lit.lit):
            self.notify("No reply here has a block of code or a link.", markup=False)

    def action_copy(self) -> None:
        """Copy what is lit up, else the message picked, else the last one."""
        entry = self._lit if self._lit and self._lit.lit else self._picked or self._last()
        if entry:
            self.app.copy_to_clipboard(entry.lit.text if entry.lit else entry.text)

    def action_follow(self) -> None:
        """Say that the link lit up is to be followed."""
        if self._lit and self._lit.lit:
            self.post_message(self.LinkChosen(self._lit.lit.text))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is nothing for is not offered."""
        if action == "copy":
            return self._last() is not None
        if action == "light":
            return any(isinstance(entry, ReplyEntry) for entry in self._stack.entries)
        if action == "follow":
            return bool(self._lit and self._lit.lit and self._lit.lit.kind == "link")
        return super().check_action(action, parameters)

    def on_click(self, event: events.Click) -> None:
        """A click on a link follows it."""
        if event.chain != 1 or not self._stack.entries:
            return
        column = event.x
        for span in self._stack.line(self.scroll_offset.y + event.y).spans:
            column -= cell_len(span.text)
            if column < 0:
                if span.link:
                    self.post_message(self.LinkChosen(span.link))
                return

    def _light(self, entry: Entry, at: int) -> None:
        if self._lit in self._stack.entries and self._lit:
            self._lit.lit = None
            self.redraw(self._lit)
        self._lit = entry
        entry.lit = entry.excerpts()[at]
        self.redraw(entry)
        top = self._stack.tops[self._stack.entries.index(entry)] + entry.lit.lines.start
        if not self.scroll_offset.y <= top <= self.scroll_offset.y + self.size.height - len(entry.lit.lines):
            self._following = False
            self.scroll_to(y=top - 1)
        self.refresh_bindings()
