"""Preset controller: reloads presets whose files change, and opens the preset screens."""

from pathlib import Path

from msgspec.structs import replace

from tui.errors import TwiddleError
from tui.presets.library import find_preset, list_presets, preset_path, reload
from tui.presets.modelfile import decode
from tui.presets.preset import Preset, read_source
from tui.presets.preset_paths import own_path
from tui.presets.serialize import skeleton
from tui.session.session import Session
from tui.session.side import Side
from tui.terminal import safe
from tui.ui.controllers.host import ChatHost
from tui.ui.screens.preset_editor import PresetEditor
from tui.ui.screens.presets import PresetChoice, PresetPicker
from tui.ui.screens.save_preset import NameAsker


class PresetController:
    """Keeper of the sides' presets while the program runs."""

    def __init__(self, host: ChatHost, session: Session) -> None:
        self._host, self._session = host, session

    def reload_changed(self) -> None:
        """Reload presets that changed on disk; while a reply is running, wait for the next call."""
        if not self._session.busy:
            self._update({side: reload(side.preset) for side in self._session.sides})

    def _update(self, presets: dict[Side, Preset]) -> None:
        """Give sides their changed presets, with one notice for each text."""
        notices = (self._use(side, now) for side, now in presets.items() if now is not side.preset)
        for text in dict.fromkeys(notices):
            self._host.add_notice(text)

    def _use(self, side: Side, now: Preset) -> str:
        """Give a side the changed preset, keep its turned knobs, and return the notice."""
        before, turned = side.preset, {name: side.pair.value(name) for name in side.turned}
        if replace(now, files=before.files, notes=before.notes) == before:  # unreadable, or the same values
            side.preset = now
            return next(iter(now.notes), f"preset {now.name} was saved")
        try:
            with self._session.undo_on_error():
                pair = now.pair
                for name, value in turned.items():
                    pair = pair.turn(name, value)
                side.use_preset(now, pair)
                self._host.apply_settings()
        except TwiddleError as error:
            side.preset = replace(before, files=now.files)  # one notice is enough
            return f"preset {now.name} changed on disk and was left as it is here: {error}"
        return f"preset {now.name} changed; it holds from the next reply on"

    # --- the picker -------------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Open the list of presets, and carry out what is chosen there."""
        side = self._host.side

        async def chosen(choice: PresetChoice | None) -> None:
            if choice is None:
                return
            try:
                await self._run(choice)
            except TwiddleError as error:
                self._host.app.notify(safe(str(error)), severity="error", markup=False)

        self._host.app.push_screen(PresetPicker(list_presets(), side.preset, side.pair), chosen)

    async def _run(self, choice: PresetChoice) -> None:
        match choice.purpose:
            case "use":
                await self._host.action_run(f"/preset {choice.name}")
            case "edit":
                self._edit(choice.name)
            case "new":
                self._ask_name(f"a new preset that builds on {choice.name}", skeleton(choice.name))
            case "copy":
                self._ask_name(f"a preset of your own like {choice.name}", _text(preset_path(choice.name)))

    def _edit(self, name: str) -> None:
        """Edit a preset; of one that ships with twiddle, a copy in the own folder."""
        path = preset_path(name)
        self._open(path if "/" in name else own_path(name), _text(path))

    def _ask_name(self, title: str, text: str) -> None:
        async def named(name: str | None) -> None:
            if name:
                self._open(own_path(name), text)

        self._host.app.push_screen(NameAsker(title), named)

    def _open(self, path: Path, text: str) -> None:
        async def saved(name: str | None) -> None:
            if name is None:
                return
            using = [side for side in self._session.sides if side.preset.name == name]
            self._update({side: find_preset(name, side.model) for side in using})
            if not using:
                self._host.add_notice(f"saved as preset {name}, in {path}; F2 switches to it")

        self._host.app.push_screen(PresetEditor(path, text), saved)


def _text(path: Path) -> str:
    return decode(read_source(path))
