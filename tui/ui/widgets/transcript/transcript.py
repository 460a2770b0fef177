"""Conversation on screen."""

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.conversation.conversation import Conversation
from tui.ui.bindings import bind
from tui.ui.widgets.transcript.copy_targets import CopyTargets
from tui.ui.widgets.transcript.entry import ReplyEntry, TextEntry
from tui.ui.widgets.transcript.entry_stack import EntryStack
from tui.ui.widgets.transcript.line_painter import LinePainter
from tui.ui.widgets.transcript.message_list import MessageAction, MessageList
from tui.ui.widgets.transcript.reply_writer import ReplyWriter
from tui.ui.widgets.transcript.viewport import Viewport

_STYLES = (
    "user user-rail system system-rail notice notice-rail assistant-rail label progress note failure "
    "heading h1 h2 h3 h4 h5 h6 strong emphasis strike literal link target bullet rail quote rule mark-knob mark-fork "
    "mark-branch differs versions picked-rail lit "
    "thought thought-head thought-rail code keyword string comment number function builtin inserted deleted welcome"
)


class Transcript(ScrollView, can_focus=True):
    """Messages and notices one under another, drawn line by line; the last reply may be growing.

    The widget draws and obeys keys; `messages`, `targets`, `reply` and `viewport` each know one part of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up", "pick(-1)", "Message", id="message.above", show=True, key_display="↑↓", tooltip="Pick a message"),
        bind("down", "pick(1)", "Message below", id="message.below"),
        bind("left", "version(-1)", "Version", id="message.earlier-version", show=True, key_display="←→",
             tooltip="Other versions"),
        bind("right", "version(1)", "Later version", id="message.later-version"),
        bind("e", "want('edit')", "Edit", id="message.edit", show=True,
             tooltip="Edit it; a question is answered again"),
        bind("c", "want('continue')", "Continue", id="message.continue", show=True, tooltip="Go on with a cut reply"),
        bind("r", "want('again')", "Again", id="message.again", show=True, tooltip="Another answer to the question"),
        bind("b", "want('fork')", "Fork", id="message.fork", show=True, tooltip="Fork the chat up to here"),
        bind("o", "unfold", "Thought", id="message.thought", show=True, tooltip="Open or fold the thought"),
        bind("y", "copy", "Copy", id="transcript.copy", show=True,
             tooltip="Copy the highlighted code or link, else the message"),
        bind("left_square_bracket", "light(-1)", "Code", id="transcript.before", show=True, key_display="[ ]",
             tooltip="Highlight the previous code or link"),
        bind("right_square_bracket", "light(1)", "Code after", id="transcript.after",
             tooltip="Highlight the next code or link"),
        bind("enter", "follow", "Link", id="transcript.follow", show=True,
             tooltip="Show the address of the highlighted link"),
    ]  # fmt: skip
    ALLOW_SELECT = True
    COMPONENT_CLASSES = {f"transcript--{name}" for name in _STYLES.split()}

    placeholder: reactive[str] = reactive("")
    """Text in the middle while there are no messages."""

    @dataclass
    class Scrolled(Message):
        """The reader scrolled."""

        transcript: "Transcript"

        def can_replace(self, message: Message) -> bool:
            """Return True for an older message of the same transcript."""
            return isinstance(message, Transcript.Scrolled) and message.transcript is self.transcript

    def __init__(self) -> None:
        super().__init__()
        self.stack = EntryStack()
        self._painter = LinePainter(self, self.stack)
        self.viewport = Viewport(self, self.stack, self._painter)
        self.messages = MessageList(self, self.stack, self.viewport)
        self.targets = CopyTargets(self, self.stack, self.viewport)
        self.reply = ReplyWriter(self, self.viewport)

    def ask(self, text: str) -> None:
        """Add a question and scroll to it."""
        self.reply.flush()
        self.messages.pick(None)
        self.viewport.add(TextEntry(text, "user"))
        self.viewport.follow()

    def notice(self, text: str) -> None:
        """Add a notice of twiddle's own; it comes before a reply that has not begun to be written."""
        self.reply.flush()
        waiting = None if self.reply.ended or self.reply.text else self.reply.entry
        self.viewport.add(TextEntry(text), before=waiting)

    def show(self, conversation: Conversation) -> None:
        """Show the path of a conversation in place of all entries."""
        self.reply.replace(None)
        self.messages.show(conversation)
        self.targets.forget_missing()
        last = self.stack.entries[-1] if self.stack.entries else None
        self.reply.replace(last if isinstance(last, ReplyEntry) else None)

    def clear(self) -> None:
        """Remove all entries."""
        self.show(Conversation())

    # --- keys and mouse ---

    def action_pick(self, step: int) -> None:
        """Move the cursor to the message above or below."""
        self.messages.pick_by(step)

    def action_version(self, step: int) -> None:
        """Go to the version before or after."""
        self.messages.go_to_version(step)

    def action_want(self, wish: MessageAction) -> None:
        """Post that the user wants an action on the message with the cursor."""
        self.messages.want(wish)

    def action_unfold(self) -> None:
        """Open or fold a thought."""
        self.messages.unfold()

    def action_light(self, step: int) -> None:
        """Highlight the previous code or link or after."""
        self.targets.step(step)

    def action_copy(self) -> None:
        """Copy the lit part, else the message with the cursor, else the last one."""
        self.targets.copy(self.messages.entry)

    def action_follow(self) -> None:
        """Post that the user wants to follow the lit link."""
        self.targets.follow()

    def action_scroll_end(self) -> None:
        """Go to the bottom, and stay there."""
        self.viewport.follow()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only actions that apply now."""
        if action in ("copy", "light", "follow"):
            return self.targets.offers(action)
        return self.messages.offers(action, parameters)

    def on_click(self, event: events.Click) -> None:
        """Follow a link or move the cursor; a double click selects the entry."""
        if not self.stack.entries:
            return
        y = self.scroll_offset.y + event.y
        if event.chain == 1:
            self.targets.click(event.x, y)
            self.messages.click(event.x, y)
        elif event.chain == 2:
            event.prevent_default()
            index, _ = self.stack.at(y)
            top, bottom = self.stack.tops[index : index + 2]
            self.screen.selections = {self: Selection(Offset(0, top), Offset(0, bottom - 1))}

    # --- scrolling ---

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once: a slide over thousands of entries would have to lay them all out."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def on_mount(self) -> None:
        """Draw what was added before the mount."""
        self.reply.clock.request()

    def on_resize(self) -> None:
        """Fold all entries for the new width."""
        self.viewport.resize()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the bottom only while the reader is there."""
        super().watch_scroll_y(old_value, new_value)
        self.viewport.scrolled(new_value)
        self.post_message(self.Scrolled(self))

    # --- drawing and selecting ---

    def notify_style_update(self) -> None:
        """Look the colours up again: the theme may have changed."""
        super().notify_style_update()
        self._painter.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return rows of the view, without the work that Textual does on every paint for borders and padding."""
        top, rows = self.scroll_offset.y, self._painter.rows
        strips = [row.strip if (row := rows.get(top + y)) else self.render_line(y) for y in crop.line_range]
        whole = crop.column_span == (0, self.outer_size.width)
        return strips if whole else [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Return one row of the view."""
        if not self.stack.entries:
            return self._painter.draw_centred(y, self.placeholder)
        return self._painter.draw(self.scroll_offset.y + y, self.viewport.width)

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text to copy, without rails, marks and the folds of long lines."""
        if not self.stack.entries:
            return None
        start, end = selection.start or Offset(0, 0), selection.end or Offset(0, self.stack.height)
        return self.stack.text_between(start, end, self.viewport.width), "\n"
