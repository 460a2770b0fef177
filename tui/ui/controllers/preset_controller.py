"""Keeps the presets of the sides up to date with their files, and lets a person choose, begin and edit them."""

from pathlib import Path
from typing import Any, Protocol

from msgspec.structs import replace
from textual.app import App

from tui.errors import TwiddleError
from tui.presets.library import find_preset, list_presets, preset_path, reload
from tui.presets.modelfile import decode
from tui.presets.preset import Preset, is_model, read_source
from tui.presets.preset_paths import own_path
from tui.presets.serialize import skeleton
from tui.session.session import Session
from tui.session.side import Side
from tui.terminal import safe
from tui.ui.screens.name_asker import NameAsker
from tui.ui.screens.preset_editor import PresetEditor
from tui.ui.screens.presets import PresetChoice, PresetPicker


class Desk(Protocol):
    """What the screen does for the librarian."""

    @property
    def app(self) -> App[Any]: ...
    @property
    def side(self) -> Side: ...
    def settle(self) -> None: ...
    def say(self, text: str) -> None: ...
    async def action_obey(self, line: str) -> None: ...


class PresetController:
    """Looks after presets while the program runs."""

    def __init__(self, desk: Desk, session: Session) -> None:
        self._desk, self._session = desk, session

    def look(self) -> None:
        """Take in what changed on disk. While a reply is written nothing is: its turn comes with the next look."""
        if not self._session.busy:
            self._renew({side: reload(side.preset) for side in self._session.sides})

    def _renew(self, presets: dict[Side, Preset]) -> None:
        """Bring sides up to date with their presets, and say so once."""
        said = (self._take(side, now) for side, now in presets.items() if now is not side.preset)
        for text in dict.fromkeys(said):
            self._desk.say(text)

    def _take(self, side: Side, now: Preset) -> str:
        """Give a side its preset as it is now; what the person turned stays turned. What to say about it."""
        before, turned = side.preset, {name: side.pair.value(name) for name in side.turned}
        if replace(now, files=before.files, notes=before.notes) == before:  # it cannot be read, or says the same
            side.preset = now
            return next(iter(now.notes), f"preset {now.name} was saved")
        try:
            with self._session.undo_on_error():
                pair = now.pair
                for name, value in turned.items():
                    pair = pair.turn(name, value)
                side.use_preset(now, pair)
                self._desk.settle()
        except TwiddleError as error:
            side.preset = replace(before, files=now.files)  # said once
            return f"preset {now.name} changed on disk and was left as it is here: {error}"
        return f"preset {now.name} changed; it holds from the next reply on"

    # --- the picker -------------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Let a preset be chosen from the list, or one begun, copied or edited."""
        side = self._desk.side

        async def chosen(choice: PresetChoice | None) -> None:
            if choice is None:
                return
            try:
                await self._do(choice)
            except TwiddleError as error:
                self._desk.app.notify(safe(str(error)), severity="error", markup=False)

        self._desk.app.push_screen(PresetPicker(list_presets(), side.preset, side.pair), chosen)

    async def _do(self, choice: PresetChoice) -> None:
        match choice.purpose:
            case "use":
                await self._desk.action_obey(f"/preset {choice.name}")
            case "edit":
                self._edit(choice.name)
            case "new":
                self._name(f"a new preset that builds on {choice.name}", skeleton(choice.name))
            case "copy":
                self._name(f"a preset of your own like {choice.name}", _text(preset_path(choice.name)))

    def _edit(self, name: str) -> None:
        """A preset that ships with twiddle stays as it is: the person's is a copy of it."""
        there = preset_path(name)
        self._open(there if "/" in name else own_path(name), _text(there))

    def _name(self, title: str, text: str) -> None:
        async def named(name: str | None) -> None:
            if name:
                self._open(own_path(name), text)

        self._desk.app.push_screen(NameAsker(title), named)

    def _open(self, path: Path, text: str) -> None:
        async def saved(name: str | None) -> None:
            if name is None:
                return
            using = [side for side in self._session.sides if side.preset.name == name]
            self._renew({side: find_preset(name) for side in using})
            if not using:
                self._desk.say(f"saved as preset {name}, in {path}; F2 switches to it")

        self._desk.app.push_screen(PresetEditor(path, text), saved)


def _text(path: Path) -> str:
    source = read_source(path)
    return f"FROM {path}\n" if is_model(path, source) else decode(source)
