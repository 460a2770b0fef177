"""Widgets that change with every token are drawn in shared frames."""

import asyncio

from textual.app import App

from tui.ui.terminal.frame_clock import FRAMES_PER_SECOND, FrameClock


async def test_those_who_ask_at_different_moments_are_called_on_the_same_beat_and_once() -> None:
    app: App[None] = App()
    calls: list[str] = []
    async with app.run_test() as pilot:
        beats = [FrameClock(app, lambda: calls.append("one")), FrameClock(app, lambda: calls.append("other"))]
        lengths = [beat._length for beat in beats]
        assert lengths == [1 / FRAMES_PER_SECOND] * 2
        for beat in beats:
            for _ in range(3):
                beat.request()
        async with asyncio.timeout(10):
            while len(calls) < 2:
                await pilot.pause(0.001)
        await pilot.pause()
        assert sorted(calls) == ["one", "other"] and not any(beat.waiting for beat in beats)
