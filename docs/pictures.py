"""Make the pictures of the README from real runs on the starter model: `uv run python docs/pictures.py [FOLDER]`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from tui.engine.process.pool import EnginePool
from tui.knobs.setting import parse_setting
from tui.models.reference import find_model
from tui.presets.library import resolve
from tui.ui import loads_of
from tui.ui.app import TwiddleApp
from tui.ui.widgets.status import Status

Scene = Callable[[Pilot[None]], Awaitable[None]]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app run until a condition holds."""
    async with asyncio.timeout(120):
        while not condition():
            await pilot.pause(0.01)


async def ask(pilot: Pilot[None], text: str) -> None:
    """Type a question and send it, once the model is there."""
    status = pilot.app.screen.query_one(Status)
    await until(pilot, lambda: status.state == "ready")
    await pilot.press(*("space" if letter == " " else letter for letter in text), "enter")
    await until(pilot, lambda: status.state == "writing")


async def chat(pilot: Pilot[None]) -> None:
    """A knob turned in the middle of a reply."""
    await ask(pilot, "Write a long story about a lighthouse keeper and the sea.")
    status = pilot.app.screen.query_one(Status)
    await until(pilot, lambda: status.used > 60)
    await pilot.press("tab", "shift+right", "shift+right", "shift+right")
    marked = status.used
    await until(pilot, lambda: status.used > marked + 40 or status.state == "ready")


async def compare(pilot: Pilot[None]) -> None:
    """Two settings on one prompt."""
    await ask(pilot, "The weather is")
    status = pilot.app.screen.query_one(Status)
    await until(pilot, lambda: status.state == "ready")


async def tokens(pilot: Pilot[None]) -> None:
    """A reply token by token, at the first one that was unlikely."""
    await ask(pilot, "Why is the sea salty?")
    status = pilot.app.screen.query_one(Status)
    await until(pilot, lambda: status.state == "ready")
    await pilot.press("ctrl+t", "home", "n", "n")
    await pilot.pause(0.5)


async def take(folder: Path, name: str, scene: Scene, size: tuple[int, int], *settings: str, theme: str = "") -> None:
    """Run the program at a size, play a scene, and keep what is on the screen."""
    chosen = tuple(resolve(parse_setting(setting)) for setting in settings)
    loads = loads_of(chosen, (find_model("starter"),) * len(chosen))
    engines = EnginePool()
    await engines.start(loads)
    app = TwiddleApp(engines, chosen, loads)
    async with app.run_test(size=size) as pilot:
        if theme:
            app.theme = theme
        await scene(pilot)
        (folder / f"{name}.svg").write_text(app.export_screenshot(title="twiddle"), encoding="utf-8")
    await engines.stop()


async def main(folder: Path) -> None:
    """Every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    await take(folder, "chat", chat, (120, 36), "default,repeat_penalty=1.15,seed=2")
    await take(folder, "tokens", tokens, (120, 36), "temperature=1,seed=5,num_predict=200")
    await take(folder, "compare", compare, (120, 30), "temperature=0.2,seed=4", "temperature=1.4,seed=4")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "pictures")))
