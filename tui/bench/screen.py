"""Benchmarks of the screen, in a real terminal, and of its long widgets."""

import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tui.bench.baseline import Endless
from tui.bench.long_widgets import MESSAGES, TOKENS, marathon
from tui.bench.reply_speed import CONTEXT, QUESTION, rate
from tui.bench.result import Result, ratios
from tui.bench.terminal import Terminal
from tui.knobs.table import Knobs

TWIDDLE = (sys.executable, "-m", "tui")
BARE = (
    sys.executable, "-c",
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Bare(App):\n    def compose(self):\n        yield Static('Bare')\nBare().run()",
)  # fmt: skip

LETTERS = [chr(code) for code in range(0x3B1, 0x3CA)]
"""Typed one at a time: nothing else on the screen is Greek."""

PAUSE = (0.08, 0.2)
"""Seconds between two keys."""


def screen(name: str, path: Path, rounds: int, tokens: int, *, keys: int) -> Iterator[Result]:
    """Measure the screen; `keys` is the number of keys typed each time that typing is timed."""
    started = ratios(rounds, lambda: _first_paint(*TWIDDLE, "chat", "--no-history"), lambda: _first_paint(*BARE))
    yield Result("first paint / that of a bare Textual app", "screen", "ratio", started, 1.5, higher=False)
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "endless.Modelfile"
        model = Endless(str(path), CONTEXT)
        try:
            preset.write_text(_endless(path, model))
            beside = ratios(rounds, lambda: _rate(preset, tokens), lambda: rate(model, tokens, Knobs(seed=1)))
        finally:
            model.close()
        yield Result("with the screen / engine alone", name, "ratio", beside, 0.9)
        for what, most, load, argv in (
            ("nothing is written", 20, None, ("chat", "--no-history")),
            ("one reply is written", None, 0.2, ("chat", "--no-history", str(preset))),
            ("two replies are written", 35, 0.4, ("compare", f"{preset},temperature=0.2", f"{preset},temperature=1.4")),
        ):
            pressed, used = _typing(argv, keys, asked=load is not None)
            yield Result(f"key to paint while {what}, the slowest of twenty", name, "ms", pressed, most, higher=False)
            if load and used:
                yield Result(f"screen while {what}", name, "of a core", (used,), load, higher=False)
    long = asyncio.run(marathon(rounds))
    yield Result(f"opening {MESSAGES:,} messages", "screen", "ms", long.opened, 500, higher=False)
    yield Result("a page up in them", "screen", "ms", long.turned, 16, higher=False)
    yield Result(f"recolouring {TOKENS:,} tokens", "screen", "ms", long.recoloured, 16, higher=False)


def _first_paint(*argv: str) -> float:
    with Terminal(argv) as terminal:
        terminal.wait("Bare|F1 for all keys")
        return terminal.age


def _endless(path: Path, model: Endless) -> str:
    """Build a preset whose replies do not end by themselves."""
    ends = [token for token in range(model.info.vocabulary) if super(Endless, model).is_end(token)]
    lines = [f'FROM "{path}"', f"PARAMETER num_ctx {CONTEXT.num_ctx}", "PARAMETER seed 1"]
    return "\n".join([*lines, *(f"PARAMETER logit_bias #{token}:-100" for token in ends), ""])


def _rate(preset: Path, tokens: int) -> float:
    with Terminal((*TWIDDLE, "chat", "--no-history", f"{preset},num_predict={tokens}")) as terminal:
        terminal.wait("ready")
        terminal.send(f"{QUESTION[0].content}\r")
        return float(terminal.wait(rf"{tokens} tokens · (\d+) tok/s")[1])


def _typing(argv: tuple[str, ...], keys: int, *, asked: bool) -> tuple[tuple[float, ...], float | None]:
    """Milliseconds from key to paint, the 95th percentile of every twenty keys; and the share of a core it took."""
    chance, waits = random.Random(1), list[float]()
    with Terminal((*TWIDDLE, *argv)) as terminal:
        terminal.wait("ready")
        if asked:
            terminal.send(f"{QUESTION[0].content}\r")
        terminal.drain(3)
        used, began = terminal.cpu, terminal.age
        for number in range(keys):
            terminal.drain(chance.uniform(*PAUSE))
            letter = LETTERS[number % len(LETTERS)]
            pressed = terminal.age
            terminal.send(letter)
            terminal.wait(letter)
            waits.append((terminal.age - pressed) * 1000)
        after, seconds = terminal.cpu, terminal.age - began
    slowest = tuple(sorted(waits[start : start + 20])[-2] for start in range(0, max(keys - 1, 1), 20))
    return slowest, None if used is None or after is None else (after - used) / seconds
