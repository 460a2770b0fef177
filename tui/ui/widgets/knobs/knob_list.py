"""The knobs under the hand: turned, typed and dragged."""

from dataclasses import dataclass

from textual import events
from textual.message import Message

from tui.errors import KnobError
from tui.knobs.knob import Value
from tui.knobs.table import KNOBS, turn
from tui.ui.widgets.knobs.gesture import Gesture
from tui.ui.widgets.knobs.knob_lines import HeadingLine, KnobLine, Line, OrderLine, moved, switched
from tui.ui.widgets.knobs.knob_sheet import KnobSheet


class KnobList(KnobSheet):
    """The sheet of knobs, with what the mouse and the keys do to the line that has the cursor."""

    @dataclass
    class Turned(Message):
        """A knob was turned; the list shows it already."""

        name: str
        value: Value
        owner: object
        stroke: object = None
        """Turns of one stroke, such as a drag, belong together."""

    @dataclass
    class Refused(Message):
        """A typed value was not taken."""

        sentence: str

    @dataclass
    class Opened(Message):
        """A list or a text is to be edited."""

        name: str

    def __init__(self) -> None:
        """Every knob at its default, the cursor on the first."""
        super().__init__()
        self.hand = Gesture()
        """Which turns are one movement."""
        self._stroke: object = None
        """The drag that goes on."""
        self._moved = False
        """Whether it moved a stage."""

    # --- turning ----------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Value:
        """Where the knob with the cursor stands, or would with what is typed of it."""
        assert self.knob
        standing: Value = getattr(self.knobs, self.knob.name)
        try:
            return self.knob.parse(self.entry) if self.entry else standing
        except KnobError:
            return standing

    @property
    def typable(self) -> bool:
        """Whether the cursor is on a knob whose value can be typed."""
        return isinstance(self.line, KnobLine) and KNOBS[self.line.name].slides

    def turn(self, value: Value, *, stroke: object = None, taken: bool = False) -> None:
        """Turn the knob with the cursor. What loads the model anew waits, as if typed, until it is `taken`."""
        knob = self.knob
        if stroke is None:
            self.hand.leave()
        if not knob:
            return
        if knob.slides and not (knob.live or taken):
            self.type(knob.show(value))
        elif value != getattr(self.knobs, knob.name):
            owner = self.owner
            refused = {name: why for name, why in self.refused.items() if name != knob.name}
            self.show(owner, self.preset, turn(self.knobs, **{knob.name: value}), refused)
            self.post_message(self.Pointed())
            # Whose it was goes along: the list may be another's when the message arrives.
            self.post_message(self.Turned(knob.name, value, owner, stroke))

    def step(self, steps: int, coarse: bool = False) -> None:
        """Turn by steps; fold or open a heading; switch a stage off or on."""
        match self.line:
            case KnobLine(name) if KNOBS[name].slides:
                stroke = self.hand.stroke((name, steps > 0, coarse))
                self.turn(KNOBS[name].move(self.value, steps, coarse=coarse), stroke=stroke)
            case KnobLine(name) if KNOBS[name].orders:
                self.fold(name, steps < 0)
            case HeadingLine(group):
                self.fold(group, steps < 0)
            case OrderLine(name, entry) if (entry in getattr(self.knobs, name)) != (steps > 0):
                self.switch()

    def fold(self, name: str, folded: bool) -> None:
        """Fold a group or an order, or open it."""
        self.hand.leave()
        self.lines.fold(name, folded)
        self.settle()
        self.repaint()

    def switch(self) -> None:
        """Fold or open what has the cursor; take a stage out of its order, or put it back; take the next word."""
        match self.line:
            case KnobLine(name) if KNOBS[name].slides:
                knob = KNOBS[name]
                low, high = knob.slider
                if knob.choices or (knob.kind is int and high - low <= 2):
                    self.turn(knob.at(0) if knob.share(self.value) == 1 else knob.move(self.value, 1))
            case HeadingLine(name) | KnobLine(name):
                self.fold(name, self.lines.is_open(name))
            case OrderLine(name, entry):
                self.turn(switched(getattr(self.knobs, name), entry, KNOBS[name].choices))

    def shift(self, steps: int, stroke: object = None) -> None:
        """Move the stage with the cursor up or down."""
        if isinstance(self.line, OrderLine) and self.line.entry in (order := getattr(self.knobs, self.line.name)):
            self.turn(moved(order, self.line.entry, steps), stroke=stroke)
            self.go(self.line)

    # --- typing -----------------------------------------------------------------------------------------------------

    def type(self, entry: str | None) -> None:
        """Show what has been typed of a value; None shows the value again."""
        self.entry = entry
        self.repaint()
        self.post_message(self.Pointed())

    def take(self) -> bool:
        """Take what was typed; where it cannot be taken it stays, and that is said."""
        if not self.knob or self.entry is None:
            return True
        try:
            value = self.knob.parse(self.entry) if self.entry.strip() else getattr(self.knobs, self.knob.name)
        except KnobError as error:
            self.post_message(self.Refused(str(error)))
            return False
        self.type(None)
        self.turn(value, taken=True)
        return True

    def go(self, line: Line) -> None:
        """Put the cursor on a line; what was typed where it was is taken."""
        if line != self.line:
            self.hand.leave()
            if self.entry is not None:
                self.take()
                self.entry = None
        super().go(line)

    def on_focus(self) -> None:
        """Show where the cursor is."""
        self.repaint()
        self.post_message(self.Pointed())

    def on_blur(self) -> None:
        """Take what was typed when the person moves on."""
        self.hand.leave()
        self.take()
        self.type(None)

    # --- mouse ------------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor there, and take hold of a slider or a stage."""
        line = self.line_at(event.y)
        if event.button != 1 or not line:
            return
        self.go(line)
        self._stroke, self._moved = object(), False
        if isinstance(line, OrderLine) or (self._slides(line) and event.x in self.columns.slider):
            self.capture_mouse()
            self._drag(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag what is held; else light up the line."""
        if self.app.mouse_captured is self:
            self._drag(event)
        elif (line := self.line_at(event.y)) != self.hovered:
            self.hovered = line
            self.repaint()

    def on_mouse_up(self) -> None:
        """Let go; what loads the model anew is taken now."""
        if self.app.mouse_captured is self:
            self.release_mouse()
            self.take()

    def on_leave(self) -> None:
        """Nothing is lit up any more."""
        self.hovered = None
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Fold a heading, open a list or a text, switch a stage; twice on a slider puts it back."""
        line, beyond = self.line_at(event.y), event.x >= self.columns.slider.start
        if line != self.line or self._moved:
            return
        if isinstance(line, HeadingLine) or (beyond and isinstance(line, OrderLine)):
            self.switch()
        elif isinstance(line, KnobLine) and beyond:
            knob = KNOBS[line.name]
            if knob.orders:
                self.switch()
            elif not knob.slides:
                self.post_message(self.Opened(knob.name))
            elif event.chain == 2:
                self.turn(getattr(self.preset, knob.name), taken=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """One step more, over a slider or its value; elsewhere the list scrolls."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """One step less, over a slider or its value; elsewhere the list scrolls."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        line = self.line_at(event.y)
        if line and self._slides(line) and event.x >= self.columns.slider.start:
            event.stop()
            event.prevent_default()
            self.go(line)
            self.step(steps)

    def _drag(self, event: events.MouseEvent) -> None:
        slider, target = self.columns.slider, self.line_at(event.y)
        if isinstance(self.line, KnobLine):
            share = (event.x - slider.start) / max(len(slider) - 1, 1)
            self.turn(KNOBS[self.line.name].at(share), stroke=self._stroke)
        elif isinstance(self.line, OrderLine) and isinstance(target, OrderLine):
            order = getattr(self.knobs, self.line.name)
            if {self.line.entry, target.entry} <= set(order):
                self._moved |= target != self.line
                self.shift(order.index(target.entry) - order.index(self.line.entry), self._stroke)

    def _slides(self, line: Line) -> bool:
        return isinstance(line, KnobLine) and KNOBS[line.name].slides
