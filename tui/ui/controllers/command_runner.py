"""Runs slash commands on the active side."""

import asyncio

from msgspec.structs import replace

from tui.engine.process.pool import EnginePool
from tui.errors import PresetError, Refusal
from tui.knobs.knob import Value
from tui.knobs.pair import KnobPair
from tui.knobs.table import knob
from tui.models.locations import list_models
from tui.models.reference import canonical, is_model_reference
from tui.presets.library import find_preset, has_preset
from tui.presets.preset import Preset, with_parts
from tui.presets.save import save_preset
from tui.prompt_line.commands import ParsedCommand, Part, SideAction
from tui.prompt_line.show import show_part
from tui.session.session import Session
from tui.terminal import safe
from tui.ui.controllers.autosave import Autosave
from tui.ui.controllers.comparison import Comparison
from tui.ui.controllers.history_controller import HistoryController
from tui.ui.controllers.host import ChatHost, refusals
from tui.ui.controllers.picture_export import PictureExport
from tui.ui.controllers.preset_controller import PresetController
from tui.ui.screens.engine import EngineScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.screens.tree import TreePick, TreeScreen
from tui.ui.widgets.prompt.composer import Composer
from tui.ui.widgets.transcript.message_list import MessageList


class CommandRunner:
    """Slash commands, a `do_` method for each handler that `tui.prompt_line.commands.COMMANDS` names."""

    def __init__(
        self,
        host: ChatHost,
        session: Session,
        engines: EnginePool,
        comparison: Comparison,
        composer: Composer,
        autosave: Autosave,
        preset_controller: PresetController,
        picture_export: PictureExport,
    ) -> None:
        self._host, self._session, self._engines, self._comparison = host, session, engines, comparison
        self._composer, self._autosave, self._preset_controller = composer, autosave, preset_controller
        self._picture_export = picture_export
        self._history = HistoryController(host, session, comparison, autosave)

    async def run(self, parsed: ParsedCommand) -> None:
        """Run a command; raises TwiddleError, and then nothing has changed."""
        if self._comparison.blind.on and parsed.command.reveals:
            raise Refusal("That would tell which side is which; F7 votes and shows it, /blind shows it at once.")
        await getattr(self, f"do_{parsed.command.handler}")(*parsed.arguments)

    # --- knobs, presets and models ----------------------------------------------------------------------------------

    async def do_turn(self, name: str, value: Value) -> None:
        """Turn a knob."""
        with self._session.undo_on_error():
            self._session.turn(self._host.side, name, value)
            self._host.apply_settings()
        sentence = f"{name} is {knob(name).show(value)}"
        if name != "thinking":
            sentence += " now"
        elif value == "auto" or self._session.can_switch_thinking(self._host.side):
            sentence += " from the next reply on"
        else:
            sentence += ", but this model's chat template has no switch for thinking: it does as it was taught."
        self._notify(sentence)

    async def do_system(self, text: str) -> None:
        """Set the system prompt."""
        side = self._host.side
        self._use(with_parts(side.preset, system=text), side.pair)
        self._host.add_notice(
            f"system prompt from the next reply on: {text}" if text else "no system prompt from the next reply on"
        )

    async def do_preset(self, name: str | None) -> None:
        """Switch the preset; without a name open the list."""
        if name is None:
            self._preset_controller.choose()
            return
        preset = find_preset(name, self._host.side.model)
        self._use(preset, preset.pair)
        model = f"the model stays {preset.model}" if preset.any_model else f"its model is {preset.model}"
        self._host.add_notice(f"preset {name} from the next reply on; {model}")

    async def do_model(self, reference: str | None) -> None:
        """Switch the model; without a reference list those on this machine."""
        side = self._host.side
        if reference is None:
            self._host.add_notice(await asyncio.to_thread(_list_models, side.model))
            return
        preset = with_parts(side.preset, model=await asyncio.to_thread(canonical, reference))
        self._use(preset, side.pair)
        self._host.add_notice(f"model {preset.model} from the next reply on; the preset stays {preset.name}")

    async def do_load(self, name: str | None) -> None:
        """Switch to a preset, or else to a model; without a name open the list of presets."""
        if name is None or await asyncio.to_thread(has_preset, name):
            await self.do_preset(name)
            return
        if not await asyncio.to_thread(is_model_reference, name):
            raise PresetError(f"There is no preset and no model {name!r}; F2 shows the presets, /model the models.")
        await self.do_model(name)

    async def do_save(self, name: str, overwrite: bool, with_model: bool) -> None:
        """Save knobs and system prompt as a preset, the model too if the preset names one or if asked, and use it."""
        side = self._host.side
        preset = replace(side.preset, any_model=side.preset.any_model and not with_model)
        path = save_preset(name, side.pair, preset, overwrite=overwrite)
        self._use(find_preset(name, side.model), side.pair)
        parts = "knobs and system prompt, for any model" if preset.any_model else "knobs, system prompt and model"
        self._host.add_notice(
            f"saved as preset {name}, in {path}: {parts}. /load {name} brings them back; "
            "Ctrl+O lists the saved conversations."
        )

    async def do_show(self, part: Part) -> None:
        """Print a part of the preset in use."""
        side = self._host.side
        self._host.add_notice(await asyncio.to_thread(show_part, part, side.preset, side.pair))

    def _use(self, preset: Preset, pair: KnobPair) -> None:
        with self._session.undo_on_error():
            self._host.side.use_preset(preset, pair)
            self._host.apply_settings()

    # --- the conversation and its sides -----------------------------------------------------------------------------

    async def do_compare(self, setting: str | None) -> None:
        """Add a side."""
        await self._comparison.compare(setting)

    async def do_side(self, action: SideAction) -> None:
        """Run a command about the sides."""
        await self._comparison.run(action)

    async def do_again(self) -> None:
        """Answer the last question anew."""
        await self._host.answer_again()

    async def do_clear(self) -> None:
        """Begin a new chat."""
        self._host.clear()

    async def do_picture(self, name: str | None) -> None:
        """Save a picture of the reply."""
        await self._picture_export.save(name)

    async def do_keep_prompts(self, keep: bool) -> None:
        """Save prompts for the next start from now on, or stop saving them."""
        if keep and not self._autosave.enabled:
            raise Refusal("Nothing of this chat is saved: --no-history or config.toml says so.")
        self._composer.keeping = keep
        self._notify("Prompts are saved for the next start." if keep else "Prompts are not saved from now on.")

    # --- screens ----------------------------------------------------------------------------------------------------

    async def do_tree(self) -> None:
        """Open the tree of the conversation, and run the action that is chosen in it."""

        def picked(pick: TreePick | None) -> None:
            if pick:
                self._host.post_message(MessageList.ActionRequested(None, pick.action, pick.turn))

        self._host.app.push_screen(TreeScreen(self._host.side.conversation), picked)

    async def do_history(self) -> None:
        """Open the list of saved conversations."""
        self._history.choose()

    async def do_engine(self) -> None:
        """Open the log of the engine, and restart the engine if asked."""

        def restart(wanted: bool | None) -> None:
            if wanted:
                with refusals(self._host.app):
                    self._engines.restart()
                    self._host.apply_settings()

        self._host.app.push_screen(EngineScreen(self._engines.reports()), restart)

    async def do_help(self) -> None:
        """Open the help."""
        self._host.app.push_screen(HelpScreen())

    async def do_bye(self) -> None:
        """Quit."""
        self._host.app.exit()

    async def do_explain(self, sentence: str) -> None:
        """Say why a command of Ollama's is not needed."""
        self._notify(sentence)

    def _notify(self, text: str) -> None:
        self._host.app.notify(safe(text), markup=False)


def _list_models(current: str) -> str:
    """Return the models on this machine, a line each, the one in use marked."""
    lines = [
        f"{'▸' if found.reference == current else ' '} {found.reference}  ({found.owner})" for found in list_models()
    ]
    return "\n".join(lines) or "There is no model on this machine; `twiddle models pull` fetches one."
