"""Picture export: replies, token by token, as SVG files."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tui.comparison.picture_content import PictureContent, collect_replies
from tui.conversation.conversation import last_reply
from tui.conversation.token_measures import MEASURES
from tui.errors import PictureError, Refusal
from tui.paths import current_dir, expand, home_dir
from tui.session.labels import titles
from tui.session.session import Session
from tui.terminal import safe, safe_line
from tui.ui.controllers.host import ChatHost
from tui.ui.controllers.token_inspector import TokenInspector
from tui.ui.picture import draw

_LONGEST = 48
"""Characters of a file name."""
_MOST = 1000
"""Pictures named after one question in a folder."""


class PictureExport:
    """Exporter of the reply in the token view, or else of the last reply of every side."""

    def __init__(self, host: ChatHost, session: Session, inspector: TokenInspector) -> None:
        self._host, self._session, self._inspector = host, session, inspector

    async def save(self, name: str | None) -> None:
        """Save the picture under `name`, or under a name made from the question; raises TwiddleError."""
        self._session.require_idle()
        content = await self._content()
        view = self._inspector.view(self._host.active)
        picture = draw(content, view.measure if view else MEASURES[0])
        paths = iter((_named(name),)) if name else _paths(content.question)
        path = await asyncio.to_thread(_write, paths, picture)
        self._host.app.notify(safe(f"The picture is {path}"), title="Saved", timeout=10, markup=False)

    async def _content(self) -> PictureContent:
        sides, active = self._session.sides, self._host.active
        index = self._inspector.inspected(active)
        if index is not None:
            meant = [(sides[active], sides[active].title, index)]
        else:
            named = zip(sides, titles(sides) if len(sides) > 1 else [sides[0].title], strict=True)
            last = ((side, title, last_reply(side.conversation)) for side, title in named)
            meant = [
                (side, title, turn)
                for side, title, turn in last
                if turn is not None and side.conversation.turns[turn].message.content
            ]
        if not meant:
            raise Refusal("There is no reply to take a picture of yet.")
        for side, _, turn in meant:
            await self._inspector.recall(side, turn)
            if not (record := side.conversation.turns[turn].record) or not record.traces:
                raise Refusal("How this reply was written is not known: a person wrote it.")
        return collect_replies((title, side.conversation, turn) for side, title, turn in meant)


def _named(name: str) -> Path:
    path = expand(name)
    if path is None:
        raise PictureError(f"{name!r} starts with the home folder of somebody unknown.")
    return path if path.suffix else path.with_name(f"{path.name}.svg")


def _paths(question: str) -> Iterator[Path]:
    """Yield paths named after the question: in this folder, or at home where it is read-only."""
    stem = re.sub(r"\W+", "-", safe_line(question).lower())[:_LONGEST].strip("-") or "reply"
    for folder in (current_dir(), home_dir()):
        if os.access(folder, os.W_OK):
            yield from (folder / f"{stem}{f'-{number}' if number > 1 else ''}.svg" for number in range(1, _MOST))


def _write(paths: Iterator[Path], picture: str) -> Path:
    path = Path()
    for path in paths:
        try:
            # Never overwrite.
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        except (OSError, ValueError) as error:
            raise PictureError(f"The picture cannot be saved as {str(path)!r}: {error}.") from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(picture)
        return path.absolute()
    raise PictureError(f"{str(path)!r} is there already; /picture NAME saves the picture elsewhere.")
