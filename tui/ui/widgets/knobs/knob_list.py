"""List of knobs, one line each, drawn by one widget."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual import events, on
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.errors import KnobError
from tui.knobs.knob import Value
from tui.knobs.table import KNOBS, Knobs, turn
from tui.ui.widgets.knobs.gesture import Gesture
from tui.ui.widgets.knobs.knob_lines import GapLine, HeadingLine, KnobLine, Line, OrderLine, move_entry, switch_entry
from tui.ui.widgets.knobs.knob_list_state import KnobListState, slides
from tui.ui.widgets.knobs.knob_painter import KnobPainter

_STYLES = "cursor hover heading mark refusal name filled handle track value turned unit inert entry"


class KnobList(ScrollView, can_focus=True, inherit_bindings=False):
    """Knobs, one line each, in groups that fold; one line has the cursor.

    A turn changes `state` at once, so that the next key counts on from it, and `Turned` bubbles to the screen, which
    decides. Painting is from `state` alone: showing what it holds already paints nothing.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {f"knob-list--{name}" for name in _STYLES.split()}

    @dataclass
    class Pointed(Message):
        """The cursor moved, or its line changed."""

        def can_replace(self, message: Message) -> bool:
            """Return True: the newest message says it all."""
            return isinstance(message, KnobList.Pointed)

    @dataclass
    class Turned(Message):
        """A knob was turned; the list shows it already, but the owner decides."""

        name: str
        value: Value
        owner: object = None
        stroke: object = None
        """Turns with the same stroke, such as those of a drag, are undone together."""

        def can_replace(self, message: Message) -> bool:
            """Return True for an older turn of the same knob within the same stroke."""
            mine = self.name, self.owner, self.stroke
            return isinstance(message, KnobList.Turned) and (message.name, message.owner, message.stroke) == mine

    @dataclass
    class Refused(Message):
        """A typed value is not accepted."""

        sentence: str

    @dataclass
    class Opened(Message):
        """The user wants to edit a list or a text."""

        name: str
        value: Value

    def __init__(self) -> None:
        super().__init__()
        self.state = KnobListState()
        self.painter = KnobPainter(self, self.state)
        self.gesture = Gesture()
        """Decides which turns belong to one stroke."""
        self._stroke: object = None
        """Stroke of the drag in progress."""
        self._moved = False
        """True if the drag moved a stage."""

    def show(
        self, owner: object, preset: Knobs, knobs: Knobs, refused: Mapping[str, str], *, thought: bool = False
    ) -> None:
        """Show the knobs of `owner`."""
        if self.state.show(owner, preset, knobs, refused, thought):
            self.lay_out()
            self.repaint()

    # --- the cursor -------------------------------------------------------------------------------------------------

    def go(self, line: Line) -> None:
        """Put the cursor on a line and scroll it into view; a value typed on the old line is accepted."""
        state = self.state
        if line != state.line:
            self.gesture.leave()
            if state.entry is not None:
                self.accept()
                state.entry = None
        if line != state.line:
            state.cursor = line
            self.repaint()
            self.post_message(self.Pointed())
        if line in state.placed:
            y, height = state.placed.index(line), self.scrollable_content_region.height
            top = 0 if y <= 1 else y  # with the first knob, the heading above it
            if not self.scroll_offset.y <= y < self.scroll_offset.y + height or y <= 1:
                self.scroll_to(y=top if top < self.scroll_offset.y else y - height + 1, animate=False)

    def line_at(self, y: int) -> Line | None:
        """Return the line at a row of the view; None for a blank one."""
        y += self.scroll_offset.y
        line = self.state.placed[y] if 0 <= y < len(self.state.placed) else None
        return None if isinstance(line, GapLine) else line

    def lay_out(self) -> None:
        """Work out which lines there are; the one with the cursor stays where it is on the screen."""
        state = self.state
        placed = state.lines.lay_out(state.knobs)
        if placed == state.placed and self.virtual_size.height == len(placed):
            return
        before = state.placed.index(state.cursor) if state.cursor in state.placed else 0
        state.placed = placed
        self.painter.drawn.clear()
        self.virtual_size = Size(self.scrollable_content_region.width, len(placed))
        if state.cursor not in placed and state.knob and (heading := HeadingLine(state.knob.group)) in placed:
            self.go(heading)
        elif state.cursor in placed and (shift := placed.index(state.cursor) - before):
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False)
        self.refresh()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return one row of the view."""
        y += self.scroll_offset.y
        width, style = self.scrollable_content_region.width, self.painter.style()
        if y >= len(self.state.placed):
            return Strip.blank(width, style)
        drawn = self.painter.drawn.get(y)
        strip = drawn[1] if drawn else self.painter.draw(y, self.painter.content(self.state.placed[y]))
        return strip.crop_extend(0, width, style)

    def repaint(self) -> None:
        """Draw the lines again whose content changed."""
        for y, (content, _) in list(self.painter.drawn.items()):
            if content != self.painter.content(self.state.placed[y]):
                del self.painter.drawn[y]
                self.refresh_line(y)

    def notify_style_update(self) -> None:
        """Look the colours up again: the theme or the focus may have changed."""
        super().notify_style_update()
        self.painter.clear()
        self.refresh()  # `repaint` knows only of lines that are drawn

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.painter.drawn.clear()
        self.lay_out()
        self.refresh()

    # --- turning ----------------------------------------------------------------------------------------------------

    def turn(self, value: Value, *, stroke: object = None, accepted: bool = False) -> None:
        """Turn the knob with the cursor. One that loads the model again waits, as if typed, until it is accepted."""
        state, knob = self.state, self.state.knob
        if stroke is None:
            self.gesture.leave()
        if not knob:
            return
        if knob.slides and not (knob.live or accepted):
            self.type(knob.show(value))
        elif value != getattr(state.knobs, knob.name):
            owner = state.owner
            refused = {name: why for name, why in state.refused.items() if name != knob.name}
            self.show(owner, state.preset, turn(state.knobs, **{knob.name: value}), refused, thought=state.thought)
            self.post_message(self.Pointed())
            # The owner goes along: the list may show another's when the message arrives. The sender is the list itself,
            # as Textual lets no message bubble past the parent whose handler is running.
            self.post_message(self.Turned(state.full_name, value, owner, stroke).set_sender(self))

    def step(self, steps: int, coarse: bool = False) -> None:
        """Turn by steps; fold or open a heading; switch a stage off or on."""
        match self.state.line:
            case KnobLine(name) if KNOBS[name].slides:
                stroke = self.gesture.stroke((name, steps > 0, coarse))
                self.turn(KNOBS[name].move(self.state.value, steps, coarse=coarse), stroke=stroke)
            case KnobLine(name) if KNOBS[name].orders:
                self.fold(name, steps < 0)
            case HeadingLine(group):
                self.fold(group, steps < 0)
            case OrderLine(name, entry) if (entry in getattr(self.state.knobs, name)) != (steps > 0):
                self.switch()

    def fold(self, name: str, folded: bool) -> None:
        """Fold a group or an order, or open it."""
        self.gesture.leave()
        self.state.lines.fold(name, folded)
        self.lay_out()
        self.repaint()

    def switch(self) -> None:
        """Fold or open the line with the cursor; switch a stage off or on; go on to the next word of a choice."""
        match self.state.line:
            case KnobLine(name) if KNOBS[name].slides:
                knob = KNOBS[name]
                low, high = knob.slider
                if knob.choices or (knob.kind is int and high - low <= 2):
                    self.turn(knob.at(0) if knob.share(self.state.value) == 1 else knob.move(self.state.value, 1))
            case HeadingLine(name) | KnobLine(name):
                self.fold(name, self.state.lines.is_open(name))
            case OrderLine(name, entry):
                self.turn(switch_entry(getattr(self.state.knobs, name), entry, KNOBS[name].choices))

    def shift(self, steps: int, stroke: object = None) -> None:
        """Move the stage with the cursor up or down."""
        line = self.state.line
        if isinstance(line, OrderLine) and line.entry in (order := getattr(self.state.knobs, line.name)):
            self.turn(move_entry(order, line.entry, steps), stroke=stroke)
            self.go(line)

    # --- typing -----------------------------------------------------------------------------------------------------

    def type(self, entry: str | None) -> None:
        """Show the text typed of a value; None shows the value again."""
        self.state.entry = entry
        self.repaint()
        self.post_message(self.Pointed())

    def accept(self) -> bool:
        """Accept the value typed; return False, and post why, if it cannot be had."""
        knob, entry = self.state.knob, self.state.entry
        if not knob or entry is None:
            return True
        try:
            value = knob.parse(entry) if entry.strip() else getattr(self.state.knobs, knob.name)
        except KnobError as error:
            self.post_message(self.Refused(str(error)).set_sender(self))
            return False
        self.type(None)
        self.turn(value, accepted=True)
        return True

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self.repaint()
        self.post_message(self.Pointed())

    def on_blur(self) -> None:
        """Accept the value typed when the person moves on."""
        self.gesture.leave()
        self.accept()
        self.type(None)

    # --- mouse ------------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor there, and take hold of a slider or a stage."""
        line = self.line_at(event.y)
        if event.button != 1 or not line:
            return
        self.go(line)
        self._stroke, self._moved = object(), False
        if isinstance(line, OrderLine) or (slides(line) and event.x in self.painter.columns.slider):
            self.capture_mouse()
            self._drag(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag a slider or a stage; else light the line."""
        if self.app.mouse_captured is self:
            self._drag(event)
        elif (line := self.line_at(event.y)) != self.state.hovered:
            self.state.hovered = line
            self.repaint()

    def on_mouse_up(self) -> None:
        """Let go; a knob that loads the model again is accepted now."""
        if self.app.mouse_captured is self:
            self.release_mouse()
            self.accept()

    def on_leave(self) -> None:
        """Light no line."""
        self.state.hovered = None
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Fold a heading, open a list or a text, switch a stage; twice on a slider puts it back."""
        line, beyond = self.line_at(event.y), event.x >= self.painter.columns.slider.start
        if line != self.state.line or self._moved:
            return
        if isinstance(line, HeadingLine) or (beyond and isinstance(line, OrderLine)):
            self.switch()
        elif isinstance(line, KnobLine) and beyond:
            knob = KNOBS[line.name]
            if knob.orders:
                self.switch()
            elif not knob.slides:
                self.post_message(self.Opened(knob.name, self.state.value).set_sender(self))
            elif event.chain == 2:
                self.turn(getattr(self.state.preset, knob.name), accepted=True)

    @on(events.MouseScrollUp)
    @on(events.MouseScrollDown)
    def _turn_wheel(self, event: events.MouseEvent) -> None:
        """Turn by one step over a slider or its value; elsewhere the list scrolls."""
        line = self.line_at(event.y)
        if line and slides(line) and event.x >= self.painter.columns.slider.start:
            event.stop()
            event.prevent_default()
            self.go(line)
            self.step(1 if isinstance(event, events.MouseScrollUp) else -1)

    def _drag(self, event: events.MouseEvent) -> None:
        slider, target = self.painter.columns.slider, self.line_at(event.y)
        if isinstance(self.state.line, KnobLine):
            share = (event.x - slider.start) / max(len(slider) - 1, 1)
            self.turn(KNOBS[self.state.line.name].at(share), stroke=self._stroke)
        elif isinstance(self.state.line, OrderLine) and isinstance(target, OrderLine):
            order = getattr(self.state.knobs, self.state.line.name)
            if {self.state.line.entry, target.entry} <= set(order):
                self._moved |= target != self.state.line
                self.shift(order.index(target.entry) - order.index(self.state.line.entry), self._stroke)
