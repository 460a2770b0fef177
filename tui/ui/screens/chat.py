"""The chat: it owns the talk and the engine's life, and carries messages between them and the widgets."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from tui.chat import ask
from tui.engine.client import Engine
from tui.engine.protocol import Event, Failed, Load, Loaded
from tui.errors import EngineError, TwiddleError
from tui.presets.library import Chosen, resolve
from tui.settings import parse_setting
from tui.side import Side
from tui.slash import parse_slash
from tui.store.diary import Diary
from tui.talk import Talk
from tui.terminal import safe
from tui.turning import obey
from tui.ui.errands import Errands
from tui.ui.keeper import Keeper
from tui.ui.narrator import Narrator
from tui.ui.palette import ChatCommands
from tui.ui.revising import Revising
from tui.ui.screens.save_preset import SavePreset
from tui.ui.widgets.candidates import Candidates
from tui.ui.widgets.composer import Composer, Draft
from tui.ui.widgets.knobs import KnobPanel
from tui.ui.widgets.messages import Messages
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.prompt import Prompt
from tui.ui.widgets.status import Status
from tui.ui.widgets.transcript import Transcript

WELCOME = """\
Write below and press Enter.
Tab to a knob and turn it with ← →, also while a reply is being written:
it acts on the very next token. F4 shows or hides the knobs.
F2 presets · F3 compare · F1 all keys"""

DRAWS_A_SECOND = 12
"""How often candidates and rates are drawn while tokens come: eyes want no more, and the model wants the core."""


class ChatScreen(Screen[None]):
    """One side and its knobs, or two sides beside each other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "obey('/help')", "Help", tooltip="These keys and commands"),
        Binding("f2", "obey('/preset')", "Presets", tooltip="Switch the preset; the conversation stays"),
        Binding(
            "f3",
            "obey('/compare')",
            "Compare",
            tooltip="A second side with its own knobs; with two, keep the active one",
        ),
        Binding("f4", "toggle_knobs", "Knobs", tooltip="Show or hide the knobs"),
        Binding("f5", "obey('/tree')", "Tree", show=False, tooltip="Every version of every message; go to one"),
        # By priority, since F6 is a key of TextArea.
        Binding("f6", "other_side", "Side", show=False, tooltip="Make the other side the active one", priority=True),
        Binding("escape", "stop", "Stop", tooltip="Stop the reply; then back to the prompt"),
        Binding("ctrl+c", "interrupt", "Copy, stop or clear", show=False),
        Binding("ctrl+r", "obey('/again')", "Again", tooltip="Another answer to the last question"),
        Binding("ctrl+o", "obey('/history')", "History", show=False, tooltip="Go on with a conversation that was kept"),
        Binding("ctrl+n", "obey('/clear')", "New", tooltip="A new chat with the same settings"),
    ]
    COMMANDS = {ChatCommands}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]

    active: reactive[int] = reactive(0, init=False)
    """Which side's knobs are shown."""

    @dataclass
    class EngineSaid(Message):
        """An event came from the engine."""

        event: Event

    def __init__(self, engine: Engine, load: Load, chosen: tuple[Chosen, ...], diary: Diary | None) -> None:
        """`engine` runs already and was sent `load`; there is a side for each setting."""
        super().__init__()
        self._engine, self._loaded = engine, load
        self._talk = Talk([Side(each) for each in chosen], engine.send)
        self._panes = [Pane() for _ in chosen]
        self._knobs, self._candidates, self._status = KnobPanel(), Candidates(), Status()
        self._composer = Composer("Ask something. Enter sends, Ctrl+J begins a new line, / begins a command.")
        self._prompt = self._composer.prompt
        self.keeper = Keeper(diary, self._talk, self._panes, self._status)
        self._errands = Errands(self, self._talk, self._panes, self._composer, self.keeper)
        self._narrator = Narrator(self._talk, self._panes, self._knobs, self._candidates, self._status)
        self._revising = Revising(self._talk, self._panes, self._narrator, self._prompt)

    @property
    def side(self) -> Side:
        """The side whose knobs are shown."""
        return self._talk.sides[self.active]

    @property
    def focus_chain(self) -> list[Widget]:
        """Tab goes from the prompt to the first knob, wherever that stands."""
        return sorted(super().focus_chain, key=lambda each: (isinstance(each, Prompt), isinstance(each, Transcript)))

    def compose(self) -> ComposeResult:
        with Horizontal(id="desk"):
            yield Horizontal(*self._panes, id="panes")
            with Vertical(id="side"):
                yield self._knobs
                yield self._candidates
        yield self._composer
        yield self._status
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Listen to the engine and let the person type: the model may take its time."""
        for pane in self._panes:
            pane.transcript.placeholder = WELCOME
        self._listen()
        self._drawing = self.set_interval(1 / DRAWS_A_SECOND, lambda: self._narrator.draw(self.active), pause=True)
        self._narrator.show(self.active)
        self.keeper.begin(self.app)
        self._prompt.focus()

    def watch_active(self) -> None:
        """Show the knobs of the side that became the active one."""
        self._narrator.show(self.active)
        self._talk.look(self.side)

    # --- the engine -------------------------------------------------------------------------------------------------

    @work(group="engine", exclusive=True)
    async def _listen(self) -> None:
        async for event in self._engine.events():
            self.post_message(self.EngineSaid(event))

    def on_chat_screen_engine_said(self, message: EngineSaid) -> None:
        """Bring the sides up to date, then the widgets."""
        was_busy = self._talk.busy
        side = self._talk.take(message.event)
        self._narrator.tell(message.event, side)
        if self._talk.busy:
            return
        self._drawing.pause()
        self._narrator.draw(self.active)
        if isinstance(message.event, Failed) and side:
            self._composer.give_back(side.question)
        if isinstance(message.event, Loaded):
            self._composer.context = message.event.info.context
        if isinstance(message.event, Loaded) or was_busy:
            self._talk.look(self.side)

    async def _revive(self) -> None:
        """Start a new engine where the last one died, and load again what could not be loaded."""
        if not self._engine.alive:
            await self._engine.start()
            self._listen()
        elif self._status.state != "failed":
            return
        self._status.state, self._status.progress = "loading", 0.0
        self._engine.send(self._loaded)

    # --- what the person does ---------------------------------------------------------------------------------------

    async def on_composer_asked(self, event: Composer.Asked) -> None:
        """Put a question to every side; one that cannot be asked now is there to be sent later."""
        try:
            if self._revising.editing:
                await self._revive()
                await self.keeper.ahead(self._revising.reworded(event.text))
                self._revising.send(event.text)
            else:
                await self._ask(event.text)
        except TwiddleError as error:
            self._composer.put_back(event.draft)
            self._refuse(error)

    async def _ask(self, text: str) -> None:
        if self._talk.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        await self._revive()
        await self.keeper.ahead({side: ask(side.conversation, text) for side in self._talk.sides})
        self._talk.ask(text)
        for pane in self._panes:
            pane.transcript.ask(text)
        self._narrator.begin()
        self._drawing.resume()

    async def on_composer_commanded(self, event: Composer.Commanded) -> None:
        """Obey; a line that cannot be obeyed is there to be mended."""
        try:
            await self._errands.run(parse_slash(event.line))
        except TwiddleError as error:
            self._composer.put_back(Draft(event.line))
            self._refuse(error)

    async def action_obey(self, line: str) -> None:
        """Do what a slash command says: a key is short for one."""
        try:
            await self._errands.run(parse_slash(line))
        except TwiddleError as error:
            self._refuse(error)

    async def on_messages_wanted(self, event: Messages.Wanted) -> None:
        """Do something with a message said before."""
        pairs = zip(self._talk.sides, self._panes, strict=True)
        side = next((side for side, pane in pairs if pane.transcript is event.messages), self.side)
        try:
            if event.wish == "fork":
                await self._compare_with(side.fork(event.turn))
                return
            await self._revive()
            self._revising.grant(event.wish, side, event.turn)
            self._drawing.resume()
        except TwiddleError as error:
            self._refuse(error)

    @on(KnobPanel.Turned)
    @on(KnobPanel.Asked)
    def _turn_knobs(self, event: KnobPanel.Turned | KnobPanel.Asked) -> None:
        """Do to the knobs of a side what the panel asks for."""
        side = next((each for each in self._talk.sides if each is event.owner), self.side)
        if isinstance(event, KnobPanel.Asked) and event.deed == "save":

            async def use(name: str | None) -> None:
                if name:
                    await self.action_obey(f"/preset {name}")

            self.app.push_screen(SavePreset(side.preset, side.knobs), use)
            return
        try:
            if isinstance(event, KnobPanel.Turned):
                self._talk.turn(side, event.name, event.value, event.stroke)
                self.settle()
                return
            changed = obey(self._talk, side, event.deed)
            self.settle()
            if changed:
                self._knobs.go(changed)
        except TwiddleError as error:
            self._narrator.show(self.active)
            self._refuse(error)

    def on_pane_entered(self, event: Pane.Entered) -> None:
        """The knobs follow the focus."""
        self.active = self._panes.index(event.pane)

    def action_stop(self) -> None:
        """Stop what is being written; with nothing to stop, go back to the prompt."""
        if self._revising.editing and self._prompt.has_focus:
            self._revising.give_up()
        elif self._talk.busy:
            self._talk.stop()
        else:
            self._prompt.focus()

    def action_interrupt(self) -> None:
        """As in a shell: copy what is selected, else stop the reply, else drop what is typed."""
        if self.get_selected_text():
            self.action_copy_text()
        elif self._talk.busy:
            self._talk.stop()
        elif not self._composer.clear():
            self.notify("Ctrl+Q closes twiddle.", markup=False)

    async def again(self) -> None:
        """Have every side answer its last question anew."""
        if self._talk.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        if not self.side.conversation.turns:
            raise EngineError("There is no question to answer again yet.")
        await self._revive()
        self._talk.again()
        for pane, side in zip(self._panes, self._talk.sides, strict=True):
            pane.transcript.show(side.conversation)
        self._narrator.begin()
        self._drawing.resume()

    async def compare(self, setting: str | None = None) -> None:
        """Put a side beside this one, with a setting of its own or this one's; with two, keep the active one."""
        if setting is not None:
            await self._compare_with(Side(resolve(parse_setting(setting)), self.side.conversation))
            return
        if len(self._panes) == 1:
            await self._compare_with(self.side.fork())
            return
        dropped = 1 - self.active
        self._talk.stop(self._talk.sides.pop(dropped))
        pane = self._panes.pop(dropped)
        self.active = 0
        self.settle()
        await pane.remove()  # last: other messages are handled meanwhile, and find sides and panes in step

    def action_toggle_knobs(self) -> None:
        """Show the knobs and go to the first, or hide them."""
        # Two classes, so that what was asked for on a narrow screen means nothing on a wide one.
        self.query_one("#side").toggle_class("-shown" if self.has_class("-narrow") else "-hidden")
        if self.query_one("#side").display:
            self._knobs.focus()
        else:
            self._prompt.focus()

    def action_other_side(self) -> None:
        """Make the next side the active one."""
        self.active = (self.active + 1) % len(self._panes)

    # --- changes ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Whatever was changed, show it, and how the next token would be chosen now."""
        load = self._talk.load()
        if load != self._loaded:
            if self._talk.busy:
                raise EngineError("This loads the model anew; a reply is being written, so press Esc first.")
            self._loaded = load
            if self._engine.alive:
                self._status.state, self._status.progress = "loading", 0.0
                self._engine.send(load)
        self._narrator.show(self.active)
        self._talk.look(self.side)

    async def _compare_with(self, side: Side) -> None:
        if self._talk.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        if len(self._panes) > 1:
            raise EngineError("There are two sides already; F3 keeps the active one.")
        self._talk.sides.append(side)
        try:
            self._talk.load()
        except TwiddleError:
            self._talk.sides.pop()
            raise
        pane = Pane()
        self._panes.append(pane)
        await self.query_one("#panes").mount(pane)
        pane.transcript.placeholder = WELCOME
        pane.transcript.show(side.conversation)
        self.active = 1

    def _refuse(self, error: TwiddleError) -> None:
        self.notify(safe(str(error)), severity="error", markup=False)
