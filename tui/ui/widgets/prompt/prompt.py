"""Where the person writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location, Selection

from tui.prompt_line.commands import complete
from tui.prompt_line.completion import Completion, CompletionSources
from tui.prompt_line.history import PromptHistory
from tui.prompt_line.quotes import unclosed
from tui.terminal import safe, safe_line, safe_lines
from tui.ui.bindings import bind

LONG = 100_000
"""Characters; a longer paste goes along with the text rather than into it."""


class Prompt(TextArea):
    """A text area that sends on Enter, walks through what was sent before, and grows with its text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Shown here, obeyed in on_key.
        bind("enter", "send", "Send", id="prompt.send"),
        bind("ctrl+j,shift+enter,alt+enter", "insert_newline", "New line", id="prompt.newline"),
        bind("up", "cursor_up", "Earlier prompt", id="prompt.earlier"),
        bind("down", "cursor_down", "Later prompt", id="prompt.later"),
        bind("ctrl+g", "edit", "Your editor", id="prompt.editor"),
    ]

    DEFAULT_CSS = """
    Prompt {
        width: 1fr;
        min-width: 8; /* TextArea lays no placeholder out in no room. */
        height: auto;
        min-height: 3;
        max-height: 10;
        padding: 0 1;
        border: round $border-blurred;
        background: $background;
        &:focus { border: round $border; }
        border-subtitle-color: $text-muted;
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

    @dataclass
    class Completing(Message):
        """There are ways to go on, one of them lit; or there are none any more."""

        completion: Completion | None
        lit: int

    @dataclass
    class Pasted(Message):
        """A text was pasted that is too long to be edited here."""

        text: str

    class BackedOut(Message):
        """Backspace was pressed where there is nothing before the cursor."""

    class EditAsked(Message):
        """The text is to be written in the person's own editor."""

    library: reactive[CompletionSources] = reactive(CompletionSources(), init=False)
    """What commands can name."""
    attached = False
    """True if something goes along, so that there is something to send without a text."""

    # TextArea sets its text, which is watched, before our own __init__ goes on.
    _completion: Completion | None = None
    _lit = 0
    _left_alone = ""
    """The text whose completion was closed."""

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
        self.past = PromptHistory(sent)
        """What was sent before."""

    def watch_purpose(self, purpose: str) -> None:
        """Show it in the frame."""
        self.border_title = Content(safe_line(purpose)) if purpose else ""

    def on_mount(self) -> None:
        """Show whom it is for also where that was said before."""
        self.watch_to()

    def watch_to(self) -> None:
        """Show it in the frame, where there is nothing more pressing to say."""
        self.border_subtitle = 'Enter begins a new line until """ ends one' if unclosed(self.text) else Content(self.to)

    def put_back(self, text: str) -> None:
        """Give the person a text to go on with, such as one that could not be sent."""
        self._left_alone = safe(text)
        self.text = self._left_alone
        self.move_cursor(self.document.end)
        self.past.leave()

    @property
    def line(self) -> str:
        """What stands before the cursor in its line."""
        row, column = self.cursor_location
        return str(self.document.get_line(row))[:column]

    def offer(self, line: str, completion: Completion | None) -> None:
        """Ways to go on from a line, unless the person has gone on already."""
        if line == self.line and self.text != self._left_alone:
            self._complete(completion)

    def accept(self, index: int) -> None:
        """Go on as one of the suggestions says."""
        if self._completion:
            row, column = self.cursor_location
            text = self._completion.suggestions[index].text
            end = self.replace(text, (row, self._completion.start), (row, column), maintain_selection_offset=False)
            self.move_cursor(end.end_location)

    def replace(
        self, insert: str, start: Location, end: Location, *, maintain_selection_offset: bool = True
    ) -> EditResult:
        """Every edit comes this way, pasted or typed, so this is where text is filtered."""
        return super().replace(safe_lines(insert), start, end, maintain_selection_offset=maintain_selection_offset)

    def on_key(self, event: events.Key) -> None:
        """Send or begin a new line, where TextArea would take every one of these keys for a new line.

        Not by priority bindings: those overtake letters that are still on their way here, and text typed or pasted
        with its Enter in one go would not be sent. Shift+Enter comes as a name that ends with a carriage return from
        terminals with xterm's modifyOtherKeys.
        """
        if self._completion and self._choose(event.key):
            pass
        elif (deed := self._deed(event)) == "prompt.send":
            self.action_insert_newline() if unclosed(self.text) else self.action_send()
        elif deed == "prompt.newline" or event.key.endswith("+\r"):
            self.action_insert_newline()
        elif event.key == "backspace" and self.selection == Selection.cursor((0, 0)):
            self.post_message(self.BackedOut())
        else:
            return
        event.stop()
        event.prevent_default()

    def _deed(self, event: events.Key) -> str | None:
        """What a key is bound to, by the person or by us."""
        found = None if event.is_printable else self.screen.active_bindings.get(event.key)
        return found.binding.id if found else None

    def on_paste(self, event: events.Paste) -> None:
        """A long text is not laid out here: that would take seconds."""
        if len(event.text) > LONG:
            event.stop()
            event.prevent_default()
            self.post_message(self.Pasted(event.text))

    def action_send(self) -> None:
        """Announce the text and begin anew; a text of blanks alone is not sent."""
        text = self.text
        if text.strip() or self.attached:
            self.past.remember(text)
            self.put_back("")
            self.post_message(self.Submitted(text))

    def action_edit(self) -> None:
        """Ask for the person's own editor."""
        self.post_message(self.EditAsked())

    def action_insert_newline(self) -> None:
        """Begin a new line."""
        self.move_cursor(self.replace("\n", *self.selection, maintain_selection_offset=False).end_location)

    def action_undo(self) -> None:
        """Take back what was typed last; with nothing to take back, Ctrl+Z is what it is everywhere else."""
        before = self.text
        self.undo()
        if self.text == before:
            self.app.action_suspend_process()

    def update_suggestion(self) -> None:
        """After every edit: say how what is typed can go on, and that quotes are open."""
        self.watch_to()
        self._consider()

    def watch_library(self) -> None:
        """There may be more to offer now."""
        self._consider()

    def watch_selection(self) -> None:
        """What is completed stands before the cursor."""
        if self._completion:
            self._consider()

    def _consider(self) -> None:
        line, last = self.line, self.cursor_location == self.document.end
        if self.text == self._left_alone or not last and not self._completion:
            self._complete(None)
        elif line == self.text and line.startswith("/"):
            self._complete(complete(line, self.library))
        elif self._completion:
            self._complete(self._completion.narrowed(line))

    def _complete(self, completion: Completion | None, lit: int = 0) -> None:
        if (completion, lit) != (self._completion, self._lit):
            self._completion, self._lit = completion, lit
            self.post_message(self.Completing(completion, lit))

    def _choose(self, key: str) -> bool:
        """Obey a key by the list of ways to go on; False where it is not for the list."""
        assert self._completion
        count = len(self._completion.suggestions)
        if key == "escape":
            self._left_alone = self.text
            self._complete(None)
        elif not count or key not in ("up", "down", "tab", "enter"):
            return False
        elif key in ("up", "down"):
            self._complete(self._completion, (self._lit + (1 if key == "down" else -1)) % count)
        elif key == "enter" and self._completion.adds_nothing(self._lit):
            return False
        else:
            self.accept(self._lit)
        return True

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
        shown = self.past.walk(step, self.text)
        if shown is None:
            return False
        place = self.past.place
        self.put_back(shown)
        self.past.place = place
        return True
