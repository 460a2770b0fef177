"""A long column of entries, drawn line by line: what is out of sight costs a guess at its height and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.terminal import safe
from tui.ui.markdown import Span, StyledLine, fold
from tui.ui.widgets.segments import segments, selected
from tui.ui.widgets.transcript.entry import MARGIN, MEASURE, Entry
from tui.ui.widgets.transcript.entry_stack import EntryStack

KEPT = 2_000
"""Drawn rows that are kept for the next paint."""

_STYLES = (
    "user user-rail system system-rail notice notice-rail assistant-rail label progress note failure "
    "heading h1 h2 h3 h4 h5 h6 strong emphasis strike literal link target bullet rail quote rule mark-knob mark-fork "
    "mark-branch differs versions picked-rail lit "
    "thought thought-head thought-rail code keyword string comment number function builtin inserted deleted welcome"
)


class DrawnLine(NamedTuple):
    """A line as it was drawn."""

    line: StyledLine
    strip: Strip


class Scrollback(ScrollView, can_focus=True):
    """A column of entries that stays where the reader is, or at the bottom while the reader is there."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES = {f"scrollback--{name}" for name in _STYLES.split()}
    DEFAULT_CSS = """
    Scrollback {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-color: $panel;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;

        .scrollback--thought { color: $text-muted; text-style: italic; }
        .scrollback--thought-head { color: $text-secondary; text-style: italic; }
        .scrollback--thought-rail { color: $secondary; }

        .scrollback--user { color: $foreground; background: $surface; }
        .scrollback--user-rail { color: $primary; background: $surface; }
        .scrollback--system { color: $text-muted; text-style: italic; }
        .scrollback--system-rail { color: $secondary; }
        .scrollback--notice { color: $text-muted; text-style: italic; }
        .scrollback--notice-rail { color: $accent; }
        .scrollback--assistant-rail { color: $foreground 20%; }
        .scrollback--label { color: $text-secondary; text-style: bold; }
        .scrollback--progress { color: $text-muted; text-style: italic; }
        .scrollback--note { color: $text-muted; }
        .scrollback--failure { color: $text-error; }
        .scrollback--welcome { color: $text-muted; }

        .scrollback--heading { color: $text-primary; text-style: bold; }
        .scrollback--h1 { text-style: bold underline; }
        .scrollback--strong { text-style: bold; }
        .scrollback--emphasis { text-style: italic; }
        .scrollback--strike { text-style: strike; }
        .scrollback--literal { color: $text-accent; }
        .scrollback--link { color: $text-primary; text-style: underline; }
        .scrollback--target { color: $text-muted; text-style: not underline; }
        .scrollback--bullet { color: $text-primary; }
        .scrollback--rail { color: $secondary; }
        .scrollback--quote { color: $text-muted; text-style: italic; }
        .scrollback--rule { color: $foreground 30%; }
        .scrollback--mark-knob { color: $text-accent; background: $accent-muted; }
        .scrollback--mark-fork { color: $text-primary; background: $primary-muted; }
        .scrollback--mark-branch { color: $text-secondary; background: $secondary-muted; }
        .scrollback--differs { color: $foreground; background: $warning-muted; text-style: underline; }
        .scrollback--versions { color: $text-primary; text-style: bold; }
        .scrollback--picked-rail { color: $accent; text-style: bold; }
        .scrollback--lit { text-style: bold reverse; }

        &:ansi .scrollback--mark-knob, &:ansi .scrollback--mark-fork, &:ansi .scrollback--mark-branch {
            background: ansi_default;
            text-style: bold;
        }
        &:ansi .scrollback--differs { background: ansi_default; }
        &:ansi .scrollback--assistant-rail, &:ansi .scrollback--rule { text-style: dim; }
        &:ansi .scrollback--target, &:ansi .scrollback--note { text-style: dim; }

        .scrollback--code { background: $surface; color: $foreground; }
        .scrollback--keyword { color: $text-primary; }
        .scrollback--string { color: $text-success; }
        .scrollback--comment { color: $text-muted; text-style: italic; }
        .scrollback--number { color: $text-accent; }
        .scrollback--function { text-style: bold; }
        .scrollback--builtin { color: $text-secondary; }
        .scrollback--inserted { color: $text-success; }
        .scrollback--deleted { color: $text-error; }
    }
    """

    @dataclass
    class Scrolled(Message):
        """The reader went to another place."""

        scrollback: "Scrollback"

        def can_replace(self, message: Message) -> bool:
            """Only where the reader is now matters."""
            return isinstance(message, Scrollback.Scrolled) and message.scrollback is self.scrollback

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._stack = EntryStack()
        self._following = True
        self._width = 0
        self._rows: dict[int, DrawnLine] = {}
        self._colours: dict[str, Style] = {}

    @property
    def following(self) -> bool:
        """Whether the view stays at the bottom as lines are added."""
        return self._following

    @property
    def welcome(self) -> str:
        """What stands in the middle while there is nothing else."""
        return ""

    def add(self, entry: Entry) -> None:
        """Adds an entry at the end."""
        self._stack.entries.append(entry)
        if self._width:
            entry.lay_out(self._width)
        self.redraw(entry)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Puts these in place of all entries, and shows the last."""
        self._stack.entries[:] = entries
        self._following = True
        self._arrange()

    def redraw(self, entry: Entry, line: int = 0) -> None:
        """Draws an entry again, from one of its lines on."""
        entries = self._stack.entries
        place = next(place for place in reversed(range(len(entries))) if entries[place] is entry)
        self._pile(place)
        self._refresh_from(self._stack.tops[place] + line)
        self._settle()

    def follow(self) -> None:
        """Goes to the bottom, and stays there."""
        self._following = True
        self._settle()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scrolls at once: a slide over thousands of entries would have to lay them all out."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def action_scroll_end(self) -> None:
        """Goes to the bottom, and stays there."""
        self.follow()

    # --- where things stand ---

    def on_resize(self) -> None:
        """Folds everything for the new width."""
        if self.scrollable_content_region.width != self._width:
            self._width = self.scrollable_content_region.width
            self._arrange()
        else:
            self._settle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follows the bottom only while the reader is there."""
        super().watch_scroll_y(old_value, new_value)
        self._following = round(new_value) >= self.max_scroll_y
        self._settle()
        self.post_message(self.Scrolled(self))

    def _arrange(self) -> None:
        """Stacks all entries anew, and keeps the line at the top where it is."""
        stack = self._stack
        place, into = stack.at(self.scroll_offset.y)
        if self._width:
            for entry in stack.entries:
                entry.guess(self._width)
        self._pile()
        self._refresh_from(0)
        if self._width and stack.entries and not self._following:
            stack.entries[place].lay_out(self._width)
            self._pile(place)
            self._move(stack.tops[place] + min(into, stack.entries[place].height - 1))
        self._settle()

    def _pile(self, start: int = 0) -> None:
        self._stack.pile(start)
        # The reactive itself would have all widgets laid out anew, with every line that is written.
        self.set_reactive(ScrollView.virtual_size, Size(self._width, self._stack.height))
        self.vertical_scrollbar.window_virtual_size = self._stack.height

    def _settle(self) -> None:
        """Lays out what is in view; its lines stay where they are though heights above turn out otherwise."""
        stack = self._stack
        while self._width and stack.entries:
            top = self.max_scroll_y if self._following else self.scroll_offset.y
            place = stack.unseen(top, top + self.size.height, self._width)
            if place is None:
                break
            entry = stack.entries[place]
            before = entry.height
            entry.lay_out(self._width)
            self._pile(place)
            self._refresh_from(0)
            if not self._following and stack.tops[place] < top:
                self._move(top + entry.height - before)
        if self._following:
            self._move(self.max_scroll_y)

    def _move(self, y: int) -> None:
        """Scrolls without the reader having done so."""
        y = max(0, min(y, self.max_scroll_y))
        if y == self.scroll_offset.y:
            return
        self.set_reactive(ScrollView.scroll_y, y)
        self.set_reactive(ScrollView.scroll_target_y, y)
        self.vertical_scrollbar.position = y
        self.refresh(self.size.region)

    # --- drawing ---

    def notify_style_update(self) -> None:
        """The theme may have changed: colours are looked up again."""
        super().notify_style_update()
        self._colours.clear()
        self._rows.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows of the view. They have no border and no padding, about which Textual would do much on every paint."""
        top = self.scroll_offset.y
        rows = {} if self.text_selection else self._rows
        strips = [row.strip if (row := rows.get(top + y)) else self.render_line(y) for y in crop.line_range]
        whole = crop.column_span == (0, self.outer_size.width)
        return strips if whole else [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        if not self._stack.entries:
            return self._drawn(self._welcome_line(y))
        y += self.scroll_offset.y
        selection = self.text_selection
        reach = selection.get_span(y) if selection else None
        if reach is None and (row := self._rows.get(y)):
            return row.strip
        line = self._stack.line(y)
        drawn = [segment for span in line.spans for segment in segments(span.text, self._colour(span.style))]
        if reach:
            drawn = list(selected(drawn, *reach, self.screen.get_component_rich_style("screen--selection")))
        strip = Strip(drawn)
        if line.fill:
            strip = strip.extend_cell_length(min(self._width - 1, MARGIN + MEASURE + 1), self._colour(line.fill))
        strip = self._drawn(strip.apply_offsets(0, y))
        if reach is None and self.scrollable_content_region.width == self._width:
            self._rows[y] = DrawnLine(line, strip)
        return strip

    def _drawn(self, strip: Strip) -> Strip:
        """A row as the terminal gets it."""
        strip = strip.crop_extend(0, self.outer_size.width, self._colour(""))
        for each in self.get_line_filters():
            strip = strip.apply_filter(each, self.background_colors[1])
        return strip

    def _welcome_line(self, y: int) -> Strip:
        lines = _centred(self.welcome, self.scrollable_content_region.width)
        number = y - (self.size.height - len(lines)) // 2
        return Strip(segments(lines[number] if 0 <= number < len(lines) else "", self._colour("welcome")))

    def _colour(self, names: str) -> Style:
        style = self._colours.get(names)
        if style is None:
            classes = [f"scrollback--{name}" for name in names.split()]
            style = self._colours[names] = self.get_visual_style(*classes).rich_style
        return style

    def _refresh_from(self, y: int) -> None:
        """Draws again what has changed from one line on."""
        if not y or len(self._rows) > KEPT:
            self._rows.clear()
        top = self.scroll_offset.y
        view = range(max(y, top), top + self.size.height)
        kept = {at: self._rows[at] for at in view if at in self._rows and self._rows[at].line == self._stack.line(at)}
        for at in [at for at in self._rows if at >= y]:
            del self._rows[at]
        self._rows |= kept
        if changed := [at for at in view if at not in kept]:
            self.refresh_lines(changed[0], changed[-1] - changed[0] + 1)

    # --- selecting ---

    def selection_updated(self, selection: Selection | None) -> None:
        """Draws what is selected, or no longer is."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What is copied: what was said, as it is shown, without rails, marks and the folds of long lines."""
        if not self._stack.entries:
            return None
        start = selection.start or Offset(0, 0)
        end = selection.end or Offset(0, self._stack.height)
        copied = ""
        for y, line in self._stack.between(start.y, end.y, self._width):
            if line.said:
                text = _said(line.spans, start.x if y == start.y else 0, end.x if y == end.y else None)
                copied += (line.glue if copied else "") + text
        return copied.strip("\n"), "\n"

    def on_click(self, event: events.Click) -> None:
        """Twice on an entry selects it."""
        if event.chain != 2 or not self._stack.entries:
            return
        event.prevent_default()
        place, _ = self._stack.at(self.scroll_offset.y + event.y)
        top, bottom = self._stack.tops[place : place + 2]
        self.screen.selections = {self: Selection(Offset(0, top), Offset(0, bottom - 1))}


@lru_cache(maxsize=4)
def _centred(text: str, width: int) -> Sequence[str]:
    """A text folded for a width, in its middle."""
    lines = ["".join(span.text for span in line.spans) for line in fold([Span(safe(text))], max(1, width - 2))]
    before = " " * max(0, (width - max(map(cell_len, lines))) // 2)
    return [before + line for line in lines]


def _said(spans: Sequence[Span], start: int, end: int | None) -> str:
    """The characters of a line that were said."""
    text, position = "", 0
    for span in spans:
        stop = len(span.text) if end is None else max(0, end - position)
        if span.copied:
            text += span.text[max(0, start - position) : stop]
        position += len(span.text)
    return text.rstrip() if end is None else text
