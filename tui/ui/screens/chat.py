"""The chat: it owns the talk and the engine's life, and carries messages between them and the widgets."""

from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.conversation.conversation import ask
from tui.engine.process.pool import EnginePool, SlotEvent
from tui.engine.protocol import Failed, Load, Loaded
from tui.errors import EngineError, TwiddleError
from tui.presets.library import ResolvedSetting
from tui.prompt_line.commands import parse_command
from tui.session.knob_actions import run_knob_action
from tui.session.session import Session
from tui.session.side import Side
from tui.store.async_store import AsyncStore
from tui.terminal import safe
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.command_runner import CommandRunner
from tui.ui.controllers.comparison import Comparison
from tui.ui.controllers.message_actions import MessageActions
from tui.ui.controllers.picture_export import PictureExport
from tui.ui.controllers.presenter import Presenter
from tui.ui.controllers.preset_controller import PresetController
from tui.ui.controllers.token_inspector import Look
from tui.ui.palette import ChatCommands
from tui.ui.screens.chat_bindings import CHAT_BINDINGS
from tui.ui.screens.save_preset import SavePreset
from tui.ui.terminal.frame_clock import FrameClock
from tui.ui.widgets.footer import Footer
from tui.ui.widgets.knobs.knob_list import KnobList
from tui.ui.widgets.knobs.knob_panel import KnobPanel
from tui.ui.widgets.pane import Pane
from tui.ui.widgets.prompt.composer import Composer
from tui.ui.widgets.prompt.prompt import Prompt
from tui.ui.widgets.status import Status
from tui.ui.widgets.tokens.candidates import Candidates
from tui.ui.widgets.tokens.token_view import TokenView
from tui.ui.widgets.too_small import LEAST, TooSmall
from tui.ui.widgets.transcript.message_list import MessageList
from tui.ui.widgets.transcript.transcript import Transcript

WELCOME = """\
Write below and press Enter; Ctrl+T shows how sure it was of every token.
Tab to a knob (if hidden, F4): ← → turns it, and the very next token obeys.
F2 presets · F3 two side by side · F1 every key · Ctrl+P all by name"""


class ChatScreen(Screen[None]):
    """One side and its knobs, or two sides beside each other."""

    BINDINGS = CHAT_BINDINGS
    COMMANDS = {ChatCommands}
    AUTO_FOCUS = "Prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (LEAST[0], "-narrow"), (100, "-wide"), (150, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST[1], "-low"), (36, "-tall")]

    active: reactive[int] = reactive(0, init=False)
    """Which side's knobs are shown."""

    @dataclass
    class EngineSaid(Message):
        """An event came from an engine."""

        said: SlotEvent

    def __init__(
        self,
        engines: EnginePool,
        chosen: tuple[ResolvedSetting, ...],
        loads: tuple[Load, ...],
        store: AsyncStore | None,
    ) -> None:
        """There is a side for each setting; `engines` hold what they load already."""
        super().__init__()
        self._engines = engines
        self._session = Session([Side(each, load) for each, load in zip(chosen, loads, strict=True)], engines)
        self._panes = [Pane() for _ in chosen]
        self._knobs, self._candidates, self._status = KnobPanel(), Candidates(), Status()
        self._composer = Composer("Ask something; Enter sends. / for commands, F1 for all keys")
        self._composer.keeping = store is not None
        self._prompt = self._composer.prompt
        self._comparison = Comparison(self, self._session, self._panes, self._prompt)
        self._preset_controller = PresetController(self, self._session)
        self.autosave = Autosave(store, self._session, self._panes, self._status)
        shown = self._knobs, self._candidates, self._status
        self._presenter = Presenter(self._session, engines, self._comparison.view, self._panes, *shown)
        # Candidates and rates: eyes want no more, and the model wants the core.
        self._drawing = FrameClock(self, lambda: self._presenter.draw(self.active), every=4)
        self._inspector = self._presenter.inspector
        self._inspector.recall = self.autosave.recall
        picture_export = PictureExport(self, self._session, self._inspector)
        self._runner = CommandRunner(
            self,
            self._session,
            engines,
            self._comparison,
            self._composer,
            self.autosave,
            self._preset_controller,
            picture_export,
        )
        self._message_actions = MessageActions(self._session, self._panes, self._presenter, self._prompt)

    @property
    def side(self) -> Side:
        """The side whose knobs are shown."""
        return self._session.sides[self.active]

    @property
    def focus_chain(self) -> list[Widget]:
        """Tab goes from the prompt to the first knob, wherever that stands."""
        return sorted(super().focus_chain, key=lambda each: (isinstance(each, Prompt), isinstance(each, Transcript)))

    def compose(self) -> ComposeResult:
        with Horizontal(id="desk"):
            yield self._comparison.grid
            with Vertical(id="side"):
                yield self._knobs
                yield self._candidates
        yield self._composer
        yield self._status
        yield Footer()
        yield TooSmall()

    def on_mount(self) -> None:
        """Listen to the engine and let the person type: the model may take its time."""
        for pane in self._panes:
            pane.transcript.placeholder = WELCOME
        self._listen()
        self.set_interval(1, self._preset_controller.look)
        self._presenter.show(self.active)
        self._comparison.announce()
        self.autosave.begin(self.app)

    def watch_active(self) -> None:
        """Show the knobs of the side that became the active one."""
        self._presenter.show(self.active)
        self._session.preview(self.side)

    # --- the engine -------------------------------------------------------------------------------------------------

    @work(group="engine", exclusive=True)
    async def _listen(self) -> None:
        async for said in self._engines.events():
            self.post_message(self.EngineSaid(said))

    def on_chat_screen_engine_said(self, message: EngineSaid) -> None:
        """Bring the sides up to date, then the widgets."""
        was_busy, said = self._session.busy, message.said
        side = self._session.on_event(said.event, said.load)
        self._presenter.on_event(said, side)
        self._presenter.show_engine()
        if isinstance(said.event, Loaded) and said.load == self.side.load:
            self._composer.context = said.event.info.context
        if self._session.busy:
            self._drawing.ask()
            return
        self._presenter.draw(self.active)
        if isinstance(said.event, Failed) and side:
            self._composer.give_back(side.question)
        if isinstance(said.event, Loaded) or was_busy:
            self._session.preview(self.side)

    # --- what the person does ---------------------------------------------------------------------------------------

    @on(Composer.Asked)
    @on(Composer.Commanded)
    async def _take(self, event: Composer.Asked | Composer.Commanded) -> None:
        """A question or a command; what cannot be done with now is there to be mended or sent later."""
        try:
            if isinstance(event, Composer.Commanded):
                await self._runner.run(parse_command(event.text))
            elif self._message_actions.editing:
                self._check_idle()
                await self._engines.revive()
                await self.autosave.save_first(self._message_actions.reworded(event.text))
                self._message_actions.send(event.text)
            else:
                await self._ask(event.text)
        except TwiddleError as error:
            self._composer.put_back(event.draft)
            self._refuse(error)

    async def _ask(self, text: str) -> None:
        self._check_idle()
        await self._engines.revive()
        only = self._comparison.only
        asked = [side for side in self._session.sides if only in (None, side)]
        await self.autosave.save_first({side: ask(side.conversation, text) for side in asked})
        self._session.ask(text, only)
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            if side in asked:
                pane.transcript.ask(text)
        self._presenter.begin()

    async def action_obey(self, line: str) -> None:
        """Do what a slash command says: a key is short for one."""
        try:
            await self._runner.run(parse_command(line))
        except TwiddleError as error:
            self._refuse(error)

    async def on_message_list_wanted(self, event: MessageList.Wanted) -> None:
        """Do something with a message said before."""
        pairs = zip(self._session.sides, self._panes, strict=True)
        side = next((side for side, pane in pairs if pane.transcript is event.transcript), self.side)
        try:
            if event.wish == "fork":
                await self._comparison.add(side.fork(event.turn))
                return
            await self._engines.revive()
            if event.wish == "continue":
                await self.autosave.recall(side, event.turn)
            self._message_actions.grant(event.wish, side, event.turn)
        except TwiddleError as error:
            self._refuse(error)

    @on(KnobList.Turned)
    @on(KnobPanel.Asked)
    def _turn_knobs(self, event: KnobList.Turned | KnobPanel.Asked) -> None:
        """Do to the knobs of a side what the panel asks for."""
        side = next((each for each in self._session.sides if each is event.owner), None)
        if side is None:  # it was dropped meanwhile
            return
        if isinstance(event, KnobPanel.Asked) and event.deed == "save":

            async def use(name: str | None) -> None:
                if name:
                    await self.action_obey(f"/preset {name}")

            self.app.push_screen(SavePreset(side.preset, side.pair), use)
            return
        try:
            with self._session.undo_on_error():
                if isinstance(event, KnobList.Turned):
                    self._session.turn(side, event.name, event.value, event.stroke)
                    changed = None
                else:
                    changed = run_knob_action(self._session, side, event.deed, event.names)
                self.settle()
            if changed:
                self._knobs.go(changed)
        except TwiddleError as error:
            self._presenter.show(self.active)
            self._refuse(error)

    @on(TokenView.Picked)
    @on(TokenView.Entered)
    @on(Candidates.Chosen)
    @on(Candidates.Left)
    async def action_look(self, event: Look | None = None) -> None:
        """Look at a reply token by token, and go on with what the person does there."""
        try:
            if isinstance(event, Candidates.Chosen):
                await self._engines.revive()
                self._message_actions.branch(*self._inspector.place(self.active), event.candidate)
            await self._inspector.follow(event, self.active)
        except TwiddleError as error:
            self._refuse(error)

    def on_pane_entered(self, event: Pane.Entered) -> None:
        """The knobs follow the focus."""
        if event.pane in self._panes:  # it may be on its way out
            self.active = self._panes.index(event.pane)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """What there is nothing for now is not offered."""
        if not self._comparison.offers(action, parameters):
            return False
        if action == "stop":
            running = self._session.busy or (self._message_actions.editing and self._prompt.has_focus)
            return running if not parameters else not running and not self._prompt.has_focus
        return (action != "look" and parameters != ("/again",)) or bool(self.side.conversation.turns)

    def action_stop(self, running: bool = True) -> None:
        """Stop what is being written or reworded; with nothing to stop, go back to the prompt."""
        if not running:
            self._prompt.focus()
        elif self._message_actions.editing and self._prompt.has_focus:
            self._message_actions.give_up()
        else:
            self._session.stop()

    def action_interrupt(self) -> None:
        """As in a shell: copy what is selected, else stop the reply, else drop what is typed."""
        if self.get_selected_text():
            self.action_copy_text()
        elif self._session.busy:
            self._session.stop()
        elif not self._composer.clear():
            self.notify("Ctrl+Q closes twiddle.", markup=False)

    async def again(self) -> None:
        """Have every side answer its last question anew."""
        self._check_idle()
        if not self.side.conversation.turns:
            raise EngineError("There is no question to answer again yet.")
        await self._engines.revive()
        self._session.answer_again(self._comparison.only)
        for pane, side in zip(self._panes, self._session.sides, strict=True):
            pane.transcript.show(side.conversation)
        self._presenter.begin()

    def _check_idle(self) -> None:
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")

    def action_toggle_knobs(self) -> None:
        """Show the knobs and go to the first, or hide them."""
        # Two classes, so that what was asked for on a narrow screen means nothing on a wide one.
        self.query_one("#side").toggle_class("-shown" if self.has_class("-narrow") else "-hidden")
        if self.query_one("#side").display:
            self._knobs.focus()
        else:
            self._prompt.focus()

    # --- changes ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Whatever was changed, show it, and how the next token would be chosen now; raises TwiddleError."""
        self._session.apply_settings()
        self._presenter.show(self.active)
        self._session.preview(self.side)

    def say(self, text: str) -> None:
        """A line of our own in the active pane."""
        self._panes[self.active].transcript.notice(text)

    def clear(self) -> None:
        """Begin a new chat with the same settings."""
        self._session.end_replies()
        self.autosave.save()  # the end of the old chat
        self._session.clear()
        self.autosave.save()  # that another begins
        for pane in self._panes:
            pane.transcript.clear()
        self._session.preview(self.side)

    def _refuse(self, error: TwiddleError) -> None:
        self.notify(safe(str(error)), severity="error", markup=False)
