"""What slash commands have done: each is a value, and this obeys it."""

import asyncio
from pathlib import Path
from typing import Any, Protocol

from textual.app import App
from textual.message import Message

from tui.engine.process.pool import EnginePool
from tui.errors import EngineError, ModelError
from tui.knobs.pair import KnobPair
from tui.knobs.table import knob
from tui.models.locations import list_models
from tui.models.reference import named
from tui.presets.library import find_preset, has_preset
from tui.presets.preset import Preset, reworded
from tui.presets.preset_paths import is_file
from tui.presets.save import save_preset
from tui.prompt_line.commands import (
    Again,
    Clear,
    Compare,
    CompareWith,
    Explain,
    Fetch,
    Help,
    KeepHistory,
    Leave,
    OpenHistory,
    Picture,
    Save,
    SetSystem,
    Show,
    ShowEngine,
    ShowTree,
    Slash,
    TurnKnob,
    UseModel,
    UsePreset,
)
from tui.prompt_line.show import particulars
from tui.session.session import Session
from tui.session.side import Side
from tui.terminal import safe
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.comparison import Comparison
from tui.ui.controllers.history_controller import HistoryController
from tui.ui.controllers.picture_export import PictureExport
from tui.ui.controllers.preset_controller import PresetController
from tui.ui.error_toast import refusals
from tui.ui.screens.engine import EngineScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.tree import TreePick, TreeScreen
from tui.ui.widgets.prompt.composer import Composer
from tui.ui.widgets.transcript.messages import Messages

_TELLING = (
    TurnKnob, SetSystem, UsePreset, UseModel, Fetch, CompareWith, Save, Show, OpenHistory, ShowTree, Picture
)  # fmt: skip
"""What shows the setting of a side, or changes it."""


_SAVED = (
    "saved as preset {name}, in {path}: knobs, system prompt and model. /load {name} brings them back; "
    "the conversation is kept anyway, Ctrl+O finds it."
)


class Desk(Protocol):
    """What the screen does for whoever runs errands."""

    @property
    def app(self) -> App[Any]: ...
    @property
    def side(self) -> Side: ...
    def settle(self) -> None: ...
    def say(self, text: str) -> None: ...
    def clear(self) -> None: ...
    async def again(self) -> None: ...
    def post_message(self, message: Message) -> bool: ...
    async def action_obey(self, line: str) -> None: ...


class CommandRunner:
    """Obeys slash commands. What a command changes, it changes on the active side."""

    def __init__(
        self,
        desk: Desk,
        session: Session,
        engines: EnginePool,
        comparison: Comparison,
        composer: Composer,
        autosave: Autosave,
        preset_controller: PresetController,
        picture_export: PictureExport,
    ) -> None:
        self._desk, self._session, self._engines, self._comparison = desk, session, engines, comparison
        self._composer, self._autosave, self._preset_controller = composer, autosave, preset_controller
        self._picture_export = picture_export
        self._archive = HistoryController(desk, session, comparison, autosave)

    async def run(self, command: Slash) -> None:
        """Do what a command says; raises TwiddleError, and then nothing has changed."""
        if self._comparison.blind.on and isinstance(command, _TELLING):
            raise EngineError("That would tell which side is which; F7 votes and shows it, /blind shows it at once.")
        match command:
            case TurnKnob():
                with self._session.undo_on_error():
                    self._session.turn(self._desk.side, command.name, command.value)
                    self._desk.settle()
                self._mention(self._told(command))
            case Explain():
                self._mention(command.sentence)
            case KeepHistory():
                if command.keep and not self._autosave.keeps:
                    raise EngineError("Nothing of this chat is kept: --no-history or config.toml says so.")
                self._composer.keeping = command.keep
                self._mention("Prompts are kept for the next start." if command.keep else "Prompts are not kept now.")
            case Fetch():
                await self._change(await asyncio.to_thread(_meant, command.name))
            case CompareWith() | Compare():
                await self._comparison.obey(command)
            case Again():
                await self._desk.again()
            case Picture():
                await self._picture_export.save(command.path)
            case Clear():
                self._desk.clear()
            case UsePreset(None) | ShowTree() | ShowEngine() | OpenHistory() | Help() | Leave():
                self._go(command)
            case _:
                await self._change(command)

    def _go(self, command: UsePreset | ShowTree | ShowEngine | OpenHistory | Help | Leave) -> None:
        """To another screen, or out."""
        match command:
            case UsePreset():
                self._preset_controller.choose()
            case ShowTree():
                self._show_tree()
            case ShowEngine():
                self._show_engine()
            case OpenHistory():
                self._archive.choose()
            case Help():
                self._desk.app.push_screen(HelpScreen())
            case Leave():
                self._desk.app.exit()

    async def _change(self, command: SetSystem | UsePreset | UseModel | Save | Show) -> None:
        """What is about the preset and its model."""
        side = self._desk.side
        match command:
            case UsePreset(str() as name):
                preset = find_preset(name)
                self._use(preset, preset.pair)
                self._desk.say(f"preset {name} from the next reply on")
            case SetSystem():
                self._use(reworded(side.preset, system=command.text), side.pair)
                said = f"system prompt from the next reply on: {command.text}"
                self._desk.say(said if command.text else "no system prompt from the next reply on")
            case UseModel(None):
                self._desk.say(await asyncio.to_thread(_models, side.preset.model))
            case UseModel(str() as reference):
                typed = Path(reference).expanduser() if reference.startswith("~/") else Path(reference)
                model = str(typed.resolve()) if is_file(typed) else reference
                self._use(reworded(side.preset, model=model), side.pair)
                self._desk.say(f"model {reference} from the next reply on")
            case Save():
                path = save_preset(command.name, side.pair, side.preset, overwrite=command.overwrite)
                self._use(find_preset(command.name), side.pair)
                self._desk.say(_SAVED.format(name=command.name, path=path))
            case Show():
                self._desk.say(await asyncio.to_thread(particulars, command.part, side.preset, side.pair))

    def _use(self, preset: Preset, pair: KnobPair) -> None:
        with self._session.undo_on_error():
            self._desk.side.use_preset(preset, pair)
            self._desk.settle()

    def _told(self, turned: TurnKnob) -> str:
        """What came of turning a knob."""
        said = f"{turned.name} is {knob(turned.name).show(turned.value)}"
        if turned.name != "thinking":
            return f"{said} now"
        if turned.value == "auto" or self._session.can_switch_thinking(self._desk.side):
            return f"{said} from the next reply on"
        return f"{said}, but this model's chat template has no switch for thinking: it does as it was taught."

    def _show_tree(self) -> None:
        def picked(pick: TreePick | None) -> None:
            if pick:
                self._desk.post_message(Messages.Wanted(None, pick.wish, pick.turn))

        self._desk.app.push_screen(TreeScreen(self._desk.side.conversation), picked)

    def _show_engine(self) -> None:
        def restart(wanted: bool | None) -> None:
            if wanted:
                with refusals(self._desk.app):
                    self._engines.restart()
                    self._desk.settle()

        self._desk.app.push_screen(EngineScreen(self._engines.reports()), restart)

    def _mention(self, text: str) -> None:
        self._desk.app.notify(safe(text), markup=False)


def _meant(name: str) -> UsePreset | UseModel:
    """What /load is asked for."""
    if has_preset(name):
        return UsePreset(name)
    try:
        return UseModel(named(name))
    except ModelError as error:
        raise ModelError(f"There is no preset {name!r}. {error} F2 shows the presets, /model the models.") from None


def _models(current: str) -> str:
    """The models on this machine, the one in use marked."""
    lines = [
        f"{'▸' if found.reference == current else ' '} {found.reference}  ({found.place})" for found in list_models()
    ]
    return "\n".join(lines) or "There is no model on this machine; `twiddle models pull` fetches one."
