"""Pictures of the screen. `pytest tests/ui/test_snapshots.py --snapshot-update` takes them anew."""

from collections.abc import AsyncIterator
from itertools import count
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion

from tests.engine.scripted import Script
from tests.ui.driver import Chat, InProcess, OpenChat
from tui.conversation.reply_record import Stats
from tui.engine.protocol import Event, Finished, Preview, Previewed

SIZES = [(80, 24), (120, 40), (200, 60)]
THEMES = ["twiddle-dark", "twiddle-light", "high-contrast"]
REPLY = """\
Three things, **briefly**:

1. Temperature *flattens* the odds.
2. `top_k` keeps the likeliest tokens.

```python
def draw(seed, position):
    return hash((seed, position))  # the same every time
```

| knob | off |
| --- | --- |
| top_p | 1 |
"""


class Steady(InProcess):
    """An engine whose figures are always the same."""

    async def events(self) -> AsyncIterator[Event]:
        async for event in super().events():
            if isinstance(event, Finished):
                event = replace(event, stats=Stats(40, 0, len(event.tokens), 25.0, 100.0))
            yield event


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes a hundredth of a second further whenever a side asks for it."""
    ticks = (number / 100 for number in count())
    monkeypatch.setattr("tui.session.side.time", SimpleNamespace(perf_counter=lambda: next(ticks)))


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(SVGImageExtension)


async def settled(chat: Chat) -> str:
    """The picture, once the odds of the next token are in it."""
    await chat.until(lambda: chat.engine.heard(Previewed)[-1].id == chat.engine.commands(Preview)[-1].id)
    await chat.pilot.pause()
    return chat.app.export_screenshot(title="twiddle")


async def asked(chat: Chat) -> str:
    """The picture after one question."""
    await chat.ready()
    await chat.answered("What do the knobs do?")
    await chat.ready()
    return await settled(chat)


by_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))


@by_size
@pytest.mark.parametrize("theme", THEMES)
async def test_chat(open_chat: OpenChat, picture: SnapshotAssertion, theme: str, size: tuple[int, int]) -> None:
    setting = "precise,top_k=7,seed=1"
    async with open_chat(Script(replies=(REPLY,)), setting, theme=theme, size=size, engine=Steady) as chat:
        assert await asked(chat) == picture


@by_size
async def test_compare(open_chat: OpenChat, picture: SnapshotAssertion, size: tuple[int, int]) -> None:
    settings = "temperature=0,seed=1", "temperature=1,top_p=1,min_p=0,seed=1"
    async with open_chat(Script(replies=(REPLY,), sureness=8), *settings, size=size, engine=Steady) as chat:
        assert await asked(chat) == picture


async def test_the_knobs_lie_over_a_narrow_chat(open_chat: OpenChat, picture: SnapshotAssertion) -> None:
    async with open_chat(Script(replies=(REPLY,)), "seed=1", size=(80, 24), engine=Steady) as chat:
        await asked(chat)
        await chat.press("f4", "right")
        await chat.turned("temperature", 0.85)
        assert await settled(chat) == picture


@pytest.mark.parametrize(
    ("theme", "size"),
    [("", (80, 24)), ("", (120, 40)), ("high-contrast", (120, 40))],
    ids=["narrow", "wide", "high-contrast"],
)
async def test_tokens(open_chat: OpenChat, picture: SnapshotAssertion, theme: str, size: tuple[int, int]) -> None:
    setting = "temperature=1,top_k=40,top_p=1,min_p=0,seed=4"
    async with open_chat(Script(replies=(REPLY,)), setting, size=size, theme=theme, engine=Steady) as chat:
        await asked(chat)
        await chat.press("ctrl+t", "home", "n", "n")
        assert await settled(chat) == picture
