"""Conversations to keep, and a look at what was kept."""

from pathlib import Path

from tui.conversation.conversation import Conversation, Turn, answer, ask
from tui.conversation.reply_record import KnobChange, ReplyRecord, Stats
from tui.conversation.trace import Candidate, StageTrace, TokenTrace
from tui.knobs.table import Knobs
from tui.store.records import SavedPosition, Snapshot
from tui.store.store import Store


def trace(token: int) -> TokenTrace:
    return TokenTrace(token, "x", 0.5, 1.0, 0, 1.0, 0.0, (StageTrace("top_k", 40),), (Candidate(token, "x", 0.5, 1.0),))


def written(tokens: int = 3, seed: int = 7) -> ReplyRecord:
    """How a reply of so many tokens came to be."""
    return ReplyRecord(
        preset="precise",
        model="starter",
        knobs=Knobs(temperature=0.2, seed=seed),
        knob_changes=(KnobChange(1, Knobs(temperature=1.5, seed=seed)),),
        offsets=tuple(range(tokens)),
        traces=tuple(trace(index) for index in range(tokens)),
        records=tuple(bytes([index % 256]) * 100 for index in range(tokens)),
        stats=Stats(10, 2, tokens, 5.0, 100.0),
    )


def talk(*texts: str, onto: Conversation | None = None) -> Conversation:
    """A conversation in which question and answer take turns."""
    conversation = onto or Conversation()
    for index, text in enumerate(texts):
        if index % 2:
            conversation = answer(conversation, text, "stop", (1, 2, 3), written())
        else:
            conversation = ask(conversation, text)
    return conversation


def draft(conversation: Conversation, text: str) -> Turn:
    """A reply being written."""
    return answer(conversation, text, "interrupted", (1,), written(1)).turns[-1]


def keep(store: Store, *texts: str, key: str = "one") -> SavedPosition:
    return store.save(SavedPosition(key), Snapshot(talk(*texts), "precise"))


def texts(path: Path) -> list[str]:
    """Every message in a file, in the order they were said."""
    store = Store(path)
    try:
        found = [turn for entry in store.list(limit=10**6) for turn in _messages(store, entry.id)]
        return [text for _, text in sorted(found)]
    finally:
        store.close()


def _messages(store: Store, number: int) -> list[tuple[int, str]]:
    kept = store.load(number)
    return [
        (turn, each.message.content) for turn, each in zip(kept.position.turns, kept.conversation.turns, strict=True)
    ]
