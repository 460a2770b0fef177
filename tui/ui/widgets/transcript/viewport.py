"""Visible part of a transcript; an entry out of view costs an estimate of its height and no more."""

from bisect import bisect_right
from collections.abc import Sequence

from textual.geometry import Size
from textual.scroll_view import ScrollView

from tui.ui.widgets.transcript.entry import Entry
from tui.ui.widgets.transcript.entry_stack import EntryStack
from tui.ui.widgets.transcript.line_painter import LinePainter


class Viewport:
    """View of a stack of entries that stays in place, or at the bottom while the reader is there."""

    def __init__(self, widget: ScrollView, stack: EntryStack, painter: LinePainter) -> None:
        self._widget, self._stack, self._painter = widget, stack, painter
        self.following = True
        """True while the view stays at the bottom as lines are added."""
        self.width = 0
        """Cells that entries are laid out for; 0 before the widget has a size."""

    # --- the entries ---

    def add(self, entry: Entry, before: Entry | None = None) -> None:
        """Add an entry at the end, or before another one."""
        entries = self._stack.entries
        entries.insert(entries.index(before) if before in entries else len(entries), entry)
        if self.width:
            entry.lay_out(self.width)
        self.redraw(entry)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Replace all entries, and show the last."""
        self._stack.entries[:] = entries
        self.following = True
        self._arrange()

    def redraw(self, entry: Entry, line: int = 0) -> None:
        """Draw an entry again, from one of its lines on."""
        entries = self._stack.entries
        index = next(index for index in reversed(range(len(entries))) if entries[index] is entry)
        self._stack_up(index)
        self._painter.refresh_from(self._stack.tops[index] + line)
        self._lay_out_visible()

    def lay_out(self, entry: Entry) -> None:
        """Lay out an entry that may be out of view."""
        if self.width and entry.width != self.width:
            entry.lay_out(self.width)
            self.redraw(entry)

    # --- where the reader is ---

    @property
    def spot(self) -> tuple[int, int]:
        """Place of the reader: index of the question above, and the lines below its top."""
        y, tops = self._widget.scroll_offset.y, self._questions
        number = bisect_right(tops, y) - 1
        return number, y - (tops[number] if number >= 0 else 0)

    def go_to(self, number: int, lines: int) -> None:
        """Go to the `spot` of another transcript, so that the same question is level in both."""
        tops = self._questions
        if number >= len(tops):
            self.follow()
            return
        start, *rest = [0, *tops][number + 1 :]
        self.following = False
        self._move(min(start + lines, rest[0] - 1 if rest else self._widget.max_scroll_y))
        self._lay_out_visible()

    @property
    def _questions(self) -> list[int]:
        return [top for top, entry in zip(self._stack.tops, self._stack.entries, strict=False) if entry.asks]

    def follow(self) -> None:
        """Scroll to the bottom, and stay there."""
        self.following = True
        self._lay_out_visible()

    def row(self, entry: Entry | None) -> int | None:
        """Return the row of the view that an entry starts on, or would; None if it is not in the stack."""
        if entry not in self._stack.entries:
            return None
        return self._stack.top(entry) - self._widget.scroll_offset.y

    def scroll_to_row(self, entry: Entry, row: int) -> None:
        """Scroll so that an entry starts on a row of the view."""
        self.following = False
        for _ in range(2):  # what comes into view above is laid out then, and may have another height than guessed
            self._widget.scroll_to(y=self._stack.top(entry) - row)

    def reveal(self, entry: Entry, step: int) -> None:
        """Scroll just far enough to show an entry, or its nearer end if it does not fit."""
        entry.lay_out(self.width)
        self.redraw(entry)
        row, room = self.row(entry) or 0, self._widget.size.height
        if entry.height - 1 <= room:
            row = min(max(row, 0), room - entry.height + 1)
        else:
            row = room - entry.height + 1 if step < 0 else 0
        if row != self.row(entry):
            self.scroll_to_row(entry, row)

    # --- the widget ---

    def resize(self) -> None:
        """Fold all entries for a new width."""
        if self._widget.scrollable_content_region.width != self.width:
            self.width = self._widget.scrollable_content_region.width
            self._arrange()
        else:
            self._lay_out_visible()

    def scrolled(self, y: float) -> None:
        """Follow the bottom only while the reader is there."""
        self.following = round(y) >= self._widget.max_scroll_y
        self._lay_out_visible()

    def _arrange(self) -> None:
        """Stack all entries anew; the line at the top stays in place."""
        stack = self._stack
        index, into = stack.at(self._widget.scroll_offset.y)
        if self.width:
            for entry in stack.entries:
                entry.guess(self.width)
        self._stack_up()
        self._painter.refresh_from(0)
        if self.width and stack.entries and not self.following:
            stack.entries[index].lay_out(self.width)
            self._stack_up(index)
            self._move(stack.tops[index] + min(into, stack.entries[index].height - 1))
        self._lay_out_visible()

    def _stack_up(self, start: int = 0) -> None:
        self._stack.update_tops(start)
        # The reactive itself would have all widgets laid out anew, with every line that is written.
        self._widget.set_reactive(ScrollView.virtual_size, Size(self.width, self._stack.height))
        self._widget.vertical_scrollbar.window_virtual_size = self._stack.height

    def _lay_out_visible(self) -> None:
        """Lay out the entries in view; visible lines stay in place though the heights above change."""
        stack, widget = self._stack, self._widget
        while self.width and stack.entries:
            top = widget.max_scroll_y if self.following else widget.scroll_offset.y
            index = stack.unseen(top, top + widget.size.height, self.width)
            if index is None:
                break
            entry = stack.entries[index]
            before = entry.height
            entry.lay_out(self.width)
            self._stack_up(index)
            self._painter.refresh_from(0)
            if not self.following and stack.tops[index] < top:
                self._move(top + entry.height - before)
        if self.following:
            self._move(widget.max_scroll_y)

    def _move(self, y: int) -> None:
        """Scroll on behalf of the program, not of the reader."""
        widget = self._widget
        y = max(0, min(y, widget.max_scroll_y))
        if y == widget.scroll_offset.y:
            return
        widget.set_reactive(ScrollView.scroll_y, y)
        widget.set_reactive(ScrollView.scroll_target_y, y)
        widget.vertical_scrollbar.position = y
        widget.refresh(widget.size.region)
