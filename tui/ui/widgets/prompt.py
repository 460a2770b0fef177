"""Where the person writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location

from tui.terminal import safe, safe_line


class Prompt(TextArea):
    """A text area that sends on Enter, walks through what was sent before, and grows with its text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Shown here, obeyed in on_key.
        Binding("enter", "send", "Send", show=False),
        Binding("ctrl+j,shift+enter,alt+enter", "insert_newline", "New line", key_display="^j", show=False),
        Binding("up", "cursor_up", "Earlier prompt", show=False),
        Binding("down", "cursor_down", "Later prompt", show=False),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | enter | Send. |
    | ctrl+j, shift+enter, alt+enter | A new line; terminals that cannot tell the last two from enter send. |
    | up, down | What was sent before, while the editor is empty or shows some of it; else move the cursor. |
    """

    DEFAULT_CSS = """
    Prompt {
        width: 1fr;
        height: auto;
        min-height: 3;
        max-height: 10;
        padding: 0 1;
        border: round $border-blurred;
        background: $background;
        &:focus { border: round $border; }
        & .text-area--placeholder { color: $text-muted; }
    }
    """

    purpose: reactive[str] = reactive("")
    """What the text is for, where it is no new message."""

    to: reactive[str] = reactive("")
    """Whom the text is for, where there are several."""

    @dataclass
    class Submitted(Message):
        """The person sent a text; the editor is empty again."""

        text: str

    def __init__(
        self,
        *,
        placeholder: str = "Ask something",
        sent: Iterable[str] = (),
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """An empty editor; `sent` is what was sent before, oldest first."""
        super().__init__(placeholder=Content(placeholder), highlight_cursor_line=False, id=id, classes=classes)
        # A blinking cursor repaints twice a second; that time is the model's.
        self.cursor_blink = False
        self.sent = list(sent)
        """What was sent, oldest first."""
        self._place = len(self.sent)

    def watch_purpose(self, purpose: str) -> None:
        """Show it in the frame."""
        self.border_title = Content(safe_line(purpose)) if purpose else ""

    def watch_to(self, to: str) -> None:
        """Show it in the frame."""
        self.border_subtitle = Content(safe_line(to)) if to else ""

    def put_back(self, text: str) -> None:
        """Give the person a text to go on with, such as one that could not be sent."""
        self.text = safe(text)
        self.move_cursor(self.document.end)
        self._place = len(self.sent)

    def replace(
        self, insert: str, start: Location, end: Location, *, maintain_selection_offset: bool = True
    ) -> EditResult:
        """Every edit comes this way, pasted or typed, so this is where text is filtered."""
        insert = safe(insert.replace("\r\n", "\n").replace("\r", "\n"))
        return super().replace(insert, start, end, maintain_selection_offset=maintain_selection_offset)

    def on_key(self, event: events.Key) -> None:
        """Send or begin a new line, where TextArea would take every one of these keys for a new line.

        Not by priority bindings: those overtake letters that are still on their way here, and text typed or pasted
        with its Enter in one go would not be sent. Shift+Enter comes as a name that ends with a carriage return from
        terminals with xterm's modifyOtherKeys.
        """
        if event.key == "enter":
            self.action_send()
        elif event.key in ("ctrl+j", "shift+enter", "alt+enter") or event.key.endswith("+\r"):
            self.action_insert_newline()
        else:
            return
        event.stop()
        event.prevent_default()

    def action_send(self) -> None:
        """Announce the text and begin anew; a text of blanks alone is not sent."""
        text = self.text
        if not text.strip():
            return
        if self.sent[-1:] != [text]:
            self.sent.append(text)
        self.put_back("")
        self.post_message(self.Submitted(text))

    def action_insert_newline(self) -> None:
        """Begin a new line."""
        self.move_cursor(self.replace("\n", *self.selection, maintain_selection_offset=False).end_location)

    def action_cursor_up(self, select: bool = False) -> None:
        """An earlier prompt, or the line above."""
        if select or not self._walk(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """A later prompt, or the line below."""
        if select or not self._walk(1):
            super().action_cursor_down(select)

    def _walk(self, step: int) -> bool:
        """Show the prompt that many places on; False where the text is the person's own."""
        shown = self.sent[self._place] if self._place < len(self.sent) else ""
        if self.text != shown:
            if self.text:
                return False
            self._place = len(self.sent)
        place = min(max(self._place + step, 0), len(self.sent))
        self.put_back(self.sent[place] if place < len(self.sent) else "")
        self._place = place
        return True
