"""The conversation on screen, while it is read and while it is written."""

from bisect import bisect_right
from collections import deque

from textual.reactive import reactive

from tui.conversation.conversation import Conversation
from tui.conversation.thinking import Thought
from tui.ui.markdown import Mark, MarkKind
from tui.ui.terminal.frame_clock import FrameClock
from tui.ui.widgets.transcript.copy_targets import CopyTargets
from tui.ui.widgets.transcript.entry import ReplyEntry, TextEntry


class Transcript(CopyTargets):
    """What was said, with a reply that may be growing at the end."""

    placeholder: reactive[str] = reactive("")
    """What stands in the middle while nothing has been said."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._reply: ReplyEntry | None = None
        self._pending: deque[str] = deque()
        self._thought: Thought | None = None
        self._beat = FrameClock(self, self._flush)

    @property
    def text(self) -> str:
        """The raw text of the running or last reply."""
        return (self._reply.text if self._reply else "") + "".join(self._pending)

    @property
    def ended(self) -> bool:
        """Whether no reply is being written."""
        return self._reply is None or self._reply.ended

    @property
    def welcome(self) -> str:
        """What stands in the middle while there is nothing else."""
        return self.placeholder

    def ask(self, text: str) -> None:
        """Adds what the person says, and goes there."""
        self._flush()
        self._pick(None)
        self.add(TextEntry(text, "user"))
        self.follow()

    def begin(self, label: str = "", text: str = "") -> None:
        """Begins a reply, or goes on with one that begins with this text."""
        self._flush()
        self._reply, self._thought = ReplyEntry(text, label), None
        if text:
            self._reply.mark(Mark(len(text), "from here on anew", "branch"))
        self.add(self._reply)

    def progress(self, text: str) -> None:
        """Says what is happening now, under the running reply."""
        if self._reply:
            self._reply.progress(text)
            self.redraw(self._reply)

    def append(self, delta: str, thought: Thought | None = None) -> None:
        """Adds text to the running reply, and says what of all of it is thought; it is drawn with the next beat."""
        self._pending.append(delta)
        self._thought = thought
        if self.is_running:
            self._beat.ask()

    def mark(self, label: str, at: int | None = None, kind: MarkKind = "knob") -> None:
        """Marks the character `at` of the running or last reply, or its end."""
        self._flush()
        if self._reply:
            self._reply.mark(Mark(len(self._reply.text) if at is None else at, label, kind))
            self.redraw(self._reply)

    def end(self, note: str = "", failed: bool = False) -> None:
        """The running reply is complete; a note about it may stand under it."""
        self._flush()
        if self._reply:
            self._reply.finish(note, failed)
            self.redraw(self._reply)

    @property
    def words(self) -> list[str]:
        """What the last reply says, word by word."""
        if self._reply is None:
            return []
        if self._width and self._reply.width != self._width:
            self._reply.lay_out(self._width)
            self.redraw(self._reply)
        return self._reply.words

    def light(self, places: frozenset[int]) -> None:
        """Lights these words of the last reply, and no others."""
        if self._reply:
            self._reply.light(places)
            self.redraw(self._reply)

    @property
    def spot(self) -> tuple[int, int]:
        """Where the reader is: how many lines below the top of which question, from 0."""
        y, tops = self.scroll_offset.y, self._questions
        number = bisect_right(tops, y) - 1
        return number, y - (tops[number] if number >= 0 else 0)

    def stand_at(self, number: int, lines: int) -> None:
        """Goes where a reader of another transcript is: the same question stays level."""
        tops = self._questions
        if number >= len(tops):
            self.follow()
            return
        start, *rest = [0, *tops][number + 1 :]
        self._following = False
        self._move(min(start + lines, rest[0] - 1 if rest else self.max_scroll_y))
        self._settle()

    @property
    def _questions(self) -> list[int]:
        return [top for top, entry in zip(self._stack.tops, self._stack.entries, strict=False) if entry.asks]

    def visit_fork(self, number: int) -> bool:
        """Goes to where a reply parts from that of another side, the newest being number 0; whether there is any."""
        found = [
            (entry, line) for entry in self._stack.entries if isinstance(entry, ReplyEntry) for line in entry.forks
        ]
        if not found:
            return False
        entry, line = found[-1 - number % len(found)]
        self._put(entry, self.size.height // 3 - line)
        return True

    def notice(self, text: str) -> None:
        """Adds a line of the program itself."""
        self._flush()
        self.add(TextEntry(text))

    def show(self, conversation: Conversation) -> None:
        """Shows the path of a conversation in place of everything."""
        self._pending.clear()
        self._thought = None
        super().show(conversation)
        last = self._stack.entries[-1] if self._stack.entries else None
        self._reply = last if isinstance(last, ReplyEntry) else None

    def clear(self) -> None:
        """Removes everything."""
        self.show(Conversation())

    def on_mount(self) -> None:
        """Draws what came in before there was a screen."""
        self._beat.ask()

    def watch_placeholder(self) -> None:
        """Draws the new one."""
        self.refresh()

    def _flush(self) -> None:
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        if self._reply is None:
            self.begin()
        assert self._reply is not None
        before = self._reply.thought
        if self._thought:
            self._reply.thought = self._thought
        line = self._reply.append(text)
        self.redraw(self._reply, line if before == self._reply.thought else 0)
