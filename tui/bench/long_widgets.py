"""Long things on the screen, without a terminal: what it takes to open, turn and colour them."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from textual.app import App, ComposeResult
from textual.widget import Widget

from tui.conversation.conversation import Conversation, answer, ask
from tui.ui.widgets.tokens.token_field import TokenField
from tui.ui.widgets.tokens.token_lines import TokenSpan
from tui.ui.widgets.transcript.transcript import Transcript

MESSAGES, TOKENS = 5000, 4000
SIZE = (160, 45)
"""Columns and rows."""


class LongWidgetTimes(NamedTuple):
    """Milliseconds of this process's CPU time until the screen was painted."""

    opened: tuple[float, ...]
    turned: tuple[float, ...]
    recoloured: tuple[float, ...]


class _Stage(App[None]):
    """Nothing but one widget."""

    CSS_PATH = "../ui/widgets/widgets.tcss"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    def compose(self) -> ComposeResult:
        yield self._widget

    async def time(self, act: Callable[[], object]) -> float:
        """Do something, and wait until it is painted."""
        painted, began = asyncio.Event(), time.process_time()
        act()
        self._widget.call_after_refresh(painted.set)
        await painted.wait()
        return (time.process_time() - began) * 1000


async def marathon(rounds: int) -> LongWidgetTimes:
    """Open a long conversation, page up in it, and give the tokens of a long reply other colours."""
    conversation = Conversation()
    for number in range(MESSAGES // 2):
        conversation = ask(conversation, f"Question {number}?")
        conversation = answer(conversation, f"**Answer** {number}: " + "words that fill a line or two " * 8, "stop")
    transcript, field = Transcript(), TokenField()
    stage = _Stage(transcript)
    async with stage.run_test(size=SIZE):
        opened = [await stage.time(lambda: transcript.show(conversation)) for _ in range(rounds)]
        turned = [await stage.time(transcript.scroll_page_up) for _ in range(40 * rounds)]
    stage = _Stage(field)
    async with stage.run_test(size=SIZE):
        await stage.time(lambda: field.add([TokenSpan(" word")] * TOKENS, [0] * TOKENS))
        recoloured = []
        for number in range(4 * rounds):
            levels, cut = [number % 8] * TOKENS, [number % 2 == 0] * TOKENS
            recoloured.append(await stage.time(lambda: field.colour(0, levels, cut)))  # noqa: B023
    return LongWidgetTimes(tuple(opened), tuple(turned), tuple(recoloured))
