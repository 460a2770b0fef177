"""Text can be read in every theme, measured on what the widgets really paint."""

import unicodedata
from collections.abc import Iterator

import pytest
from rich.style import Style
from textual.color import Color
from textual.geometry import Region

from tests.ui.driver import Chat, OpenChat
from tests.ui.test_themes import LEAST, contrast
from tui import paths
from tui.engine.fake import Script
from tui.ui.themes import load_themes

THEMES = {theme.name: theme for theme in load_themes([paths.shipped("themes")]).themes if not theme.ansi}
REPLY = """\
# Odds

Three **things**, *briefly*, with `code`, ~~errors~~ and [a link](https://example.org/a):

1. first
> quoted

```python
@cache
def draw(seed: int) -> str:  # a comment
    return f"{hash(seed)}" + str(12)
```
"""


def inks(style: Style) -> tuple[Color, Color]:
    assert style.color and style.bgcolor
    ink, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    if style.reverse:
        ink, ground = ground, ink
    return (ground.blend(ink, 0.5) if style.dim else ink), ground


def front(chat: Chat) -> Region:
    """The screen, or the dialog on it: that dims what is behind it."""
    screen = chat.app.screen
    if not screen.is_modal:
        return screen.region
    system = set(screen.query(".-textual-system, .-textual-system *"))
    drawn = screen._compositor.visible_widgets.items()
    return Region.from_union(
        [part.intersection(clip) for each, (part, clip) in drawn if each not in system and each is not screen]
    )


def faint(chat: Chat, least: float) -> Iterator[str]:
    """Every text on the screen that is hard to read."""
    shown = front(chat)
    for strip in chat.app.screen._compositor.render_strips()[shown.y : shown.bottom]:
        for text, style, _ in strip.crop(shown.x, shown.right):
            # What is not text: rails, tracks, bars and borders.
            words = "".join(sign for sign in text if unicodedata.category(sign)[0] in "LNPS" and ord(sign) < 0x2190)
            if style and words.strip("·─│") and (ratio := contrast(*inks(style))) < least:
                ink, ground = inks(style)
                yield f"{words!r} {ink.hex} on {ground.hex}: {ratio:.2f}"


@pytest.mark.parametrize("name", THEMES)
async def test_every_text_can_be_read(open_chat: OpenChat, name: str) -> None:
    least = LEAST.get(name, 4.5)
    async with open_chat(Script(replies=(REPLY,)), "precise,seed=1", theme=name, size=(120, 48)) as chat:
        await chat.ready()
        found = list(faint(chat, least))
        await chat.answered("Say something **long**.")
        chat.panes[0].transcript.mark("temperature 0.2→0.5", 8)
        chat.panes[0].transcript.mark("parts here", 9, "fork")
        chat.panes[0].transcript.notice("a notice")
        await chat.pilot.pause()
        found += faint(chat, least)
        await chat.press("f3", "tab", "right")
        await chat.pilot.pause()
        found += faint(chat, least)
        chat.app.notify("an error", severity="error", markup=False)
        await chat.toast()
        found += faint(chat, least)
        for keys in (("f1",), ("escape", "f2"), ("escape", "ctrl+p")):
            await chat.press(*keys)
            await chat.until(lambda: chat.app.screen.is_modal and front(chat).height > 8)
            found += faint(chat, least)
    assert not found, "\n".join(dict.fromkeys(found))
