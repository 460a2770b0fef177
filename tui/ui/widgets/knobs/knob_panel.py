"""Panel with the knobs of one side."""

from dataclasses import dataclass
from typing import ClassVar, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive

from tui.knobs.knob import Value
from tui.knobs.pair import KnobPair
from tui.knobs.table import KNOBS, THOUGHT_KNOBS, WHILE_THINKING, Knobs
from tui.session.knob_actions import KnobAction
from tui.ui.bindings import bind
from tui.ui.widgets.knobs.knob_help import KnobHelp, KnobHelpText, facts
from tui.ui.widgets.knobs.knob_lines import HeadingLine, KnobLine, OrderLine
from tui.ui.widgets.knobs.knob_list import KnobList
from tui.ui.widgets.knobs.knob_list_state import KnobListState, named
from tui.ui.widgets.knobs.knob_search import KnobSearch
from tui.ui.widgets.knobs.knob_sets import KnobSets

_LOW, _AIRY = 18, 34
"""Heights in lines: below the first the help is short, from the second on blank lines separate the groups."""

_NO_THOUGHTS = "This model's template knows no thoughts; think_open and think_close name the tags of one that has them."
_STARTS_ENTRY = tuple("0123456789.-")


class KnobPanel(Vertical):
    """Panel of knobs: the answer or thought tabs, the search, the list, and the help on the knob with the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up", "move(-1)", "Knob above", id="knob.above"),
        bind("down", "move(1)", "Knob below", id="knob.below"),
        bind("pageup", "move(-10)", "Ten above", id="knob.ten-above"),
        bind("pagedown", "move(10)", "Ten below", id="knob.ten-below"),
        bind("left", "step(-1)", "Less", id="knob.less", tooltip="Less; fold a heading; switch a stage off"),
        bind("right", "step(1)", "More", id="knob.more", tooltip="More; open a heading; switch a stage on"),
        bind("shift+left", "step(-1, True)", "Much less", id="knob.much-less"),
        bind("shift+right", "step(1, True)", "Much more", id="knob.much-more"),
        bind("home", "slide_to(0)", "Lowest", id="knob.lowest"),
        bind("end", "slide_to(1)", "Highest", id="knob.highest"),
        bind("enter", "enter", "Type", id="knob.type", tooltip="Type a value; open a list, a text or a heading"),
        bind("space", "switch", "Switch", id="knob.switch", tooltip="Fold a heading; switch a stage off or on"),
        bind("shift+up,K", "shift(-1)", "Earlier", id="knob.earlier",
             tooltip="A stage of the order: let it run earlier"),
        bind("shift+down,J", "shift(1)", "Later", id="knob.later", tooltip="A stage of the order: let it run later"),
        # Obeyed in on_key.
        bind("slash", "find", "Find", id="knob.find", show=True, key_display="/", tooltip="Find a knob by typing"),
        bind("r", "reset", "Reset", id="knob.reset", show=True, tooltip="Back to the preset; on a heading all of it"),
        bind("R", "ask('reset')", "Reset the knobs", id="knob.reset-all", tooltip="All back to the preset's values"),
        bind("u", "ask('undo')", "Undo a turn", id="knob.undo", tooltip="Undo the last turn of a knob"),
        bind("U,ctrl+y", "ask('redo')", "Redo a turn", id="knob.redo", tooltip="Redo the last undone turn"),
        bind("c", "ask('copy')", "Copy the knobs", id="knob.copy", tooltip="Copy all knobs to the other side"),
        bind("t", "pick", "Thinking", id="knob.thinking", tooltip="The knobs for the thought, or for the answer"),
        bind("s", "ask('save')", "Save as preset", id="knob.save", tooltip="Save the knobs as a preset"),
    ]  # fmt: skip

    refused: reactive[dict[str, str]] = reactive(dict[str, str])
    """Reasons by knob for those that the model or the engine refuses."""

    @dataclass
    class Asked(Message):
        """The user wants an action on all knobs, or on some."""

        action: KnobAction
        owner: object = None
        names: tuple[str, ...] = ()
        """Knobs to reset; none named means all."""

    def __init__(self) -> None:
        super().__init__()
        self.list = KnobList()
        self.sets, self._search, self._help = KnobSets(), KnobSearch(), KnobHelp()
        self.knobs, self.preset = Knobs(), Knobs()
        """Knobs of the set that is shown."""
        self._pairs = KnobPair(self.preset), KnobPair(self.knobs)
        self._owner: object = None

    def compose(self) -> ComposeResult:
        """Yield the tabs, the search, the list and the help."""
        yield self.sets
        yield self._search
        yield self.list
        yield self._help

    def focus(self, scroll_visible: bool = True, from_app_focus: bool = False) -> Self:
        """Focus the list."""
        self.list.focus(scroll_visible)
        return self

    def show(self, owner: object, preset: KnobPair | Knobs, knobs: KnobPair | Knobs) -> None:
        """Show the knobs of `owner` beside its preset; turns name the owner.

        Showing them as they were takes back a turn that the owner did not accept.
        """
        one, other = (each if isinstance(each, KnobPair) else KnobPair(each) for each in (preset, knobs))
        self._owner, self._pairs = owner, (one, other)
        self.pick(self.sets.thought and self.sets.thinks)

    def pick(self, thought: bool) -> None:
        """Show the knobs for the thought, or those for the answer."""
        self.sets.thought = thought
        self.preset, self.knobs = (each.effective_at(thought) for each in self._pairs)
        self.watch_refused()

    def go(self, name: str) -> None:
        """Put the cursor on a knob, and open its group."""
        if name not in KNOBS or self.sets.thought:
            self.pick(name in THOUGHT_KNOBS)
        name = name.removeprefix(WHILE_THINKING) if name in THOUGHT_KNOBS else name
        self.list.fold(KNOBS[name].group, False)
        self.list.go(KnobLine(name))

    def watch_refused(self) -> None:
        """Show the current knobs with these refusals."""
        self.list.show(self._owner, self.preset, self.knobs, self.refused, thought=self.sets.thought)
        self._search.turned = len(self.knobs.differing(self.preset))
        if self.list.has_focus:
            self._explain()

    def on_resize(self, event: events.Resize) -> None:
        """Give the knobs more room on a low terminal."""
        self.set_class(event.size.height < _LOW, "-low")
        self.list.state.lines.spacious = event.size.height >= _AIRY
        self.list.lay_out()

    # --- keys -------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Handle the keys of the search and of a typed value; a digit, minus or dot starts one."""
        there, search = self.list, self._search
        if search.typing and (text := edit_text(search.wanted, event)) is not None:
            self.find(text)
        elif search.typing and event.key == "enter":
            search.typing = False
        elif event.key == "escape" and there.state.entry is None and (search.typing or search.wanted):
            self.find("")
            search.typing = False
        elif there.state.entry is None and event.key == "slash":
            # Bindings are obeyed later, when the next letters are here already.
            search.typing = True
        elif there.state.entry is None:
            if not there.state.typable or (event.key != "enter" and event.character not in _STARTS_ENTRY):
                return
            there.type("" if event.key == "enter" else event.character)
        elif (text := edit_text(there.state.entry, event)) is not None:
            there.type(text)
        elif event.key == "enter":
            there.accept()
        elif event.key == "escape":
            there.type(None)
        elif event.key not in ("left", "right", "home", "end") or not (there.state.knob and there.state.knob.live):
            return
        event.stop()
        event.prevent_default()

    def find(self, wanted: str) -> None:
        """Filter the list, with the cursor on the first knob whose name matches."""
        state = self.list.state
        if not wanted and state.knob:  # the cursor stays on its knob
            state.lines.fold(state.knob.group, False)
        state.lines.wanted = wanted
        self.list.lay_out()
        if line := state.found():
            self.list.go(line)
        self._search.wanted, self._search.found = wanted, bool(self.list.virtual_size.height)

    def action_move(self, steps: int) -> None:
        """Move the cursor by some lines."""
        self.list.go(self.list.state.line_by(steps))

    def action_step(self, steps: int, coarse: bool = False) -> None:
        """Turn the knob by steps."""
        self.list.step(steps, coarse)

    def action_slide_to(self, share: float) -> None:
        """Turn the knob to one end of its slider; elsewhere move the cursor to the first or last line."""
        if self.list.state.knob and self.list.state.typable:
            self.list.turn(self.list.state.knob.at(share))
        else:
            self.list.go(self.list.state.line_by(len(KNOBS) * (1 if share else -1)))

    def action_enter(self) -> None:
        """Edit a list or a text; fold or open a heading or an order."""
        state = self.list.state
        if isinstance(state.line, KnobLine) and not KNOBS[state.line.name].orders:
            self.list.post_message(KnobList.Opened(state.line.name, state.value).set_sender(self.list))
        else:
            self.list.switch()

    def action_switch(self) -> None:
        """Fold a heading, switch a stage, or choose the next word."""
        self.list.switch()

    def action_shift(self, steps: int) -> None:
        """Move the stage with the cursor."""
        self.list.shift(steps)

    def action_reset(self) -> None:
        """Reset the knob, or those under the heading, to the preset."""
        if isinstance(self.list.state.line, HeadingLine):
            names = [row.name for row in self.list.state.lines.groups[self.list.state.line.group]]
            self.post_message(self.Asked("reset", self._owner, named(names, self.sets.thought)))
        elif self.list.state.knob:
            self.list.turn(getattr(self.preset, self.list.state.knob.name))

    def action_pick(self) -> None:
        """Show the other set of knobs."""
        if self.sets.thinks:
            self.list.gesture.leave()
            self.pick(not self.sets.thought)
        else:
            self._explain(_NO_THOUGHTS)

    def on_knob_sets_picked(self, event: KnobSets.Picked) -> None:
        """Show the set that was clicked."""
        event.stop()
        self.pick(event.thought)

    def action_ask(self, action: KnobAction) -> None:
        """Post that the user wants an action on all knobs."""
        self.list.gesture.leave()
        self.post_message(self.Asked(action, self._owner))

    # --- what the list says -----------------------------------------------------------------------------------------

    def on_knob_list_pointed(self, event: KnobList.Pointed) -> None:
        """Explain the line with the cursor."""
        event.stop()
        self._explain()

    def on_knob_list_refused(self, event: KnobList.Refused) -> None:
        """Explain why the typed value is not accepted."""
        self._explain(event.sentence)

    def accept_edit(self, name: str, value: Value | None) -> None:
        """Turn a knob to the value from its editor; None leaves it."""
        if value is not None:
            self.list.go(KnobLine(name))
            self.list.turn(value)

    def _explain(self, refusal: str = "") -> None:
        self._help.show(help_text(self.list.state), refusal)


def help_text(state: KnobListState) -> KnobHelpText:
    """Return the help on the line with the cursor."""
    line, knob = state.line, state.knob
    if isinstance(line, HeadingLine) or not knob:
        rows = state.lines.groups[line.group] if isinstance(line, HeadingLine) else ()
        return KnobHelpText(", ".join(row.name for row in rows))
    if isinstance(line, OrderLine):
        why = state.idle.get(line.entry)
        reason = f"○ {line.entry} does nothing: {why}." if why else ""
        return KnobHelpText(f"{knob.help} Shift+↑ ↓ or a drag moves it, Space switches it off and on.", reason=reason)
    known = facts(knob, getattr(state.preset, knob.name))
    if state.entry is not None and not knob.live:
        typed, standing = f"{state.entry} {knob.unit}".rstrip(), knob.show(getattr(state.knobs, knob.name))
        return KnobHelpText(f"Enter loads the model anew with {typed}; Esc leaves it at {standing}.", known)
    why, no = state.inert.get(knob.name), state.refused.get(knob.name)
    reason = f"✗ {no}" if no else f"○ No effect: {why}." if why else ""
    return KnobHelpText(knob.help, known, reason)


def edit_text(text: str, event: events.Key) -> str | None:
    """Return a text after a key was pressed; None if the key does not edit it."""
    if event.key == "backspace":
        return text[:-1]
    return text + event.character if event.is_printable and event.character else None
