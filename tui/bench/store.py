"""Benchmarks of the store: time to list, search and open conversations."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tui.bench.result import Result
from tui.conversation.conversation import Conversation, answer, ask
from tui.conversation.reply_record import ReplyRecord, Stats
from tui.engine.llama import make_stage
from tui.engine.sampling.chain import Chain, draw
from tui.engine.sampling.distribution import TokenChoice
from tui.knobs.table import Knobs
from tui.store.records import ModelFile, ReplySource, SavedPosition, Snapshot
from tui.store.store import Store

SHOWN = 100
"""Conversations that a list asks for."""

RARE = "Eddystone"
"""A word of one message in the middle; all others are made of syllables."""

_SYLLABLES = ("lo", "mar", "ten", "vi", "sha", "gru", "pel", "on", "ki", "ras", "du", "wen")
_SOURCE = ReplySource((), ModelFile("starter.gguf", 1, 1), "0.3.36")


class SyntheticHistory(Struct, frozen=True):
    """Sizes of the synthetic history that the store is filled with."""

    messages: int = 100_000
    each: int = 100
    """Messages of a conversation."""
    longest: int = 5000
    """Messages of the one written last, which has as many traces as a conversation is opened with."""
    traced: int = 128
    """Tokens of a reply with traces: the last of every tenth conversation, the last fifty of the longest."""


def store(folder: Path, rounds: int, archive: SyntheticHistory) -> Iterator[Result]:
    """Measure the store on a synthetic history; the targets are the project's."""
    opened = Store(folder / "history.db")
    try:
        _fill(opened, archive)
        yield from _asked(opened, rounds * 4, f"{archive.messages:,} messages", archive)
    finally:
        opened.close()


def _asked(opened: Store, rounds: int, what: str, archive: SyntheticHistory) -> Iterator[Result]:
    numbers = [entry.id for entry in opened.list(limit=archive.messages)]
    chosen = iter(random.Random(1).choices(numbers[1:], k=rounds))
    asked: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("list the newest", lambda: opened.list(limit=SHOWN), 100),
        ("search: a word that many have", lambda: opened.list("lomar", SHOWN), 100),
        ("search: a word in one message", lambda: opened.list(RARE, SHOWN), 100),
        ("search: two letters", lambda: opened.list("ys", SHOWN), 100),
        ("search: what nobody said", lambda: opened.list("nobody said", SHOWN), 100),
        (f"open a conversation of {archive.each:,}", lambda: opened.load(next(chosen)), 300),
        (f"open a conversation of {archive.longest:,}", lambda: opened.load(numbers[0]), 300),
    )
    for name, deed, most in asked:
        yield Result(name, what, "ms", tuple(_milliseconds(deed) for _ in range(rounds)), most, higher=False)


def _milliseconds(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return (time.perf_counter() - began) * 1000


# --- what was said --------------------------------------------------------------------------------------------------


def _fill(opened: Store, archive: SyntheticHistory) -> None:
    pick, choices = random.Random(2), _choices(archive.traced)
    count = (archive.messages - archive.longest) // archive.each
    for index in range(count):
        talk = _talk(pick, archive.each, choices, traced=index % 10 == 0, rare=index == count // 2)
        opened.save(SavedPosition(f"made up {index}"), Snapshot(talk, "default", source=_SOURCE))
    opened.save(
        SavedPosition("longest"), Snapshot(_talk(pick, archive.longest, choices, traced=50), "default", source=_SOURCE)
    )


def _talk(
    pick: random.Random, messages: int, choices: tuple[TokenChoice, ...], *, traced: int, rare: bool = False
) -> Conversation:
    """Build a conversation whose last replies, so many of them, have traces."""
    talk, bare = Conversation(), _written(())
    whole = _written(choices)
    for left in reversed(range(messages // 2)):
        talk = ask(talk, _words(pick, 20) + (f" {RARE}" if rare and left == 0 else ""))
        written = whole if left < traced else bare
        talk = answer(talk, _words(pick, 80), "stop", tuple(range(len(choices))), written)
    return talk


def _words(pick: random.Random, count: int) -> str:
    return " ".join("".join(pick.choices(_SYLLABLES, k=pick.randint(1, 4))) for _ in range(count))


def _choices(tokens: int) -> tuple[TokenChoice, ...]:
    """Tokens chosen from random logits, as they are chosen in earnest."""
    stages, numbers = Chain(Knobs(), make_stage, []), np.random.default_rng(1)
    found = []
    for index in range(tokens):
        odds = stages.run(numbers.normal(0, 3, 49_152).astype(np.float32), [], 1.0)
        found.append(odds.choice(odds.draw(draw(1, index)), str))
    return tuple(found)


def _written(choices: tuple[TokenChoice, ...]) -> ReplyRecord:
    said = ReplyRecord("default", "starter", replace(Knobs(), seed=1), stats=Stats(10, 2, 100, 5.0, 100.0))
    return replace(
        said,
        offsets=tuple(range(0, 4 * len(choices), 4)),
        traces=tuple(choice.trace for choice in choices),
        records=tuple(choice.record for choice in choices),
    )
