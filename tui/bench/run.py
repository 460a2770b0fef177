"""The whole benchmark, in one run."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from tui.bench.engine import chain, engine
from tui.bench.process import process
from tui.bench.result import Result
from tui.bench.synthetic import HEAVY, Shape, write_model

ROUNDS, TOKENS = 5, 128
"""How often each pair is measured, and over how many tokens."""

HISTORY = 3000
"""Tokens of conversation before the tenth turn."""


def run(name: str, path: Path, *, quick: bool, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure the engine on a model, and on one of random weights; `say` is told what comes next.

    `quick` tries every measure on a handful of tokens: its figures mean nothing.
    """
    rounds, tokens, history = (1, 12, 60) if quick else (ROUNDS, TOKENS, HISTORY)
    say("chain and trace")
    yield from chain(rounds)
    say(f"{name}: the engine")
    yield from engine(name, path, rounds, tokens, history)
    say(f"{name}: the process")
    yield from asyncio.run(_all(process(name, path, rounds, max(tokens, 24))))
    with tempfile.TemporaryDirectory() as folder:
        say("synthetic: writing it")
        synthetic = Path(folder) / "synthetic.gguf"
        write_model(synthetic, Shape(vocabulary=320) if quick else HEAVY)
        say("synthetic: the engine")
        yield from engine("synthetic", synthetic, rounds, tokens)


async def _all(results: AsyncIterator[Result]) -> list[Result]:
    return [result async for result in results]
