"""Reply that grows at the end of a transcript."""

from collections import deque

from textual.widget import Widget

from tui.conversation.thinking import Thought
from tui.ui.markdown import Mark, MarkKind
from tui.ui.terminal.frame_clock import FrameClock
from tui.ui.widgets.transcript.entry import ReplyEntry
from tui.ui.widgets.transcript.viewport import Viewport


class ReplyWriter:
    """Running or last reply of a transcript; its text is drawn at the pace of the frame clock."""

    def __init__(self, widget: Widget, viewport: Viewport) -> None:
        self._widget, self._viewport = widget, viewport
        self.entry: ReplyEntry | None = None
        self._pending: deque[str] = deque()
        self._thought: Thought | None = None
        self.clock = FrameClock(widget, self.flush)

    @property
    def text(self) -> str:
        """Raw text of the running or last reply."""
        return (self.entry.text if self.entry else "") + "".join(self._pending)

    @property
    def ended(self) -> bool:
        """True while no reply is running."""
        return self.entry is None or self.entry.ended

    @property
    def words(self) -> list[str]:
        """Words of the last reply."""
        if self.entry is None:
            return []
        self._viewport.lay_out(self.entry)
        return self.entry.words

    def start(self, label: str = "", text: str = "") -> None:
        """Start a reply, or continue one that begins with `text`."""
        self.flush()
        self.entry, self._thought = ReplyEntry(text, label), None
        if text:
            self.entry.mark(Mark(len(text), "from here on anew", "branch"))
        self._viewport.add(self.entry)

    def replace(self, entry: ReplyEntry | None) -> None:
        """Make another entry the last reply; text not drawn yet is dropped."""
        self._pending.clear()
        self.entry, self._thought = entry, None

    def progress(self, text: str) -> None:
        """Show a line about what is happening now under the running reply."""
        if self.entry:
            self.entry.progress(text)
            self._viewport.redraw(self.entry)

    def append(self, delta: str, thought: Thought | None = None) -> None:
        """Append text to the running reply; `thought` says which part of the whole reply is thought."""
        self._pending.append(delta)
        self._thought = thought
        if self._widget.is_running:
            self.clock.request()

    def mark(self, label: str, at: int | None = None, kind: MarkKind = "knob") -> None:
        """Mark the character `at` of the running or last reply, or its end."""
        self.flush()
        if self.entry:
            self.entry.mark(Mark(len(self.entry.text) if at is None else at, label, kind))
            self._viewport.redraw(self.entry)

    def end(self, note: str = "", failed: bool = False) -> None:
        """Complete the running reply; a note about it may stand under it."""
        self.flush()
        if self.entry:
            self.entry.finish(note, failed)
            self._viewport.redraw(self.entry)

    def light(self, places: frozenset[int]) -> None:
        """Light the words with these indices in the last reply, and no others."""
        if self.entry:
            self.entry.light(places)
            self._viewport.redraw(self.entry)

    def flush(self) -> None:
        """Draw the text that came in since the last frame."""
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        if self.entry is None:
            self.start()
        assert self.entry is not None
        self._viewport.redraw(self.entry, self.entry.append(text, self._thought))
