"""Pictures of replies, token by token, put into files."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from textual.app import App

from tui.comparison.picture_content import PictureContent, collect_replies
from tui.conversation.conversation import last_reply
from tui.conversation.token_measures import MEASURES
from tui.errors import EngineError, PictureError
from tui.paths import expand
from tui.session.labels import titles
from tui.session.session import Session
from tui.terminal import safe, safe_line
from tui.ui.controllers.token_inspector import TokenInspector
from tui.ui.picture import draw

_LONGEST = 48
"""Characters of a file's name."""
_MOST = 1000
"""Pictures of one name in a folder."""


class Desk(Protocol):
    """What the screen does for whoever takes pictures."""

    active: int

    @property
    def app(self) -> App[Any]: ...


class PictureExport:
    """Takes a picture of what is looked at: the reply in the view of tokens, else the last reply of every side."""

    def __init__(self, desk: Desk, session: Session, inspector: TokenInspector) -> None:
        self._desk, self._session, self._inspector = desk, session, inspector

    async def save(self, name: str | None) -> None:
        """Put it into a file, of that name or one of its own; raises TwiddleError."""
        if self._session.busy:
            raise EngineError("A reply is being written; press Esc to stop it first.")
        shown = await self._shown()
        view = self._inspector.view(self._desk.active)
        picture = draw(shown, view.measure if view else MEASURES[0])
        places = iter((_named(name),)) if name else _places(shown.question)
        path = await asyncio.to_thread(_write, places, picture)
        self._desk.app.notify(safe(f"The picture is {path}"), title="Saved", timeout=10, markup=False)

    async def _shown(self) -> PictureContent:
        sides, active = self._session.sides, self._desk.active
        index = self._inspector.inspected(active)
        if index is not None:
            meant = [(sides[active], sides[active].title, index)]
        else:
            named = zip(sides, titles(sides) if len(sides) > 1 else [sides[0].title], strict=True)
            last = ((side, title, last_reply(side.conversation)) for side, title in named)
            meant = [
                (side, title, place)
                for side, title, place in last
                if place is not None and side.conversation.turns[place].message.content
            ]
        if not meant:
            raise EngineError("There is no reply to take a picture of yet.")
        for side, _, place in meant:
            await self._inspector.recall(side, place)
            if not (written := side.conversation.turns[place].record) or not written.traces:
                raise EngineError("How this reply was written is not known: a person wrote it.")
        return collect_replies((title, side.conversation, place) for side, title, place in meant)


def _named(name: str) -> Path:
    path = expand(name)
    if path is None:
        raise PictureError(f"{name!r} starts with the home folder of somebody unknown.")
    return path if path.suffix else path.with_name(f"{path.name}.svg")


def _places(question: str) -> Iterator[Path]:
    """Where it can be: here, or at home where nothing can be put here; named after the question."""
    stem = re.sub(r"\W+", "-", safe_line(question).lower())[:_LONGEST].strip("-") or "reply"
    for folder in (Path.cwd(), Path.home()):
        if os.access(folder, os.W_OK):
            yield from (folder / f"{stem}{f'-{number}' if number > 1 else ''}.svg" for number in range(1, _MOST))


def _write(places: Iterator[Path], picture: str) -> Path:
    path = Path()
    for path in places:
        try:
            # Never over what is there.
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        except (OSError, ValueError) as error:
            raise PictureError(f"The picture cannot be put into {str(path)!r}: {error}.") from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(picture)
        return path.absolute()
    raise PictureError(f"{str(path)!r} is there already; /picture NAME puts the picture elsewhere.")
