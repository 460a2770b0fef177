"""Chat screen: owner of the session, which passes events between widgets, session and engines."""

from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.engine.process.pool import EnginePool, SlotEvent
from tui.engine.protocol import Failed, Load, Loaded
from tui.errors import Refusal, TwiddleError
from tui.knobs.table import KNOBS
from tui.presets.library import ResolvedSetting
from tui.prompt_line.commands import parse_command
from tui.session.knob_actions import run_knob_action
from tui.session.session import Session
from tui.session.side import Side
from tui.store.async_store import AsyncStore
from tui.terminal import safe
from tui.ui.bindings import CHAT_BINDINGS
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.command_runner import CommandRunner
from tui.ui.controllers.comparison import Comparison
from tui.ui.controllers.host import Column, pane_of
from tui.ui.controllers.message_actions import MessageActions
from tui.ui.controllers.picture_export import PictureExport
from tui.ui.controllers.presenter import Presenter
from tui.ui.controllers.preset_controller import PresetController
from tui.ui.controllers.token_inspector import LookEvent
from tui.ui.palette import ChatCommands
from tui.ui.screens.knob_editor import KnobEditor
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
Write below and press Enter; Ctrl+T shows the probability of every token.
Tab goes to the knobs (F4 shows them); ← → turns one from the next token on.
F2 presets · F3 two settings side by side · F1 keys · Ctrl+P search commands"""


class ChatScreen(Screen[None]):
    """Up to four sides beside each other, and the knobs of the active one."""

    BINDINGS = CHAT_BINDINGS
    COMMANDS = {ChatCommands}
    AUTO_FOCUS = "Prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-cramped"), (LEAST[0], "-narrow"), (100, "-wide"), (150, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST[1], "-low"), (36, "-tall")]

    active: reactive[int] = reactive(0, init=False)
    """Index of the column whose knobs are shown."""

    @dataclass
    class EngineEvent(Message):
        """Event of an engine."""

        slot_event: SlotEvent

    def __init__(
        self,
        engines: EnginePool,
        chosen: tuple[ResolvedSetting, ...],
        loads: tuple[Load, ...],
        store: AsyncStore | None,
    ) -> None:
        """Build a side for each setting; `engines` are loading its model already."""
        super().__init__()
        self._engines = engines
        self._columns = [Column(Side(each, load), Pane()) for each, load in zip(chosen, loads, strict=True)]
        self._session = Session([column.side for column in self._columns], engines)
        self._knobs, self._candidates, self._status = KnobPanel(), Candidates(), Status()
        self._composer = Composer("Ask something; Enter sends. / for commands, F1 for all keys")
        self._composer.keeping = store is not None
        self.opening_notice = ""
        """Notice below the conversation when the chat opens."""
        self._prompt = self._composer.prompt
        self.autosave = Autosave(store, self._session, self._columns, self._status)
        self._comparison = Comparison(self, self._session, self._columns, self._prompt, self.autosave)
        self._preset_controller = PresetController(self, self._session)
        widgets = self._knobs, self._candidates, self._status
        self._presenter = Presenter(self._session, engines, self._comparison.view, self._columns, *widgets)
        # Candidates and rates at every fourth frame: eyes need no more, and the model needs the core.
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
        self._message_actions = MessageActions(self._session, self._columns, self._presenter, self._prompt)

    @property
    def side(self) -> Side:
        """Active side: the one whose knobs are shown."""
        return self._columns[self.active].side

    @property
    def focus_chain(self) -> list[Widget]:
        """Order of Tab: other widgets, transcripts, prompt; so Tab goes from the prompt to the first knob."""
        return sorted(super().focus_chain, key=lambda each: (isinstance(each, Prompt), isinstance(each, Transcript)))

    def compose(self) -> ComposeResult:
        """Yield the columns beside the knobs and candidates, and below them the composer and the status line."""
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
        """Start to listen to the engines; the prompt takes text while a model is still loading."""
        for column in self._columns:
            column.pane.transcript.placeholder = WELCOME
        self._listen()
        self.set_interval(1, self._preset_controller.reload_changed)
        self._presenter.show(self.active)
        self._comparison.show_addressee()
        self.autosave.start(self.app)
        if self.opening_notice:
            self.add_notice(self.opening_notice)

    def watch_active(self) -> None:
        """Show the knobs of the newly active side."""
        self._presenter.show(self.active)
        self._session.preview(self.side)

    # --- events of the engines --------------------------------------------------------------------------------------

    @work(group="engine", exclusive=True)
    async def _listen(self) -> None:
        async for slot_event in self._engines.events():
            self.post_message(self.EngineEvent(slot_event))

    def on_chat_screen_engine_event(self, message: EngineEvent) -> None:
        """Apply the event to the sides, then show it."""
        was_busy, slot_event = self._session.busy, message.slot_event
        event, load = slot_event.event, slot_event.load
        subject = self._session.on_event(event, load)
        self._presenter.on_event(slot_event, subject)
        self._presenter.show_engine()
        if isinstance(event, Loaded) and load == self.side.load:
            self._composer.context = event.info.context
        if self._session.busy:
            self._drawing.request()
            return
        self._presenter.draw(self.active)
        if isinstance(event, Failed) and isinstance(subject, Side):
            self._composer.restore_failed(subject.question)
        if isinstance(event, Loaded) or was_busy:
            self._session.preview(self.side)

    # --- questions and commands -------------------------------------------------------------------------------------

    @on(Composer.Asked)
    @on(Composer.Commanded)
    async def _submit(self, event: Composer.Asked | Composer.Commanded) -> None:
        """Send a question or run a command; what fails goes back into the prompt."""
        try:
            if isinstance(event, Composer.Commanded):
                await self._runner.run(parse_command(event.text))
            else:
                await self._ask(event.text)
        except TwiddleError as error:
            self._composer.restore(event.draft)
            self._show_error(error)

    async def _ask(self, text: str) -> None:
        """Prepare the question, store it, commit it: a crash of the engine cannot lose it. Raises TwiddleError."""
        self._session.require_idle()
        await self._engines.revive()
        if self._message_actions.editing:
            asked = self._message_actions.prepare(text)
            await self.autosave.save_first(asked)
            self._message_actions.commit(asked)
            return
        asked = self._session.prepare(text, self._comparison.only)
        await self.autosave.save_first(asked)
        self._session.commit(asked)
        for side in asked.after:
            pane_of(self._columns, side).transcript.ask(text)
        self._presenter.show_started()

    async def answer_again(self) -> None:
        """Have the sides that are asked answer their last question again; raises TwiddleError."""
        self._session.require_idle()
        if not self.side.conversation.turns:
            raise Refusal("There is no question to answer again yet.")
        await self._engines.revive()
        self._session.answer_again(self._comparison.only)
        for column in self._columns:
            column.pane.transcript.show(column.side.conversation)
        self._presenter.show_started()

    async def action_run(self, line: str) -> None:
        """Run a slash command; most keys are bound to one."""
        try:
            await self._runner.run(parse_command(line))
        except TwiddleError as error:
            self._show_error(error)

    # --- knobs, messages and tokens ---------------------------------------------------------------------------------

    @on(KnobList.Turned)
    @on(KnobPanel.Asked)
    def _turn_knobs(self, event: KnobList.Turned | KnobPanel.Asked) -> None:
        """Turn a knob, or run an action on all knobs, of the side that the panel shows."""
        side = next((each for each in self._session.sides if each is event.owner), None)
        if side is None:  # dropped meanwhile
            return
        if isinstance(event, KnobPanel.Asked) and event.action == "save":

            async def use(name: str | None) -> None:
                if name:
                    await self.action_run(f"/preset {name}")

            self.app.push_screen(SavePreset(side.preset, side.pair), use)
            return
        try:
            with self._session.undo_on_error():
                if isinstance(event, KnobList.Turned):
                    self._session.turn(side, event.name, event.value, event.stroke)
                    changed = None
                else:
                    changed = run_knob_action(self._session, side, event.action, event.names)
                self.apply_settings()
            if changed:
                self._knobs.go(changed)
        except TwiddleError as error:
            self._presenter.show(self.active)
            self._show_error(error)

    def on_knob_list_opened(self, event: KnobList.Opened) -> None:
        """Open the editor of a list or a text."""
        self.app.push_screen(KnobEditor(KNOBS[event.name], event.value), partial(self._knobs.accept_edit, event.name))

    async def on_message_list_action_requested(self, event: MessageList.ActionRequested) -> None:
        """Run an action on an older message."""
        sides = [column.side for column in self._columns if column.pane.transcript is event.transcript]
        side = sides[0] if sides else self.side
        try:
            if event.action == "fork":
                await self._comparison.add(side.fork(event.turn))
                return
            await self._engines.revive()
            if event.action == "continue":
                await self.autosave.recall(side, event.turn)
            self._message_actions.run(event.action, side, event.turn)
        except TwiddleError as error:
            self._show_error(error)

    @on(TokenView.Picked)
    @on(TokenView.Entered)
    @on(Candidates.Chosen)
    @on(Candidates.Left)
    async def action_look(self, event: LookEvent | None = None) -> None:
        """Open or close the token view, move in it, or branch at a token."""
        try:
            if isinstance(event, Candidates.Chosen):
                await self._engines.revive()
                self._message_actions.branch(*self._inspector.branch_position(self.active), event.candidate)
            await self._inspector.on_look(event, self.active)
        except TwiddleError as error:
            self._show_error(error)

    def on_pane_entered(self, event: Pane.Entered) -> None:
        """Make the column with the focus active."""
        self.active = next((i for i, column in enumerate(self._columns) if column.pane is event.pane), self.active)

    # --- other actions ----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Return False for actions that make no sense now: the footer and the palette leave them out."""
        if not self._comparison.offers(action, parameters):
            return False
        if action == "stop":
            running = self._session.busy or (self._message_actions.editing and self._prompt.has_focus)
            return running if not parameters else not running and not self._prompt.has_focus
        return (action != "look" and parameters != ("/again",)) or bool(self.side.conversation.turns)

    def action_stop(self, running: bool = True) -> None:
        """Stop replies, or cancel an edit; with nothing to stop, focus the prompt."""
        if not running:
            self._prompt.focus()
        elif self._message_actions.editing and self._prompt.has_focus:
            self._message_actions.cancel_edit()
        else:
            self._session.stop()

    def action_interrupt(self) -> None:
        """Copy the selection, else stop the reply, else clear the prompt, like Ctrl+C in a shell."""
        if self.get_selected_text():
            self.action_copy_text()
        elif self._session.busy:
            self._session.stop()
        elif not self._composer.clear():
            self.notify("Ctrl+Q closes twiddle.", markup=False)

    def action_toggle_knobs(self) -> None:
        """Show the knobs and focus the first, or hide them."""
        # Two classes, because hiding on a wide screen must not hide on a narrow one, and the other way round.
        self.query_one("#side").toggle_class("-shown" if self.has_class("-narrow") else "-hidden")
        if self.query_one("#side").display:
            self._knobs.focus()
        else:
            self._prompt.focus()

    # --- for the controllers ----------------------------------------------------------------------------------------

    def apply_settings(self) -> None:
        """Apply changed presets and knobs to the engines and show them; raises TwiddleError."""
        self._session.apply_settings()
        self._presenter.show(self.active)
        self._session.preview(self.side)

    def add_notice(self, text: str) -> None:
        """Add a line of twiddle's own to the active transcript."""
        self._columns[self.active].pane.transcript.notice(text)

    def clear(self) -> None:
        """Start a new chat with the same settings."""
        self._session.end_replies()
        self.autosave.save()  # the end of the old chat
        self._session.clear()
        self.autosave.save()  # without turns: the next save is a new chat
        for column in self._columns:
            column.pane.transcript.clear()
        self._session.preview(self.side)

    def _show_error(self, error: TwiddleError) -> None:
        self.notify(safe(str(error)), severity="error", markup=False)
