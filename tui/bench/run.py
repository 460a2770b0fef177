"""The whole benchmark, in one run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from pathlib import Path

from tui.bench.engine import chain, engine
from tui.bench.process import process
from tui.bench.result import Result
from tui.bench.screen import screen
from tui.bench.store import SyntheticHistory, store
from tui.bench.synthetic import HEAVY, Shape, write_model

ROUNDS, TOKENS = 5, 128
"""Rounds of each pair, and tokens of each reply."""

HISTORY = 3000
"""Tokens of conversation before the tenth turn."""

PROMPT = 4000
"""Tokens of the prompt that is stopped."""


PARTS = ("chain", "engine", "process", "screen", "synthetic", "store")
"""Choosing a token, the model in this process and in its own, the screen, a model of random weights, what is kept."""


def run(
    name: str, path: Path, parts: Collection[str] = PARTS, *, quick: bool, say: Callable[[str], None]
) -> Iterator[Result]:
    """Measure the engine on a model, and on one of random weights; `say` is told what comes next.

    `quick` tries every measure on a handful of tokens: its figures mean nothing.
    """
    rounds, tokens, history, prompt = (1, 6, 60, 300) if quick else (ROUNDS, TOKENS, HISTORY, PROMPT)
    if "chain" in parts:
        say("chain and trace")
        yield from chain(rounds)
    if "engine" in parts:
        say(f"{name}: the engine")
        yield from engine(name, path, rounds, tokens, history)
    if "process" in parts:
        say(f"{name}: the process")
        yield from asyncio.run(_all(process(name, path, rounds, max(tokens, 24), prompt)))
    if "screen" in parts:
        say(f"{name}: the screen")
        yield from screen(name, path, rounds, tokens, keys=20 if quick else 100)
    if "synthetic" in parts:
        yield from _synthetic(Shape(vocabulary=320) if quick else HEAVY, rounds, tokens, say)
    if "store" in parts:
        yield from _store(SyntheticHistory(240, 20, 60, 8) if quick else SyntheticHistory(), rounds, say)


def _synthetic(shape: Shape, rounds: int, tokens: int, say: Callable[[str], None]) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        say("synthetic: writing it")
        synthetic = Path(folder) / "synthetic.gguf"
        write_model(synthetic, shape)
        say("synthetic: the engine")
        yield from engine("synthetic", synthetic, rounds, tokens)


def _store(archive: SyntheticHistory, rounds: int, say: Callable[[str], None]) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        say(f"the store: writing {archive.messages:,} messages")
        yield from store(Path(folder), rounds, archive)


async def _all(results: AsyncIterator[Result]) -> list[Result]:
    return [result async for result in results]
