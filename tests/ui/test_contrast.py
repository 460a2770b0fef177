"""Text can be read in every theme, measured on what the widgets really paint."""

import unicodedata
from collections.abc import AsyncIterator, Iterator

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.style import Style
from textual.color import Color
from textual.geometry import Region

from tests.engine.scripted import Script
from tests.ui.driver import Chat, OpenChat
from tests.ui.test_themes import LEAST, contrast
from tui import paths
from tui.ui.themes import load_themes

THEMES = {theme.name: theme for theme in load_themes([paths.shipped("themes")]).themes}
DEFAULT = RichColor.default()
LEVELS = ("tokens", "what if, and the candidates")
REPLY = """\
<think>
Which are the odds?
</think>
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
    parts = [part.intersection(clip) for each, (part, clip) in drawn if each not in system and each is not screen]
    return Region.from_union(parts) if parts else Region()  # it has no place before its first layout


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


async def of_two_sides(chat: Chat) -> AsyncIterator[str]:
    """Screens with two sides; in the end there is one."""
    first, _ = chat.panes
    yield "an empty chat"
    await chat.answered("Say something **long**.")
    first.transcript.reply.mark("temperature 0.2→0.5", 30)
    first.transcript.notice("a notice")
    yield "two sides that differ"
    first.transcript.focus()
    await chat.press("d", "left_square_bracket")
    yield "differences marked, and a link lit up"
    await chat.press("o")
    yield "a thought"
    await chat.press("enter")
    yield "where the link leads"
    await chat.press("escape")
    await chat.ask("/blind")
    await chat.answered("Hi")
    await chat.press("f7")
    await chat.until(lambda: "Which side is better?" in chat.view)
    yield "a vote"
    await chat.press("a", "b", "t", "enter")
    await chat.until(lambda: "this run only" in chat.view)
    yield "what the votes came to"
    await chat.press("escape", "f8")
    await chat.until(lambda: len(chat.panes) == 1)


async def of_one_side(chat: Chat) -> AsyncIterator[str]:
    """Screens with knobs and tokens."""
    chat.knobs.focus()
    await chat.press("right")
    yield "the knobs"
    await chat.press("ctrl+t")
    await chat.until(lambda: chat.panes[0].tokens and chat.panes[0].tokens.count)
    await chat.press("home", "n")
    yield "tokens"
    chat.screen._session.turn(chat.side, "top_k", 2)
    chat.screen.apply_settings()
    await chat.until(lambda: "what if" in chat.view)
    await chat.press("enter")
    yield "what if, and the candidates"
    await chat.press("escape", "ctrl+t")
    chat.prompt.focus()
    await chat.press("slash", "s")
    yield "commands"
    await chat.press("escape", "ctrl+c")
    chat.app.notify("an error", severity="error", markup=False)
    yield "an error"


async def of_dialogs(chat: Chat) -> AsyncIterator[str]:
    """Dialogs over the chat."""
    for keys in (("f1",), ("f2",), ("f5",), ("f12",), ("ctrl+o",), ("ctrl+p",), ("f2", "ctrl+e"), ("f2", "ctrl+n")):
        for key in keys:
            await chat.press(key)
            await chat.until(lambda: chat.app.screen.is_modal and front(chat).height > 4)
            await chat.pilot.pause()
        yield " ".join(keys)
        while chat.app.screen.is_modal:
            await chat.press("escape")
            await chat.pilot.pause()
    chat.knobs.focus()
    await chat.press("s")
    yield "a preset to be saved"


def unsure(chat: Chat) -> Iterator[str]:
    """Every text in the terminal's own colours that may not stand out from its ground: nobody knows these colours."""
    shown = front(chat)
    for strip in chat.app.screen._compositor.render_strips()[shown.y : shown.bottom]:
        for text, style, _ in strip.crop(shown.x, shown.right):
            words = "".join(sign for sign in text if unicodedata.category(sign)[0] in "LNPS" and ord(sign) < 0x2190)
            if not style or not words.strip("·─│"):
                continue
            ink, ground = (style.color or DEFAULT), (style.bgcolor or DEFAULT)
            own = {ColorType.DEFAULT, ColorType.STANDARD} >= {ink.type, ground.type}
            # Nobody knows whether the terminal's own ground is dark, nor what its own ink is like on a colour.
            dark = ground.number in (0, 1, 4, 5, 8)
            fit = ink.number not in (0, 7, 8, 15) if ground.is_default else ink.number in ((7, 15) if dark else (0,))
            if not own or not fit:
                yield f"{words!r} {ink.name} on {ground.name}"


async def test_every_text_can_be_read_in_every_theme(open_chat: OpenChat) -> None:
    found: list[str] = []
    settings = ("precise,seed=1,think_open=<think>,think_close=</think>", "temperature=1.5,seed=1,min_p=0,top_p=1")
    async with open_chat(Script(replies=(REPLY,), sureness=8), *settings, size=(120, 48)) as chat:
        await chat.ready()
        for sights in (of_two_sides, of_one_side, of_dialogs):
            async for sight in sights(chat):
                for theme in THEMES.values():
                    chat.app.theme = theme.name
                    await chat.pilot.pause()
                    if sight == "ctrl+p":  # it has the colours that it opened with
                        await chat.press("escape", "ctrl+p")
                        await chat.until(lambda: chat.app.screen.is_modal and front(chat).height > 8)
                    # The levels of tokens have a test of their own.
                    least = LEAST.get(theme.name, 4.5) if sight not in LEVELS else 4.5
                    poor = unsure(chat) if theme.ansi else faint(chat, least)
                    found += (f"{theme.name}, {sight}: {each}" for each in poor)
    assert not found, "\n".join(dict.fromkeys(found))
