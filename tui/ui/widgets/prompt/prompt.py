"""Prompt: the text area for questions and commands."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets.text_area import Selection

from tui.prompt_line.commands import complete
from tui.prompt_line.completion import Completion, CompletionSources
from tui.prompt_line.history import PromptHistory
from tui.prompt_line.quotes import unclosed
from tui.terminal import safe_line, written
from tui.ui.bindings import bind
from tui.ui.widgets.safe_text_area import SafeTextArea

LONG = 100_000
"""Characters; a longer pasted text is attached rather than inserted."""


class Prompt(SafeTextArea):
    """Text area that sends on Enter, walks through its history, and grows with its text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Shown here, obeyed in on_key.
        bind("enter", "send", "Send", id="prompt.send"),
        bind("ctrl+j,shift+enter,alt+enter", "insert_newline", "New line", id="prompt.newline"),
        bind("up", "cursor_up", "Earlier prompt", id="prompt.earlier"),
        bind("down", "cursor_down", "Later prompt", id="prompt.later"),
        bind("ctrl+g", "edit", "Your editor", id="prompt.editor"),
    ]

    purpose: reactive[str] = reactive("")
    """Purpose of the text, unless it is a new message."""

    addressee: reactive[str] = reactive("")
    """Addressee of the text, if there are several."""

    @dataclass
    class Submitted(Message):
        """A text was sent; the prompt is empty again."""

        text: str

    @dataclass
    class Completing(Message):
        """Completions are to be shown with one of them lit, or hidden."""

        completion: Completion | None
        lit: int

    @dataclass
    class Pasted(Message):
        """A text was pasted that is too long to be edited here."""

        text: str

    class BackedOut(Message):
        """Backspace was pressed at the start of the text."""

    class EditAsked(Message):
        """The text is to be edited in the user's editor."""

    library: reactive[CompletionSources] = reactive(CompletionSources(), init=False)
    """Names that commands can be completed with."""
    attached = False
    """True if there are attachments, so that an empty text can be sent."""

    # TextArea sets its text, which is watched, before our own __init__ goes on.
    _completion: Completion | None = None
    _lit = 0
    _declined = ""
    """Text whose completions were closed."""

    def __init__(self, *, placeholder: str = "Ask something", sent: Iterable[str] = ()) -> None:
        super().__init__(placeholder=Content(placeholder), highlight_cursor_line=False)
        # A blinking cursor repaints twice a second; that time is the model's.
        self.cursor_blink = False
        self.sent_history = PromptHistory(sent)
        """Texts sent before."""

    def watch_purpose(self, purpose: str) -> None:
        """Show the purpose in the frame."""
        self.border_title = Content(safe_line(purpose)) if purpose else ""

    def on_mount(self) -> None:
        """Show an addressee that was set before the mount."""
        self.watch_addressee()

    def watch_addressee(self) -> None:
        """Show the addressee in the frame, or a hint while a quote is open."""
        self.border_subtitle = (
            'Enter begins a new line until """ ends one' if unclosed(self.text) else Content(self.addressee)
        )

    def set_text(self, text: str) -> None:
        """Replace the text, such as by one that could not be sent."""
        self._declined = written(text)
        self.text = self._declined
        self.move_cursor(self.document.end)
        self.sent_history.leave()

    @property
    def line(self) -> str:
        """Text before the cursor in its line."""
        row, column = self.cursor_location
        return str(self.document.get_line(row))[:column]

    def offer(self, line: str, completion: Completion | None) -> None:
        """Show completions of a line, unless the user has typed on."""
        if line == self.line and self.text != self._declined:
            self._complete(completion)

    def accept(self, index: int) -> None:
        """Insert a suggestion."""
        if self._completion:
            row, column = self.cursor_location
            text = self._completion.suggestions[index].text
            end = self.replace(text, (row, self._completion.start), (row, column), maintain_selection_offset=False)
            self.move_cursor(end.end_location)

    def on_key(self, event: events.Key) -> None:
        """Send or start a new line, where TextArea would insert a new line for each of these keys.

        Not by priority bindings: those overtake letters that are still on their way here, and text typed or pasted
        with its Enter in one go would not be sent. Shift+Enter comes as a name that ends with a carriage return from
        terminals with xterm's modifyOtherKeys.
        """
        if self._completion and self._handle_list_key(event.key):
            pass
        elif (bound := self._bound_id(event)) == "prompt.send":
            self.action_insert_newline() if unclosed(self.text) else self.action_send()
        elif bound == "prompt.newline" or event.key.endswith("+\r"):
            self.action_insert_newline()
        elif event.key == "backspace" and self.selection == Selection.cursor((0, 0)):
            self.post_message(self.BackedOut())
        else:
            return
        event.stop()
        event.prevent_default()

    def _bound_id(self, event: events.Key) -> str | None:
        """Return the id that a key is bound to, by the user or by default."""
        found = None if event.is_printable else self.screen.active_bindings.get(event.key)
        return found.binding.id if found else None

    def on_paste(self, event: events.Paste) -> None:
        """Post a long text instead of inserting it, since the layout would take seconds."""
        if len(event.text) > LONG:
            event.stop()
            event.prevent_default()
            self.post_message(self.Pasted(event.text))

    def action_send(self) -> None:
        """Post the text and clear the prompt; blanks alone are not sent."""
        text = self.text
        if text.strip() or self.attached:
            self.sent_history.remember(text)
            self.set_text("")
            self.post_message(self.Submitted(text))

    def action_edit(self) -> None:
        """Post that the user wants the external editor."""
        self.post_message(self.EditAsked())

    def action_insert_newline(self) -> None:
        """Start a new line."""
        self.move_cursor(self.replace("\n", *self.selection, maintain_selection_offset=False).end_location)

    def action_undo(self) -> None:
        """Undo the last edit; with nothing to undo, Ctrl+Z suspends the program as everywhere."""
        before = self.text
        self.undo()
        if self.text == before:
            self.app.action_suspend_process()

    def update_suggestion(self) -> None:
        """Update the completions and the hint after an edit."""
        self.watch_addressee()
        self._update_completion()

    def watch_library(self) -> None:
        """Update the completions for new names."""
        self._update_completion()

    def watch_selection(self) -> None:
        """Update the completions, since they go by the text before the cursor."""
        if self._completion:
            self._update_completion()

    def _update_completion(self) -> None:
        line, last = self.line, self.cursor_location == self.document.end
        if self.text == self._declined or not last and not self._completion:
            self._complete(None)
        elif line == self.text and line.startswith("/"):
            self._complete(complete(line, self.library))
        elif self._completion:
            self._complete(self._completion.narrowed(line))

    def _complete(self, completion: Completion | None, lit: int = 0) -> None:
        if (completion, lit) != (self._completion, self._lit):
            self._completion, self._lit = completion, lit
            self.post_message(self.Completing(completion, lit))

    def _handle_list_key(self, key: str) -> bool:
        """Handle a key of the list of completions; return False if it is not for the list."""
        assert self._completion
        count = len(self._completion.suggestions)
        if key == "escape":
            self._declined = self.text
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
        """Show an earlier prompt, or move up a line."""
        if select or not self._walk(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Show a later prompt, or move down a line."""
        if select or not self._walk(1):
            super().action_cursor_down(select)

    def _walk(self, step: int) -> bool:
        """Show the prompt `step` places on in the history; return False if there is none."""
        shown = self.sent_history.walk(step, self.text)
        if shown is None:
            return False
        place = self.sent_history.place
        self.set_text(shown)
        self.sent_history.place = place
        return True
